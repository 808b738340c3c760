#include "server/runs/webhook_message.h"

#include <algorithm>
#include <array>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/json/value.h"

namespace tollgate::runs {

namespace {

namespace trigger = domain::webhook_trigger;

constexpr std::size_t kExcerpt = 1024;

bool wants(const domain::Webhook& webhook, std::string_view name) {
  return std::find(webhook.triggers.begin(), webhook.triggers.end(), name) != webhook.triggers.end();
}

json::Value text_or_null(std::string_view text) {
  return text.empty() ? json::Value() : json::Value(text);
}

std::string member(const json::Value& details, std::string_view name) {
  const json::Value* value = details.find(name);
  return value != nullptr && value->if_string() != nullptr ? *value->if_string() : "";
}

struct Notification {
  std::string trigger;
  std::string message;
  std::string phase;
};

std::optional<Notification> notification_of(const domain::Webhook& webhook, const domain::AuditRecord& record,
                                            const json::Value& details) {
  Notification made;
  made.phase = member(details, "phase");
  if (record.event == "run.planned") {
    made.trigger = trigger::kNeedsAttention;
    made.message = "The plan waits for somebody to confirm it";
  } else if (record.event == "run.mfa_waiting") {
    made.trigger = wants(webhook, trigger::kMfaNeeded) ? trigger::kMfaNeeded : trigger::kNeedsAttention;
    made.message = fmt::format("The {} waits for an AWS MFA code", made.phase);
  } else if (record.event == "run.mfa_passed") {
    made.trigger = trigger::kMfaPassed;
    made.message = fmt::format("Authenticated with MFA by {}: the {} may start", record.actor_name, made.phase);
  } else if (record.event == "run.mfa_timeout") {
    made.trigger = trigger::kMfaFailed;
    made.message = "No AWS MFA code came in time, and the run has ended";
  } else if (record.event == "mfa.refused") {
    made.trigger = trigger::kMfaFailed;
    made.message = fmt::format("The AWS MFA code of {} for the {} was not accepted ({})", record.actor_name, made.phase,
                               member(details, "reason"));
  } else {
    return std::nullopt;
  }
  if (!wants(webhook, made.trigger)) return std::nullopt;
  return made;
}

json::Value head(const domain::Webhook& webhook) {
  return json::Value::object({{"payload_version", 1}, {"notification_configuration_id", webhook.id}});
}

}  // namespace

std::optional<WebhookMessage> webhook_message(
    domain::Tables& tables, const domain::Webhook& webhook, const domain::AuditRecord& record,
    const std::function<std::string(domain::Tables&, const domain::Run&)>& run_url) {
  if (record.subject_kind != "run" || record.organization_id != webhook.organization_id) return std::nullopt;
  const json::Value details = json::parse(record.details).value_or(json::Value::object());
  auto notification = notification_of(webhook, record, details);
  if (!notification) return std::nullopt;
  const auto run = tables.runs().find(record.subject_id);
  const auto workspace = run ? tables.workspaces().find(run->workspace_id) : std::nullopt;
  const auto organization = tables.organizations().find(webhook.organization_id);
  if (!workspace || !organization) return std::nullopt;  // deleted since
  const auto creator = run->created_by.empty() ? std::nullopt : tables.users().find(run->created_by);
  // As it was then: the run may have gone on since.
  const std::string status = member(details, "status");
  json::Value told =
      json::Value::object({{"message", notification->message},
                           {"trigger", notification->trigger},
                           {"run_status", status.empty() ? std::string(domain::to_text(run->status)) : status},
                           {"run_updated_at", format_iso8601(record.at)},
                           {"run_updated_by", text_or_null(record.actor_name)}});
  if (!notification->phase.empty()) told.set("phase", notification->phase);
  json::Value payload = head(webhook);
  payload.set("run_url", run_url(tables, *run) + "?focus=code")
      .set("run_id", run->id)
      .set("run_message", run->message)
      .set("run_created_at", format_iso8601(run->created_at))
      .set("run_created_by", text_or_null(creator ? creator->username : ""))
      .set("workspace_id", workspace->id)
      .set("workspace_name", workspace->name)
      .set("organization_name", organization->name)
      .set("notifications", json::Value::array({std::move(told)}));
  return WebhookMessage{std::move(notification->trigger), json::to_text(payload)};
}

std::string verification_payload(const domain::Webhook& webhook, TimePoint now) {
  json::Value payload = head(webhook);
  for (const char* name : {"run_url", "run_id", "run_message", "run_created_at", "run_created_by", "workspace_id",
                           "workspace_name", "organization_name"})
    payload.set(name, json::Value());
  payload.set("notifications",
              json::Value::array({json::Value::object({{"message", fmt::format("Verification of {}", webhook.name)},
                                                       {"trigger", "verification"},
                                                       {"run_status", json::Value()},
                                                       {"run_updated_at", format_iso8601(now)},
                                                       {"run_updated_by", json::Value()}})}));
  return json::to_text(payload);
}

std::string webhook_signature(const Secret& token, std::string_view body) {
  return hex_encode(crypto::hmac_sha512(token.reveal(), body));
}

std::vector<std::pair<std::string, std::string>> webhook_headers(const domain::Webhook& webhook,
                                                                 std::string_view delivery_id, std::string_view body) {
  return {{"Content-Type", "application/json"},
          {"X-TFE-Notification-Signature", webhook_signature(webhook.token, body)},
          {"X-Tollgate-Delivery", std::string(delivery_id)}};
}

std::optional<Duration> wait_after_failure(std::int64_t attempts) {
  using std::chrono::seconds;
  constexpr std::array kWaits{seconds(2),    seconds(10),   seconds(60),   seconds(300),
                              seconds(1800), seconds(7200), seconds(21600)};
  if (attempts < 1 || attempts > static_cast<std::int64_t>(kWaits.size())) return std::nullopt;
  return kWaits.at(static_cast<std::size_t>(attempts - 1));
}

std::string printable_excerpt(std::string_view body) {
  std::string text(body.substr(0, kExcerpt));
  for (char& c : text) {
    if ((c < ' ' || c > '~') && c != '\n' && c != '\t') c = '?';
  }
  return text;
}

}  // namespace tollgate::runs
