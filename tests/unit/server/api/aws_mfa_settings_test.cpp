#include "server/api/aws_mfa_settings.h"

#include "server/api/event_feed.h"
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class AwsMfaSettings : public ApiWorld {
 protected:
  AwsMfaSettings() : browser(sign_in_as("alice")) {}

  std::string settings() const { return path("organizations/acme/aws-mfa"); }
  static std::string with(json::Value attributes) { return body("aws-mfa-settings", std::move(attributes)); }
  static std::string level(std::string_view level) { return with(json::Value::object({{"level", level}})); }
  http::Response change(std::string document) { return send(browser, "PATCH", settings(), std::move(document)); }
  Organization acme() {
    return *store.read([](Tables& tables) { return tables.organizations().find("org-acme"); });
  }
  GateSettings gate() {
    return store.read([](Tables& tables) { return tables.gate_settings().of("org-acme"); });
  }
  static std::string code_of(const http::Response& answer) {
    const auto document = json::parse(answer.body);
    const json::Value* errors = document ? document->find("errors") : nullptr;
    if (errors == nullptr || errors->if_array() == nullptr) return "";
    const json::Value* code = errors->if_array()->at(0).find("code");
    return code != nullptr ? *code->if_string() : "";
  }
  std::vector<std::string> notices() {
    std::vector<std::string> sentences;
    const auto answer = send("GET", path("organizations/acme/notices"), owner);
    EXPECT_EQ(answer.status, 200);
    const auto document = json::parse(answer.body);
    for (const json::Value& row : *document->find("data")->if_array())
      sentences.push_back(*row.find("attributes")->find("sentence")->if_string());
    return sentences;
  }
  std::int64_t audited(std::string_view event) {
    std::int64_t count = 0;
    for (const auto& record : store.read([](Tables& tables) { return tables.audit().list("org-acme", 1, 1000); }))
      count += record.event == event;
    return count;
  }
  std::string workspace(std::string_view name = "net") { return new_workspace(name, owner); }
  http::Response set_workspace(const Browser& who, const std::string& id, json::Value attributes) {
    return send(who, "PATCH", path("workspaces/" + id), body("workspaces", std::move(attributes)));
  }

  Browser browser;
};

TEST_F(AwsMfaSettings, EverybodyOfTheOrganizationSeesThem) {
  for (const std::string& token : {owner, member, organization_token}) {
    const auto shown = send("GET", settings(), token);
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(text_of(shown, "level"), "never");
    EXPECT_EQ(text_of(shown, "identity-policy"), "personal-then-organization");
  }
  EXPECT_EQ(send("GET", settings(), foreign).status, 404);
}

TEST_F(AwsMfaSettings, AnOwnerWhoHasJustTypedTheirPasswordChangesTheLevelAndAllOwnersAreTold) {
  EXPECT_EQ(text_of(change(level("plans-and-applies")), "level"), "plans-and-applies");
  EXPECT_EQ(acme().aws_mfa, MfaLevel::plans_and_applies);
  EXPECT_EQ(notices(), std::vector<std::string>{"alice raised the level of AWS MFA from never to plans-and-applies: it "
                                                "binds every phase that has not started yet."});
  EXPECT_EQ(change(level("never")).status, 200);
  EXPECT_EQ(notices().at(0),
            "alice lowered the level of AWS MFA from plans-and-applies to never: runs that exist already keep theirs.");
  EXPECT_EQ(audited("aws_mfa.level"), 2);
}

TEST_F(AwsMfaSettings, TokensAndMembersAndOldPasswordsAreRefused) {
  for (const std::string& token : {owner, organization_token}) {
    const auto refused = send("PATCH", settings(), token, level("applies-only"));
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(code_of(refused), "web_session_required");
  }
  EXPECT_EQ(send("PATCH", settings(), member, level("applies-only")).status, 403);
  EXPECT_EQ(send(sign_in_as("bob"), "PATCH", settings(), level("applies-only")).status, 403);
  EXPECT_EQ(send(sign_in_as("mallory"), "PATCH", settings(), level("applies-only")).status, 404);
  clock.advance(kReauthenticationLife + std::chrono::seconds(1));
  const auto old = change(level("applies-only"));
  EXPECT_EQ(old.status, 403);
  EXPECT_EQ(code_of(old), "reauthentication_required");
  EXPECT_EQ(acme().aws_mfa, MfaLevel::never);
  EXPECT_TRUE(notices().empty());
}

TEST_F(AwsMfaSettings, TheSameRuleHoldsForTheOrganizationsOwnDocument) {
  const auto set = [&](json::Value attributes) { return body("organizations", std::move(attributes)); };
  const std::string target = path("organizations/acme");
  const auto refused =
      send("PATCH", target, organization_token, set(json::Value::object({{"aws-mfa", "applies-only"}})));
  EXPECT_EQ(code_of(refused), "web_session_required");
  EXPECT_EQ(code_of(send("PATCH", target, owner, set(json::Value::object({{"apply-gate-deadline", 600}})))),
            "web_session_required");
  EXPECT_EQ(send("PATCH", target, owner, set(json::Value::object({{"email", "x@example.com"}}))).status, 200);
  EXPECT_EQ(send("PATCH", target, owner, set(json::Value::object({{"default-execution-mode", "local"}}))).status, 200);
  EXPECT_EQ(send(browser, "PATCH", target, set(json::Value::object({{"aws-mfa", "applies-only"}}))).status, 200);
  EXPECT_EQ(acme().aws_mfa, MfaLevel::applies_only);
  EXPECT_EQ(code_of(send("PATCH", target, owner, set(json::Value::object({{"default-execution-mode", "remote"}})))),
            "web_session_required");
  EXPECT_EQ(notices().size(), 1U);
}

TEST_F(AwsMfaSettings, EachKindOfChangeIsANoticeOfItsOwn) {
  const auto changed = change(with(json::Value::object(
      {{"level", "applies-only"},
       {"identity-policy", "organization"},
       {"accounts", json::Value::array({"111122223333", "444455556666", "111122223333"})},
       {"apply-gate-deadline", 3600},
       {"apply-role", json::Value::object({{"arn", "arn:aws:iam::111122223333:role/apply"}, {"external-id", "x@1"}})},
       {"raw-key-plans", true}})));
  ASSERT_EQ(changed.status, 200) << changed.body;
  const GateSettings is = gate();
  EXPECT_EQ(is.identity_policy, IdentityPolicy::organization);
  EXPECT_EQ(is.accounts, (std::vector<std::string>{"111122223333", "444455556666"}));
  EXPECT_EQ(is.apply_role, (PhaseRole{"arn:aws:iam::111122223333:role/apply", "x@1"}));
  EXPECT_TRUE(is.raw_key_plans);
  EXPECT_EQ(acme().apply_gate_deadline, std::chrono::hours(1));
  const auto told = notices();
  EXPECT_EQ(told.size(), 6U);
  EXPECT_NE(std::find(told.begin(), told.end(),
                      "alice changed the accounts that open the gate to 111122223333, 444455556666."),
            told.end());
  // What is not named stays; null takes a role away.
  ASSERT_EQ(change(with(json::Value::object({{"apply-role", json::Value()}}))).status, 200);
  EXPECT_TRUE(gate().apply_role.arn.empty());
  EXPECT_EQ(gate().accounts.size(), 2U);
  EXPECT_EQ(notices().size(), 7U);
  EXPECT_EQ(change(with(json::Value::object())).status, 200);
  EXPECT_EQ(notices().size(), 7U) << "what changes nothing is told to nobody";
}

TEST_F(AwsMfaSettings, WhatIsWrongIsRefusedWithItsPlaceAndChangesNothing) {
  std::vector<std::pair<json::Value, std::string_view>> wrong{
      {json::Value::object({{"level", "sometimes"}}), "/data/attributes/level"},
      {json::Value::object({{"identity-policy", "anyone"}}), "/data/attributes/identity-policy"},
      {json::Value::object({{"accounts", "111122223333"}}), "/data/attributes/accounts"},
      {json::Value::object({{"accounts", json::Value::array({"1111"})}}), "/data/attributes/accounts/0"},
      {json::Value::object({{"plan-gate-deadline", 1}}), "/data/attributes/plan-gate-deadline"},
      {json::Value::object({{"apply-limit", -9223372036854775807}}), "/data/attributes/apply-limit"},
      {json::Value::object({{"apply-limit", 9223372036854775807}}), "/data/attributes/apply-limit"},
      {json::Value::object({{"plan-role", "arn:aws:iam::111122223333:role/x"}}), "/data/attributes/plan-role"},
      {json::Value::object({{"plan-role", json::Value::object({{"arn", "x"}})}}), "/data/attributes/plan-role"}};
  // AWS's own rule for external ids, [\w+=,.@:\/-]{2,1224}: what it would refuse is no setting.
  for (const std::string& id : {std::string("the servers own"), std::string("x"), std::string(1225, 'x'),
                                std::string("a\n"), std::string("caf\u00e9"), std::string("a;b")}) {
    wrong.emplace_back(
        json::Value::object(
            {{"apply-role", json::Value::object({{"arn", "arn:aws:iam::111122223333:role/x"}, {"external-id", id}})}}),
        "/data/attributes/apply-role");
  }
  for (const auto& [attributes, pointer] : wrong) {
    json::Value all = attributes;
    all.set("raw-key-plans", true);
    const auto refused = change(with(all));
    EXPECT_EQ(refused.status, 422) << refused.body;
    EXPECT_NE(refused.body.find(pointer), std::string::npos) << refused.body;
    EXPECT_FALSE(gate().raw_key_plans);
  }
  EXPECT_TRUE(notices().empty());
}

TEST_F(AwsMfaSettings, TheAccountOfTheOrganizationsIdentityIsTheDefault) {
  EXPECT_NE(change(level("applies-only")).body.find("no AWS account is allowed"), std::string::npos);
  AwsIdentity identity;
  identity.id = "awsid-one";
  identity.organization_id = "org-acme";
  identity.kind = IdentityKind::organization;
  identity.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  identity.account = "111122223333";
  ASSERT_TRUE(store.write([&](Tables& tables) { return tables.aws_identities().insert(identity); }));
  const auto shown = send("GET", settings(), member);
  EXPECT_NE(shown.body.find("\"effective-accounts\":[\"111122223333\"]"), std::string::npos) << shown.body;
  EXPECT_NE(shown.body.find("\"warnings\":[]"), std::string::npos) << shown.body;
}

TEST_F(AwsMfaSettings, AWorkspaceMayBeStricterAndNeverLaxer) {
  const std::string id = workspace();
  ASSERT_EQ(change(level("applies-only")).status, 200);
  const auto laxer = set_workspace(browser, id, json::Value::object({{"aws-mfa", "never"}}));
  EXPECT_EQ(laxer.status, 422);
  EXPECT_EQ(code_of(laxer), "laxer_than_organization");
  EXPECT_NE(laxer.body.find("the organization has applies-only"), std::string::npos) << laxer.body;
  const auto set = set_workspace(browser, id, json::Value::object({{"aws-mfa", "plans-and-applies"}}));
  EXPECT_EQ(text_of(set, "aws-mfa"), "plans-and-applies") << set.body;
  EXPECT_EQ(notices().at(0), "alice set the level of AWS MFA of workspace net from applies-only to plans-and-applies.");
  EXPECT_EQ(audited("aws_mfa.workspace_level"), 1);
  // Back to the organization's is laxer than before, and an owner's decision too.
  EXPECT_EQ(
      send("PATCH", path("workspaces/" + id), member, body("workspaces", json::Value::object({{"aws-mfa", "inherit"}})))
          .status,
      403);
  const auto token = send("PATCH", path("workspaces/" + id), owner,
                          body("workspaces", json::Value::object({{"aws-mfa", json::Value()}})));
  EXPECT_EQ(code_of(token), "web_session_required");
  EXPECT_EQ(set_workspace(browser, id, json::Value::object({{"aws-mfa", "inherit"}})).status, 200);
  // What stays as it is may be sent by anyone: clients send whole documents.
  EXPECT_EQ(send("PATCH", path("workspaces/" + id), member,
                 body("workspaces", json::Value::object({{"aws-mfa", json::Value()}, {"description", "x"}})))
                .status,
            200);
}

TEST_F(AwsMfaSettings, LocalExecutionOfAGatedWorkspaceIsAnOwnersDecision) {
  const std::string id = workspace();
  const std::string before = workspace("before");
  const auto local = json::Value::object({{"execution-mode", "local"}});
  EXPECT_EQ(send("PATCH", path("workspaces/" + before), member, body("workspaces", local)).status, 200);
  ASSERT_EQ(change(level("applies-only")).status, 200);
  EXPECT_EQ(send("PATCH", path("workspaces/" + id), member, body("workspaces", local)).status, 403);
  EXPECT_EQ(code_of(send("PATCH", path("workspaces/" + id), owner, body("workspaces", local))), "web_session_required");
  EXPECT_EQ(code_of(send("POST", path("organizations/acme/workspaces"), owner,
                         body("workspaces", json::Value::object({{"name", "new"}, {"execution-mode", "local"}})))),
            "web_session_required");
  EXPECT_EQ(send("PATCH", path("workspaces/" + before), member,
                 body("workspaces", json::Value::object({{"execution-mode", "local"}, {"description", "x"}})))
                .status,
            200)
      << "it was local before";
  EXPECT_EQ(set_workspace(browser, id, local).status, 200);
  EXPECT_EQ(notices().at(0), "alice let workspace net run on people's machines, where no gate is.");
}

TEST_F(AwsMfaSettings, NoticesAreForOwnersAndComeAsEventsToo) {
  runs::EventBus bus;
  EventFeed feed{{store, logs, bus, clock, random, nullptr}};
  context.events = &feed;
  const auto of = [&](const std::string& token) {
    return feed.open(*store.read([&](Tables& tables) {
      http::Request request;
      request.headers.emplace_back("Authorization", "Bearer " + token);
      return authenticate(tables, context, request);
    }),
                     "");
  };
  const auto owners = of(owner).value(), members = of(member).value();
  owners->take();
  members->take();
  ASSERT_EQ(change(level("applies-only")).status, 200);
  feed.step();
  EXPECT_NE(owners->take().bytes.find("event: notice\n"), std::string::npos);
  EXPECT_EQ(members->take().bytes, "");
  EXPECT_EQ(send("GET", path("organizations/acme/notices"), member).status, 403);
  context.events = nullptr;
}

}  // namespace
}  // namespace tollgate::api::test
