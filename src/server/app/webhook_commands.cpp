#include "server/app/webhook_commands.h"

#include <cstdio>

#include "server/app/curl_webhook.h"
#include "server/app/host.h"
#include "server/domain/ids.h"
#include "server/runs/webhook_message.h"
#include "server/runs/webhook_setup.h"

namespace tollgate::app {
namespace {

using domain::Tables;
using domain::Webhook;

Result<Webhook> webhook_of(Tables& tables, const std::string& organization) {
  const auto found = tables.organizations().find_by_name(organization);
  if (!found) return fail(Code::not_found, fmt::format("there is no organization {}", organization));
  auto webhook = tables.webhooks().of_organization(found->id);
  if (!webhook) {
    return fail(Error(Code::not_found, fmt::format("{} has no webhook", organization))
                    .do_next("set one up with --url, the secret from stdin"));
  }
  return std::move(*webhook);
}

std::string description(Tables& tables, const Webhook& webhook) {
  std::string text = fmt::format("{}, {}: {}\n", runs::webhook_host(webhook), webhook.enabled ? "on" : "off",
                                 fmt::join(webhook.triggers, ", "));
  constexpr std::array<std::string_view, 3> kStates{"waits", "delivered", "given up"};
  for (const auto& delivery : tables.webhook_deliveries().list(webhook.id, {1, 10}).rows) {
    text += fmt::format("{} {} of {}: {} after {} attempts{}{}\n", format_iso8601(delivery.created_at),
                        delivery.trigger, delivery.run_id, kStates.at(static_cast<std::size_t>(delivery.state)),
                        delivery.attempts, delivery.last.error.empty() ? "" : ": ", delivery.last.error);
  }
  return text;
}

Result<void> test(const Webhook& webhook, CurlWebhook& sender, const Opened& opened) {
  const std::string body = runs::verification_payload(webhook, opened.clock->now());
  const std::string id = domain::new_id(domain::id_prefix::kWebhookDelivery, *opened.random);
  const auto answer = sender.send(webhook.url, runs::webhook_headers(webhook, id, body), body);
  if (!answer.successful()) {
    return fail(Error(Code::unavailable, fmt::format("the test did not arrive: {}", answer.error))
                    .do_next("what is to be told waits and is tried again; look with: org webhook DIR ORGANIZATION"));
  }
  std::printf("%s\n", fmt::format("{} answered with status {}", runs::webhook_host(webhook), answer.status).c_str());
  return {};
}

}  // namespace

Result<void> run_org_webhook(const WebhookWish& wish) {
  const os::Environment environment = os::current_environment();
  TG_TRY(const Configuration configuration, load_configuration(wish.directory, environment));
  CurlWebhook sender(configuration.webhook_allow,
                     net::curl_options_from([&](std::string_view name) { return environment.get(name); }));
  TG_TRY(const Opened opened, open_records_of(wish.directory));
  runs::WebhookChange change;
  if (!wish.url.empty()) {
    change.url = wish.url;
    TG_TRY(change.token, secret_from_stdin("the secret that signs the messages"));
  }
  if (!wish.triggers.empty()) change.triggers = wish.triggers;
  if (!wish.enabled.empty()) change.enabled = wish.enabled == "true";
  const bool changes = change.url || change.triggers || change.enabled;
  const TimePoint now = opened.clock->now();
  const domain::Actor actor = operator_of_this_host();
  TG_TRY(const auto done, opened.records->store().write([&](Tables& tables) -> Result<std::pair<Webhook, std::string>> {
    const auto organization = tables.organizations().find_by_name(wish.organization);
    if (changes && organization) {
      TG_CHECK(runs::put_webhook(tables, organization->id, change, sender, actor, *opened.random, now));
    }
    TG_TRY(const Webhook webhook, webhook_of(tables, wish.organization));
    if (!wish.remove) return std::pair(webhook, description(tables, webhook));
    runs::erase_webhook(tables, webhook, actor, *opened.random, now);
    return std::pair(webhook, std::string("removed\n"));
  }));
  if (wish.test && !wish.remove) return test(done.first, sender, opened);
  std::fwrite(done.second.data(), 1, done.second.size(), stdout);
  std::fflush(stdout);
  return {};
}

}  // namespace tollgate::app
