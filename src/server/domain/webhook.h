// The webhook of an organization: where it is told that a run waits for somebody, what it was told so far, and what it
// is still to be told. Rows as they are stored: the address and the secret are clear here and sealed on disk. Plain
// values; not synchronised.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/secret.h"
#include "common/base/time.h"

namespace tollgate::domain {

namespace webhook_trigger {
inline constexpr std::string_view kNeedsAttention = "run:needs_attention";
inline constexpr std::string_view kMfaNeeded = "mfa:needed";
inline constexpr std::string_view kMfaPassed = "mfa:passed";
inline constexpr std::string_view kMfaFailed = "mfa:failed";
}  // namespace webhook_trigger
inline constexpr std::array kWebhookTriggers{webhook_trigger::kNeedsAttention, webhook_trigger::kMfaNeeded,
                                             webhook_trigger::kMfaPassed, webhook_trigger::kMfaFailed};

// One for each organization.
struct Webhook {
  std::string id;
  std::string organization_id;
  std::string name;
  std::string url;  // of which a part may be a secret of the receiver
  Secret token;     // the key of the signature
  bool enabled = true;
  std::vector<std::string> triggers;  // of kWebhookTriggers
  // Up to which record of the audit its deliveries were made: what happened is told once, also after a crash.
  std::int64_t told_until = 0;
  TimePoint created_at{};
  TimePoint updated_at{};
};

enum class DeliveryState {
  waiting,    // to be sent, now or later
  delivered,  // the receiver said 2xx
  failed,     // given up
};

// What the receiver answered the last time.
struct WebhookResponse {
  std::optional<TimePoint> at;
  std::int64_t status = 0;  // HTTP; 0: there was no answer
  std::string excerpt;      // of its body, printable
  std::string error;        // in words, where it was no success
};

// One message, with what became of it. Deliveries of one run are sent in their order.
struct WebhookDelivery {
  std::string id;
  std::string webhook_id;
  std::string run_id;
  std::string trigger;
  std::string payload;  // the body, as it is sent each time
  DeliveryState state = DeliveryState::waiting;
  std::int64_t attempts = 0;
  TimePoint created_at{};
  TimePoint next_attempt_at{};  // while it waits
  WebhookResponse last;
};

}  // namespace tollgate::domain
