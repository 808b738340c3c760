// The webhook over the API: who may set it, what comes back, and what never does.
#include "server/runs/webhook_dispatch.h"
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class NotingSender final : public runs::WebhookSender {
 public:
  Result<void> check(const std::string& url) const override {
    if (url.starts_with("https://")) return {};
    return fail(Error(Code::invalid, "a webhook's address begins with https://").because("webhook_address"));
  }
  runs::WebhookAnswer send(const std::string& url, const std::vector<std::pair<std::string, std::string>>&,
                           const std::string& body) override {
    sent.push_back(url + " " + body);
    return answer;
  }
  std::vector<std::string> sent;
  runs::WebhookAnswer answer{200, "thanks", ""};
};

constexpr std::string_view kUrl = "https://hooks.example.com/T0/path-secret";
constexpr std::string_view kToken = "a secret of 16 bytes";

class Webhooks : public ApiWorld {
 protected:
  Webhooks() : browser(sign_in_as("alice")) { context.webhooks = &dispatch; }

  std::string hook() const { return path("organizations/acme/webhook"); }
  static std::string with(json::Value attributes) { return body("notification-configurations", std::move(attributes)); }
  static std::string whole() { return with(json::Value::object({{"url", kUrl}, {"token", kToken}})); }
  http::Response set(std::string document) { return send(browser, "PATCH", hook(), std::move(document)); }
  std::optional<Webhook> stored() {
    return store.read([](Tables& tables) { return tables.webhooks().of_organization("org-acme"); });
  }
  std::string everything_told() {
    std::string all;
    for (const auto& record : store.read([](Tables& tables) { return tables.audit().list("org-acme", 1, 1000); }))
      all += record.event + " " + record.details + "\n";
    for (const auto& notice : store.read([](Tables& tables) { return tables.notices().list("org-acme", {}); }).rows)
      all += notice.sentence + "\n";
    return all;
  }
  void add_delivery(const std::string& id, DeliveryState state) {
    WebhookDelivery delivery;
    delivery.id = id;
    delivery.webhook_id = stored()->id;
    delivery.run_id = "run-a";
    delivery.trigger = "mfa:needed";
    delivery.payload = "{}";
    delivery.state = state;
    delivery.attempts = 3;
    delivery.last = {clock.now(), 500, "broken", "hooks.example.com answered with status 500"};
    EXPECT_TRUE(store.write([&](Tables& tables) { return tables.webhook_deliveries().insert(delivery); }));
  }

  NotingSender sender;
  runs::WebhookDispatch dispatch{{store, gate_events, sender, clock, random,
                                  [](Tables&, const domain::Run&) { return std::string("https://tollgate.example"); },
                                  [](const std::string& text) { ADD_FAILURE() << text; }}};
  Browser browser;
};

TEST_F(Webhooks, AnOwnerOnThePageSetsItUpAndItsSecretNeverComesBack) {
  EXPECT_EQ(send("GET", hook(), owner).status, 404);
  const auto made = set(whole());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(text_of(made, "url"), kUrl);
  EXPECT_EQ(stored()->token.reveal(), kToken);
  EXPECT_EQ(stored()->triggers.size(), 4U);
  EXPECT_TRUE(stored()->enabled);
  const auto changed = set(with(json::Value::object({{"triggers", json::Value::array({"mfa:needed"})}})));
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(stored()->triggers, std::vector<std::string>{"mfa:needed"});
  EXPECT_EQ(stored()->token.reveal(), kToken) << "what is not named stays";
  const auto shown = send("GET", hook(), owner);
  EXPECT_EQ(shown.status, 200);
  const std::string told = made.body + changed.body + shown.body + everything_told();
  EXPECT_EQ(told.find(kToken), std::string::npos);
  EXPECT_EQ(everything_told().find("path-secret"), std::string::npos);
  EXPECT_NE(everything_told().find("alice set up the webhook: it goes to hooks.example.com."), std::string::npos)
      << everything_told();
  EXPECT_NE(everything_told().find("webhook.created"), std::string::npos);
  EXPECT_EQ(send(browser, "DELETE", hook()).status, 204);
  EXPECT_FALSE(stored());
  EXPECT_NE(everything_told().find("alice removed the webhook."), std::string::npos);
}

TEST_F(Webhooks, TokensMembersAndOldPasswordsSetNothing) {
  for (const std::string& token : {owner, member, organization_token}) {
    EXPECT_EQ(send("PATCH", hook(), token, whole()).status, 403);
    EXPECT_EQ(send("DELETE", hook(), token).status, 403);
  }
  EXPECT_EQ(send("PATCH", hook(), foreign, whole()).status, 404);
  EXPECT_EQ(send("GET", hook(), member).status, 403);
  clock.advance(std::chrono::minutes(6));
  const auto late = set(whole());
  EXPECT_EQ(late.status, 403);
  EXPECT_NE(late.body.find("reauthentication_required"), std::string::npos);
  EXPECT_FALSE(stored());
}

TEST_F(Webhooks, WhatCannotBeIsRefusedWithItsPlace) {
  const auto refused = [&](json::Value attributes, std::string_view place) {
    const auto answer = set(with(std::move(attributes)));
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_NE(answer.body.find(fmt::format("\"/data/attributes/{}\"", place)), std::string::npos) << answer.body;
  };
  refused(json::Value::object({{"url", "http://hooks.example.com/"}, {"token", kToken}}), "url");
  refused(json::Value::object({{"token", kToken}}), "url");
  refused(json::Value::object({{"url", kUrl}}), "token");
  refused(json::Value::object({{"url", kUrl}, {"token", "short"}}), "token");
  refused(json::Value::object({{"url", kUrl}, {"token", kToken}, {"name", ""}}), "name");
  refused(json::Value::object({{"url", kUrl}, {"token", kToken}, {"triggers", json::Value::array()}}), "triggers");
  refused(json::Value::object({{"url", kUrl}, {"token", kToken}, {"triggers", json::Value::array({"run:created"})}}),
          "triggers");
  refused(json::Value::object({{"url", kUrl}, {"token", kToken}, {"destination-type", "slack"}}), "destination-type");
  EXPECT_FALSE(stored());
}

TEST_F(Webhooks, ATestSaysWhatTheReceiverAnswered) {
  ASSERT_EQ(set(whole()).status, 201);
  sender.answer = {302, "<moved>\x01", "hooks.example.com answered with status 302, and redirects are not followed"};
  const auto answer = send("POST", hook() + "/actions/test", owner);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto document = json::parse(answer.body).value();
  const json::Value& said = document.find("data")->find("attributes")->find("delivery-responses")->if_array()->at(0);
  EXPECT_EQ(*said.find("code")->if_integer(), 302);
  EXPECT_EQ(*said.find("body")->if_string(), "<moved>?");
  EXPECT_FALSE(*said.find("successful")->if_bool());
  ASSERT_EQ(sender.sent.size(), 1U);
  EXPECT_NE(sender.sent[0].find("Verification of webhook"), std::string::npos);
  EXPECT_NE(everything_told().find("webhook.tested"), std::string::npos);
}

TEST_F(Webhooks, WhatHappenedWhileItWasOffIsNotTold) {
  const std::string workspace = new_workspace("net", owner);
  const std::string run = new_run(workspace, owner);
  const auto gate_opens = [&] {
    EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
      audit::append(tables, {}, {"org-acme", "run.mfa_waiting", "run", run, json::Value::object({{"phase", "plan"}})},
                    clock.now());
      return {};
    }));
  };
  gate_opens();
  ASSERT_EQ(set(whole()).status, 201);
  EXPECT_EQ(dispatch.step(), 0U) << "older than the webhook";
  sender.answer = {500, "", "no"};
  gate_opens();
  EXPECT_EQ(dispatch.step(), 1U);
  ASSERT_EQ(set(with(json::Value::object({{"enabled", false}}))).status, 200);
  gate_opens();
  ASSERT_EQ(set(with(json::Value::object({{"enabled", true}}))).status, 200);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(dispatch.step(), 0U) << "neither what waited nor what happened meanwhile";
  gate_opens();
  EXPECT_EQ(dispatch.step(), 1U);
}

TEST_F(Webhooks, DeliveriesAreListedAndAFailedOneCanBeSentAgain) {
  ASSERT_EQ(set(whole()).status, 201);
  add_delivery("ncd-1", DeliveryState::failed);
  add_delivery("ncd-2", DeliveryState::delivered);
  const auto listed = send("GET", hook() + "/deliveries", owner);
  ASSERT_EQ(listed.status, 200) << listed.body;
  const auto rows = *json::parse(listed.body)->find("data")->if_array();
  ASSERT_EQ(rows.size(), 2U);
  const json::Value& failed = *rows.at(1).find("attributes");
  EXPECT_EQ(*failed.find("state")->if_string(), "failed");
  EXPECT_EQ(*failed.find("attempts")->if_integer(), 3);
  EXPECT_EQ(*failed.find("response")->find("code")->if_integer(), 500);
  EXPECT_EQ(*failed.find("response")->find("error")->if_string(), "hooks.example.com answered with status 500");
  EXPECT_EQ(send("POST", hook() + "/deliveries/ncd-2/actions/retry", owner).status, 409);
  EXPECT_EQ(send("POST", hook() + "/deliveries/ncd-none/actions/retry", owner).status, 404);
  EXPECT_EQ(send("POST", hook() + "/deliveries/ncd-1/actions/retry", member).status, 403);
  EXPECT_EQ(send("POST", hook() + "/deliveries/ncd-1/actions/retry", owner).status, 202);
  EXPECT_EQ(dispatch.step(), 1U);
  EXPECT_EQ(text_of(send("GET", hook(), owner), "name"), "webhook");
  EXPECT_EQ(store.read([](Tables& tables) { return tables.webhook_deliveries().find("ncd-1")->state; }),
            DeliveryState::delivered);
}

}  // namespace
}  // namespace tollgate::api::test
