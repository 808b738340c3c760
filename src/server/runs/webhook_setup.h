// How the webhook of an organization comes into the store: the rules that hold whoever sets it, the audit record of it,
// and what owners are told. Who may set it is the caller's question. Functions run inside the caller's write
// transaction; all errors leave nothing written by them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/runs/webhook_sender.h"

namespace tollgate::runs {

// What is not named stays, or has its default: every trigger, turned on.
struct WebhookChange {
  std::optional<std::string> name;
  std::optional<std::string> url;
  std::optional<Secret> token;
  std::optional<bool> enabled;
  std::optional<std::vector<std::string>> triggers;
};

struct PutWebhook {
  domain::Webhook webhook;
  bool created = false;
};
// Errors: Code::invalid with the attribute as JSON pointer.
Result<PutWebhook> put_webhook(domain::Tables& tables, std::string_view organization_id, const WebhookChange& change,
                               const WebhookSender& sender, const domain::Actor& actor, RandomSource& random,
                               TimePoint now);
void erase_webhook(domain::Tables& tables, const domain::Webhook& webhook, const domain::Actor& actor,
                   RandomSource& random, TimePoint now);

// Of its address, which may hold a secret of the receiver, what may be told: host and port.
std::string webhook_host(const domain::Webhook& webhook);

}  // namespace tollgate::runs
