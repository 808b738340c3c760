#include "server/runs/webhook_setup.h"

#include <algorithm>

#include "server/audit/audit.h"
#include "server/domain/ids.h"
#include "server/runs/mfa_setup.h"

namespace tollgate::runs {

namespace {

using domain::Tables;
using domain::Webhook;

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kShortestToken = 16;
constexpr std::size_t kLongestToken = 256;

Error invalid(std::string_view attribute, std::string_view what) {
  return Error(Code::invalid, fmt::format("{} {}", attribute, what)).at(fmt::format("/data/attributes/{}", attribute));
}

Result<void> check_triggers(std::vector<std::string>& triggers) {
  const auto& known = domain::kWebhookTriggers;
  const bool fit = std::all_of(triggers.begin(), triggers.end(), [&](const std::string& trigger) {
    return std::find(known.begin(), known.end(), trigger) != known.end();
  });
  if (!fit || triggers.empty()) {
    return fail(invalid("triggers", fmt::format("must be some of {}", fmt::join(known, ", "))));
  }
  std::sort(triggers.begin(), triggers.end());
  triggers.erase(std::unique(triggers.begin(), triggers.end()), triggers.end());
  return {};
}

Result<void> check(Webhook& webhook, const WebhookSender& sender) {
  if (webhook.name.empty() || webhook.name.size() > kLongestName) {
    return fail(invalid("name", "must have 1 to 100 bytes"));
  }
  if (const auto usable = sender.check(webhook.url); !usable) {
    return fail(Error(usable.error()).at("/data/attributes/url"));
  }
  if (webhook.token.size() < kShortestToken || webhook.token.size() > kLongestToken) {
    return fail(invalid("token", "must have 16 to 256 bytes: it signs every message"));
  }
  return check_triggers(webhook.triggers);
}

void note(Tables& tables, const Webhook& webhook, const std::string& event, const std::string& done,
          const domain::Actor& actor, RandomSource& random, TimePoint now) {
  audit::append(tables, actor,
                {webhook.organization_id, event, "webhook", webhook.id,
                 json::Value::object({{"host", webhook_host(webhook)},
                                      {"enabled", webhook.enabled},
                                      {"triggers", fmt::format("{}", fmt::join(webhook.triggers, ","))}})},
                now);
  tell_owners(tables, {webhook.organization_id, event, actor.username, fmt::format("{} {}.", who(actor), done)}, random,
              now);
}

}  // namespace

Result<PutWebhook> put_webhook(Tables& tables, std::string_view organization_id, const WebhookChange& change,
                               const WebhookSender& sender, const domain::Actor& actor, RandomSource& random,
                               TimePoint now) {
  const auto before = tables.webhooks().of_organization(organization_id);
  PutWebhook put{before.value_or(Webhook{}), !before};
  Webhook& webhook = put.webhook;
  if (put.created) {
    webhook.id = domain::new_id(domain::id_prefix::kWebhook, random);
    webhook.organization_id = organization_id;
    webhook.name = "webhook";
    webhook.triggers.assign(domain::kWebhookTriggers.begin(), domain::kWebhookTriggers.end());
    webhook.created_at = now;
  }
  webhook.updated_at = now;
  webhook.name = change.name.value_or(webhook.name);
  webhook.url = change.url.value_or(webhook.url);
  webhook.token = change.token.value_or(webhook.token);
  webhook.enabled = change.enabled.value_or(webhook.enabled);
  webhook.triggers = change.triggers.value_or(webhook.triggers);
  TG_CHECK(check(webhook, sender));
  // What happened while nobody listened is not told.
  if (put.created || !before->enabled) {
    const auto last = tables.audit().last();
    webhook.told_until = last ? last->sequence : 0;
  }
  TG_CHECK(before ? tables.webhooks().update(webhook) : tables.webhooks().insert(webhook));
  if (!webhook.enabled) tables.webhook_deliveries().give_up_waiting(webhook.id, "the webhook was turned off");
  note(tables, webhook, put.created ? "webhook.created" : "webhook.updated",
       fmt::format("{} the webhook: it goes to {}{}", put.created ? "set up" : "changed", webhook_host(webhook),
                   webhook.enabled ? "" : ", and is turned off"),
       actor, random, now);
  return put;
}

void erase_webhook(Tables& tables, const Webhook& webhook, const domain::Actor& actor, RandomSource& random,
                   TimePoint now) {
  tables.webhooks().erase(webhook.id);
  note(tables, webhook, "webhook.deleted", "removed the webhook", actor, random, now);
}

std::string webhook_host(const Webhook& webhook) {
  const std::size_t scheme = webhook.url.find("://");
  if (scheme == std::string::npos) return "";
  const std::size_t from = scheme + 3;
  const std::size_t end = std::min(webhook.url.find_first_of("/?", from), webhook.url.size());
  return webhook.url.substr(from, end - from);
}

}  // namespace tollgate::runs
