// The webhook of an organization: owners set it, on the page, with a password just typed, for it learns who is waited
// for and when. Its shape is that of a generic notification configuration; its secret never comes back.
#include <array>

#include "server/api/owners.h"
#include "server/api/routes.h"
#include "server/runs/webhook_dispatch.h"
#include "server/runs/webhook_message.h"
#include "server/runs/webhook_setup.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::Webhook;
using domain::WebhookDelivery;

constexpr std::string_view kType = "notification-configurations";

json::Value response_value(const domain::WebhookResponse& response) {
  const bool successful = response.status >= 200 && response.status < 300;
  return json::Value::object({{"code", response.status == 0 ? json::Value() : json::Value(response.status)},
                              {"body", response.excerpt},
                              {"sent-at", response.at ? json::Value(format_iso8601(*response.at)) : json::Value()},
                              {"successful", successful},
                              {"error", response.error.empty() ? json::Value() : json::Value(response.error)}});
}

json::Value webhook_resource(const Webhook& webhook, std::string_view organization, json::Value responses) {
  json::Value triggers = json::Value::array();
  for (const std::string& trigger : webhook.triggers)
    triggers.push(trigger);
  Resource resource(kType, webhook.id);
  resource.attribute("name", webhook.name)
      .attribute("destination-type", "generic")
      .attribute("url", webhook.url)
      .attribute("token", json::Value())
      .attribute("enabled", webhook.enabled)
      .attribute("triggers", std::move(triggers))
      .attribute("delivery-responses", std::move(responses))
      .time("created-at", webhook.created_at)
      .time("updated-at", webhook.updated_at)
      .to_one("organization", "organizations", organization)
      .link("self", fmt::format("/api/v2/organizations/{}/webhook", organization));
  return std::move(resource).build();
}

json::Value delivery_resource(const WebhookDelivery& delivery) {
  Resource resource("webhook-deliveries", delivery.id);
  constexpr std::array<std::string_view, 3> kStates{"waiting", "delivered", "failed"};
  const bool waits = delivery.state == domain::DeliveryState::waiting;
  resource.attribute("trigger", delivery.trigger)
      .attribute("run-id", delivery.run_id)
      .attribute("state", kStates.at(static_cast<std::size_t>(delivery.state)))
      .attribute("attempts", delivery.attempts)
      .time("created-at", delivery.created_at)
      .time("next-attempt-at", waits ? std::optional(delivery.next_attempt_at) : std::nullopt)
      .attribute("response",
                 delivery.last.at || !delivery.last.error.empty() ? response_value(delivery.last) : json::Value());
  return std::move(resource).build();
}

// What the receiver last said to anything.
json::Value last_responses(Tables& tables, const Webhook& webhook) {
  json::Value all = json::Value::array();
  for (const WebhookDelivery& delivery : tables.webhook_deliveries().list(webhook.id, {1, 20}).rows) {
    if (!delivery.last.at) continue;
    all.push(response_value(delivery.last));
    break;
  }
  return all;
}

Result<Webhook> webhook_of(Tables& tables, const Call& call) {
  auto found = tables.webhooks().of_organization(call.subject.organization->id);
  if (!found) return fail(not_found("webhook"));
  return std::move(*found);
}

Result<runs::WebhookChange> read_change(const RequestDocument& body) {
  const json::Reader attributes = body.attributes();
  runs::WebhookChange change;
  TG_TRY(const auto kind, attributes.optional_text("destination-type"));
  if (kind && *kind != "generic") return fail(invalid_attribute("destination-type", "can only be generic"));
  TG_TRY(change.name, attributes.optional_text("name"));
  TG_TRY(change.url, attributes.optional_text("url"));
  TG_TRY(change.enabled, attributes.optional_boolean("enabled"));
  TG_TRY(const auto token, attributes.optional_text("token"));
  if (token) change.token = Secret(*token);
  const json::Value* triggers = attributes.value().find("triggers");
  if (triggers == nullptr) return change;
  if (triggers->if_array() == nullptr) return fail(invalid_attribute("triggers", "must be a list"));
  change.triggers.emplace();
  for (const json::Value& each : *triggers->if_array())
    change.triggers->push_back(each.if_string() != nullptr ? *each.if_string() : "");
  return change;
}

Result<runs::WebhookDispatch*> dispatch_of(const Call& call) {
  if (call.context.webhooks != nullptr) return call.context.webhooks;
  return fail(Error(Code::conflict, "this server sends no webhooks").because("webhooks_off"));
}

Result<http::Response> show_webhook(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Webhook webhook, webhook_of(tables, call));
    return document(200, webhook_resource(webhook, call.subject.organization->name, last_responses(tables, webhook)));
  });
}

Result<http::Response> set_webhook(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, kType));
  TG_TRY(const runs::WebhookChange change, read_change(body));
  const domain::Organization& organization = *call.subject.organization;
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_CHECK(require_owner_now(tables, call, organization.id));
    TG_TRY(const runs::WebhookDispatch* dispatch, dispatch_of(call));
    TG_TRY(const runs::PutWebhook put, runs::put_webhook(tables, organization.id, change, dispatch->sender(),
                                                         call.actor(), call.context.random, call.now));
    return document(put.created ? 201 : 200,
                    webhook_resource(put.webhook, organization.name, last_responses(tables, put.webhook)));
  });
  if (!answer) return answer;
  show_owners(call, organization);
  call.context.webhooks->wake();
  return answer;
}

Result<http::Response> delete_webhook(const Call& call) {
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_CHECK(require_owner_now(tables, call, call.subject.organization->id));
    TG_TRY(const Webhook webhook, webhook_of(tables, call));
    runs::erase_webhook(tables, webhook, call.actor(), call.context.random, call.now);
    return no_content();
  });
  if (answer) show_owners(call, *call.subject.organization);
  return answer;
}

Result<http::Response> test_webhook(const Call& call) {
  TG_TRY(const Webhook webhook,
         call.store().read([&](Tables& tables) -> Result<Webhook> { return webhook_of(tables, call); }));
  TG_TRY(runs::WebhookDispatch * dispatch, dispatch_of(call));
  TG_TRY(const runs::WebhookAnswer answer, dispatch->test(webhook));
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    call.audit(tables, webhook.organization_id, "webhook.tested", "webhook", webhook.id,
               json::Value::object({{"host", runs::webhook_host(webhook)}, {"status", answer.status}}));
    return {};
  }));
  json::Value responses = json::Value::array();
  responses.push(response_value({call.context.clock.now(), answer.status, runs::printable_excerpt(answer.body),
                                 runs::printable_excerpt(answer.error)}));
  return document(200, webhook_resource(webhook, call.subject.organization->name, std::move(responses)));
}

Result<http::Response> list_deliveries(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Webhook webhook, webhook_of(tables, call));
    const auto found = tables.webhook_deliveries().list(webhook.id, page);
    json::Array rows;
    for (const WebhookDelivery& delivery : found.rows)
      rows.push_back(delivery_resource(delivery));
    return list_document(std::move(rows), found.total, page, call.request);
  });
}

// One that was given up, or is to be sent before its time.
Result<http::Response> retry_delivery(const Call& call) {
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Webhook webhook, webhook_of(tables, call));
    auto delivery = tables.webhook_deliveries().find(call.parameter("delivery_id"));
    if (!delivery || delivery->webhook_id != webhook.id) return fail(not_found("delivery"));
    if (!webhook.enabled || delivery->state == domain::DeliveryState::delivered) {
      return fail(Error(Code::conflict, webhook.enabled ? "this message was delivered" : "the webhook is turned off")
                      .because(webhook.enabled ? "delivered" : "webhook_disabled"));
    }
    if (delivery->state == domain::DeliveryState::failed) delivery->attempts = 0;
    delivery->state = domain::DeliveryState::waiting;
    delivery->next_attempt_at = call.now;
    TG_CHECK(tables.webhook_deliveries().update(*delivery));
    call.audit(tables, webhook.organization_id, "webhook.retried", "webhook", webhook.id,
               json::Value::object({{"delivery", delivery->id}}));
    return document(202, delivery_resource(*delivery));
  });
  if (answer && call.context.webhooks != nullptr) call.context.webhooks->wake();
  return answer;
}

}  // namespace

Routes webhook_routes() {
  constexpr std::string_view kOne = "/api/v2/organizations/:organization/webhook";
  constexpr auto kOwners = Permission::organization_own;
  return {
      {"GET", kOne, kOwners, show_webhook, "The organization's webhook, without its secret"},
      {"PATCH", kOne, kOwners, set_webhook,
       "Sets it up or changes what is named: owners, on the page, with a password just typed", Body::json},
      {"DELETE", kOne, kOwners, delete_webhook, "Removes it, with what it was still to be told"},
      {"POST", "/api/v2/organizations/:organization/webhook/actions/test", kOwners, test_webhook,
       "Sends a verification now, and says what the receiver answered"},
      {"GET", "/api/v2/organizations/:organization/webhook/deliveries", kOwners, list_deliveries,
       "What it was told and is to be told, newest first"},
      {"POST", "/api/v2/organizations/:organization/webhook/deliveries/:delivery_id/actions/retry", kOwners,
       retry_delivery, "Sends one now that failed or waits"},
  };
}

}  // namespace tollgate::api
