// What a webhook is told, when, and how it can tell that it comes from here: from one record of the audit to one
// message in the form of HCP Terraform's generic notifications, its signature, and how long to wait after a failure.
// Messages hold no secret, no code, and nothing of AWS: who reads them learns that somebody is waited for, and where.
// Functions are pure, or read inside the caller's transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/domain/store.h"

namespace tollgate::runs {

struct WebhookMessage {
  std::string trigger;
  std::string payload;
};
// nullopt for a record that this webhook does not want to hear of. `run_url` is the page of a run. A gate that opened
// is told once: as mfa:needed, or as run:needs_attention to who asked for that alone.
std::optional<WebhookMessage> webhook_message(
    domain::Tables& tables, const domain::Webhook& webhook, const domain::AuditRecord& record,
    const std::function<std::string(domain::Tables&, const domain::Run&)>& run_url);
// What a test sends.
std::string verification_payload(const domain::Webhook& webhook, TimePoint now);

// Lower-case hex of HMAC-SHA512 over the body.
std::string webhook_signature(const Secret& token, std::string_view body);
// Content-Type, X-TFE-Notification-Signature, X-Tollgate-Delivery (the same each time that one message is sent).
std::vector<std::pair<std::string, std::string>> webhook_headers(const domain::Webhook& webhook,
                                                                 std::string_view delivery_id, std::string_view body);

// After so many failed attempts: nullopt to give up. About nine hours in all.
std::optional<Duration> wait_after_failure(std::int64_t attempts);

// The first bytes of what a receiver answered, with everything else than printable ASCII replaced.
std::string printable_excerpt(std::string_view body);

}  // namespace tollgate::runs
