// The columns of webhooks and what is to be delivered to them (row_schema.h says how they are written down). No SQL, no
// I/O.
#pragma once

#include "server/store/row_schema.h"

namespace tollgate::store {

template <>
struct Schema<domain::Webhook> {
  static constexpr std::string_view kTable = "webhooks";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f("name", row.name);
    f("enabled", row.enabled);
    f.json("triggers", row.triggers);
    f("told_until", row.told_until);
    f("created_at", row.created_at);
    f("updated_at", row.updated_at);
    f.sealed("url", row.url);
    f.sealed("token", row.token);
  }
  static void bind(SealContext& context, const domain::Webhook& row) { context.add(row.organization_id); }
};

template <>
struct Schema<domain::WebhookDelivery> {
  static constexpr std::string_view kTable = "webhook_deliveries";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("webhook_id", row.webhook_id);
    f("run_id", row.run_id);
    f("trigger_name", row.trigger);
    f("payload", row.payload);
    f("state", row.state);
    f("attempts", row.attempts);
    f("created_at", row.created_at);
    f("next_attempt_at", row.next_attempt_at);
    f("answered_at", row.last.at);
    f("status", row.last.status);
    f("excerpt", row.last.excerpt);
    f("error", row.last.error);
  }
};

}  // namespace tollgate::store
