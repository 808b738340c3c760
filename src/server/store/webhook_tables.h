// The tables of webhooks and of what they were told. Valid inside one transaction, on its thread.
#pragma once

#include "server/store/sql_table.h"

namespace tollgate::store {

class SqlWebhooks final : public SqlTable<domain::Webhook, domain::WebhookTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::Webhook> of_organization(std::string_view organization_id) override;
  std::vector<domain::Webhook> enabled() override;
};

class SqlWebhookDeliveries final : public SqlTable<domain::WebhookDelivery, domain::WebhookDeliveryTable> {
 public:
  using SqlTable::SqlTable;
  domain::Paged<domain::WebhookDelivery> list(std::string_view webhook_id, domain::Page page) override;
  std::optional<domain::WebhookDelivery> next_due(std::string_view webhook_id, TimePoint now) override;
  std::optional<TimePoint> next_attempt() override;
  void give_up_waiting(std::string_view webhook_id, std::string_view why) override;
  void keep_newest(std::string_view webhook_id, std::int64_t count) override;
};

}  // namespace tollgate::store
