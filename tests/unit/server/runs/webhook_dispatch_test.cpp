#include "server/runs/webhook_dispatch.h"

#include <gtest/gtest.h>

#include "common/json/value.h"
#include "server/audit/audit.h"
#include "server/runs/webhook_message.h"
#include "server/store/key_ring.h"
#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::runs {
namespace {

using domain::DeliveryState;
using domain::Tables;

struct Sent {
  std::string url;
  std::string delivery;
  std::string signature;
  std::string body;
};

class FakeReceiver final : public WebhookSender {
 public:
  Result<void> check(const std::string&) const override { return {}; }
  WebhookAnswer send(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                     const std::string& body) override {
    Sent one{url, "", "", body};
    for (const auto& [name, value] : headers) {
      if (name == "X-Tollgate-Delivery") one.delivery = value;
      if (name == "X-TFE-Notification-Signature") one.signature = value;
    }
    const std::lock_guard lock(mutex);
    sent.push_back(one);
    if (refuse.contains(url)) return {503, "later", "answered with status 503"};
    return {200, "ok", ""};
  }
  std::vector<Sent> all() {
    const std::lock_guard lock(mutex);
    return sent;
  }
  std::mutex mutex;
  std::vector<Sent> sent;
  std::set<std::string> refuse;
};

class WebhookDispatchTest : public ::testing::Test {
 protected:
  WebhookDispatchTest() {
    write([&](Tables& tables) {
      domain::User ana;
      ana.id = "user-ana";
      ana.username = "ana";
      must(tables.users().insert(ana));
      for (const std::string name : {"acme", "other"}) {
        domain::Organization organization;
        organization.id = "org-" + name;
        organization.name = name;
        must(tables.organizations().insert(organization));
        domain::Project project;
        project.id = "prj-" + name;
        project.organization_id = organization.id;
        must(tables.projects().insert(project));
        domain::Workspace workspace;
        workspace.id = "ws-" + name;
        workspace.organization_id = organization.id;
        workspace.project_id = project.id;
        workspace.name = "net";
        must(tables.workspaces().insert(workspace));
        domain::Webhook webhook;
        webhook.id = "nc-" + name;
        webhook.organization_id = organization.id;
        webhook.name = "pager";
        webhook.url = "https://hooks.example.com/" + name;
        webhook.token = Secret("a secret of 16 bytes");
        webhook.triggers.assign(domain::kWebhookTriggers.begin(), domain::kWebhookTriggers.end());
        must(tables.webhooks().insert(webhook));
      }
    });
  }
  template <class R>
  static void must(const R& result) {
    if (!result) throw std::logic_error(result.error().text());
  }
  template <class F>
  void write(F f) {
    must(store->write([&](Tables& tables) -> Result<void> {
      f(tables);
      return {};
    }));
  }
  void add_run(const std::string& id, const std::string& organization = "acme") {
    domain::Run run;
    run.id = id;
    run.organization_id = "org-" + organization;
    run.workspace_id = "ws-" + organization;
    run.created_by = "user-ana";
    run.message = "more workers";
    run.plan.id = "plan-" + id;
    run.apply.id = "apply-" + id;
    run.status = domain::RunStatus::plan_queued;
    write([&](Tables& tables) { must(tables.runs().insert(run)); });
  }
  // As what changes runs writes it.
  void happen(const std::string& run, const std::string& event, json::Value details,
              const std::string& organization = "acme") {
    domain::Actor actor;
    actor.kind = domain::Actor::Kind::user_token;
    actor.user_id = "user-ana";
    actor.username = "ana";
    write([&](Tables& tables) {
      audit::append(tables, actor, {"org-" + organization, event, "run", run, std::move(details)}, clock.now());
    });
  }
  void gate_opens(const std::string& run, const std::string& organization = "acme") {
    happen(run, "run.mfa_waiting", json::Value::object({{"phase", "plan"}, {"status", "plan_queued"}}), organization);
  }
  void gate_passes(const std::string& run) {
    happen(run, "run.mfa_passed", json::Value::object({{"phase", "plan"}, {"status", "plan_queued"}}));
  }
  static std::string told(const Sent& sent) {
    const auto payload = json::parse(sent.body).value();
    return *payload.find("run_id")->if_string() + " " +
           *payload.find("notifications")->if_array()->at(0).find("trigger")->if_string();
  }
  std::vector<std::string> all_told() {
    std::vector<std::string> all;
    for (const Sent& sent : receiver.all())
      all.push_back(told(sent));
    return all;
  }
  domain::WebhookDelivery newest() {
    return store->read([](Tables& tables) { return tables.webhook_deliveries().list("nc-acme", {}).rows.at(0); });
  }
  std::unique_ptr<WebhookDispatch> dispatch() {
    return std::make_unique<WebhookDispatch>(
        WebhookDispatchParts{*store, events, receiver, clock, random,
                             [](Tables&, const domain::Run& run) { return "https://server/runs/" + run.id; },
                             [](const std::string& text) { ADD_FAILURE() << text; }});
  }

  tollgate::test::ManualClock clock;
  SystemRandom random;
  tollgate::test::TemporaryDirectory directory;
  const store::KeyRing keys = store::KeyRing::generate(random);
  std::unique_ptr<domain::Store> store =
      store::open_sqlite_store(directory.file("tollgate.db"), keys, random, clock).value();
  EventBus events;
  FakeReceiver receiver;
};

TEST_F(WebhookDispatchTest, WhatAGateGoesThroughIsToldSignedAndInOrder) {
  const auto told_by = dispatch();
  add_run("run-a");
  happen("run-a", "run.planning", json::Value::object());
  gate_opens("run-a");
  happen("run-a", "mfa.refused", json::Value::object({{"phase", "plan"}, {"reason", "mfa_code_refused"}}));
  gate_passes("run-a");
  happen("run-a", "run.planned", json::Value::object({{"status", "planned"}}));
  EXPECT_EQ(told_by->step(), 4U);
  EXPECT_EQ(all_told(), (std::vector<std::string>{"run-a mfa:needed", "run-a mfa:failed", "run-a mfa:passed",
                                                  "run-a run:needs_attention"}));
  std::set<std::string> ids;
  for (const Sent& sent : receiver.all()) {
    EXPECT_EQ(sent.signature, webhook_signature(Secret("a secret of 16 bytes"), sent.body));
    ids.insert(sent.delivery);
  }
  EXPECT_EQ(ids.size(), 4U);
  const auto payload = json::parse(receiver.all().at(0).body).value();
  EXPECT_EQ(*payload.find("run_url")->if_string(), "https://server/runs/run-a?focus=code");
  EXPECT_EQ(*payload.find("run_message")->if_string(), "more workers");
  EXPECT_EQ(*payload.find("run_created_by")->if_string(), "ana");
  EXPECT_EQ(*payload.find("workspace_name")->if_string(), "net");
  EXPECT_EQ(*payload.find("organization_name")->if_string(), "acme");
  EXPECT_EQ(*payload.find("notifications")->if_array()->at(0).find("run_status")->if_string(), "plan_queued");
  EXPECT_EQ(told_by->step(), 0U);
}

TEST_F(WebhookDispatchTest, WhoAsksForAttentionAloneHearsOfGatesAsThat) {
  write([&](Tables& tables) {
    auto webhook = *tables.webhooks().find("nc-acme");
    webhook.triggers = {"run:needs_attention"};
    must(tables.webhooks().update(webhook));
  });
  add_run("run-a");
  gate_opens("run-a");
  gate_passes("run-a");
  EXPECT_EQ(dispatch()->step(), 1U);
  EXPECT_EQ(all_told(), std::vector<std::string>{"run-a run:needs_attention"});
}

TEST_F(WebhookDispatchTest, AFailedMessageIsTriedAgainAndWhatFollowsItWaits) {
  receiver.refuse.insert("https://hooks.example.com/acme");
  const auto told_by = dispatch();
  add_run("run-a");
  add_run("run-b");
  gate_opens("run-a");
  gate_passes("run-a");
  gate_opens("run-b");
  EXPECT_EQ(told_by->step(), 2U) << "the first of each run";
  EXPECT_EQ(told_by->step(), 0U);
  clock.advance(*wait_after_failure(1));
  receiver.refuse.clear();
  EXPECT_EQ(told_by->step(), 3U);
  EXPECT_EQ(all_told(), (std::vector<std::string>{"run-a mfa:needed", "run-b mfa:needed", "run-a mfa:needed",
                                                  "run-a mfa:passed", "run-b mfa:needed"}));
  EXPECT_EQ(receiver.all().at(0).delivery, receiver.all().at(2).delivery) << "the receiver knows it again";
}

TEST_F(WebhookDispatchTest, ItIsGivenUpAtLast) {
  receiver.refuse.insert("https://hooks.example.com/acme");
  const auto told_by = dispatch();
  add_run("run-a");
  gate_opens("run-a");
  std::int64_t attempts = 0;
  while (told_by->step() == 1) {
    ++attempts;
    EXPECT_EQ(newest().attempts, attempts);
    clock.advance(wait_after_failure(attempts).value_or(std::chrono::hours(24)));
  }
  EXPECT_EQ(attempts, 8);
  EXPECT_EQ(newest().state, DeliveryState::failed);
  EXPECT_EQ(newest().last.status, 503);
  EXPECT_EQ(newest().last.excerpt, "later");
}

TEST_F(WebhookDispatchTest, ARestartTellsTheRestAndNothingTwice) {
  add_run("run-a");
  gate_opens("run-a");
  receiver.refuse.insert("https://hooks.example.com/acme");
  EXPECT_EQ(dispatch()->step(), 1U);
  gate_passes("run-a");
  store.reset();
  store = store::open_sqlite_store(directory.file("tollgate.db"), keys, random, clock).value();
  receiver.refuse.clear();
  clock.advance(*wait_after_failure(1));
  EXPECT_EQ(dispatch()->step(), 2U);
  EXPECT_EQ(dispatch()->step(), 0U);
  EXPECT_EQ(all_told(), (std::vector<std::string>{"run-a mfa:needed", "run-a mfa:needed", "run-a mfa:passed"}));
}

TEST_F(WebhookDispatchTest, OrganizationsHearOfTheirOwnRunsAlone) {
  add_run("run-a");
  add_run("run-o", "other");
  gate_opens("run-a");
  gate_opens("run-o", "other");
  EXPECT_EQ(dispatch()->step(), 2U);
  for (const Sent& sent : receiver.all())
    EXPECT_EQ(sent.url,
              told(sent).starts_with("run-a") ? "https://hooks.example.com/acme" : "https://hooks.example.com/other");
}

// More than one round of reading, most of it nothing to tell.
TEST_F(WebhookDispatchTest, AMessageAmongThousandsOfOtherRecordsIsFound) {
  add_run("run-a");
  write([&](Tables& tables) {
    for (int i = 0; i < 2500; ++i)
      audit::append(tables, {}, {"org-acme", "run.planning", "run", "run-a", {}}, clock.now());
  });
  gate_opens("run-a");
  EXPECT_EQ(dispatch()->step(), 1U);
  EXPECT_GT(store->read([](Tables& tables) { return tables.webhooks().find("nc-acme")->told_until; }), 2500);
}

// A receiver that does not answer holds neither the others nor who publishes.
class StuckReceiver final : public WebhookSender {
 public:
  Result<void> check(const std::string&) const override { return {}; }
  WebhookAnswer send(const std::string& url, const std::vector<std::pair<std::string, std::string>>&,
                     const std::string&) override {
    std::unique_lock lock(mutex);
    if (url.ends_with("acme")) {
      changed.wait(lock, [this] { return let_go; });
    } else {
      ++others;
    }
    changed.notify_all();
    return {200, "", ""};
  }
  bool wait_for_others(int count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] { return others >= count; });
  }
  void free() {
    const std::lock_guard lock(mutex);
    let_go = true;
    changed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool let_go = false;
  int others = 0;
};

TEST_F(WebhookDispatchTest, OneSlowReceiverDelaysItsOwnMessagesAlone) {
  StuckReceiver stuck;
  WebhookDispatch told_by({*store, events, stuck, clock, random,
                           [](Tables&, const domain::Run&) { return std::string("https://server"); },
                           [](const std::string& text) { ADD_FAILURE() << text; }});
  told_by.start();
  add_run("run-a");
  gate_opens("run-a");
  events.publish({"org-acme", "ws-acme", "run-a", "mfa_waiting", "plan_queued"});
  for (int i = 1; i <= 3; ++i) {
    const std::string run = fmt::format("run-o{}", i);
    add_run(run, "other");
    gate_opens(run, "other");
    events.publish({"org-other", "ws-other", run, "mfa_waiting", "plan_queued"});
    EXPECT_TRUE(stuck.wait_for_others(i));
  }
  stuck.free();
  told_by.stop();
}

TEST_F(WebhookDispatchTest, ATestIsSentAtOnce) {
  const auto told_by = dispatch();
  const auto webhook = *store->read([](Tables& tables) { return tables.webhooks().find("nc-acme"); });
  const auto answer = told_by->test(webhook);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(receiver.all().at(0).body, verification_payload(webhook, clock.now()));
  EXPECT_TRUE(told_by->test(webhook)) << "one after the other";
}

}  // namespace
}  // namespace tollgate::runs
