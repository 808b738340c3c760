#include "server/store/webhook_tables.h"

namespace tollgate::store {

namespace {

SqlValue text(std::string_view value) {
  return SqlValue::of(value);
}

// Waits, and nothing of its run waits before it.
constexpr std::string_view kFirstOfItsRun =
    "webhook_deliveries.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM webhook_deliveries earlier WHERE "
    "earlier.state = 'waiting' AND earlier.run_id = webhook_deliveries.run_id AND "
    "earlier.webhook_id = webhook_deliveries.webhook_id AND earlier.ordinal < webhook_deliveries.ordinal)";

}  // namespace

std::optional<domain::Webhook> SqlWebhooks::of_organization(std::string_view organization_id) {
  return one(" WHERE organization_id = :p1", {text(organization_id)});
}

std::vector<domain::Webhook> SqlWebhooks::enabled() {
  return rows(" WHERE enabled = 1 ORDER BY id", {});
}

domain::Paged<domain::WebhookDelivery> SqlWebhookDeliveries::list(std::string_view webhook_id, domain::Page wanted) {
  Where where;
  where.add("webhook_deliveries.webhook_id = ?", {text(webhook_id)});
  return page("", std::move(where), "webhook_deliveries.ordinal DESC", wanted);
}

std::optional<domain::WebhookDelivery> SqlWebhookDeliveries::next_due(std::string_view webhook_id, TimePoint now) {
  return one(
      fmt::format(" WHERE webhook_id = :p1 AND next_attempt_at <= :p2 AND {} ORDER BY ordinal LIMIT 1", kFirstOfItsRun),
      {text(webhook_id), value_of(now)});
}

std::optional<TimePoint> SqlWebhookDeliveries::next_attempt() {
  const auto found = one(fmt::format(" WHERE {} ORDER BY next_attempt_at LIMIT 1", kFirstOfItsRun), {});
  if (!found) return std::nullopt;
  return found->next_attempt_at;
}

void SqlWebhookDeliveries::give_up_waiting(std::string_view webhook_id, std::string_view why) {
  context_.session.execute(
      "UPDATE webhook_deliveries SET state = 'failed', error = :p1 WHERE webhook_id = :p2 AND state = 'waiting'",
      {text(why), text(webhook_id)});
}

void SqlWebhookDeliveries::keep_newest(std::string_view webhook_id, std::int64_t count) {
  context_.session.execute(
      "DELETE FROM webhook_deliveries WHERE webhook_id = :p1 AND state <> 'waiting' AND ordinal <= "
      "(SELECT COALESCE(MAX(ordinal), 0) FROM webhook_deliveries WHERE webhook_id = :p2) - :p3",
      {text(webhook_id), text(webhook_id), SqlValue::of(count)});
}

}  // namespace tollgate::store
