// A gate through the API: what each answer looks like, and who is let to it.
#include "server/runs/mfa_gate.h"
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

constexpr std::string_view kSerial = "arn:aws:iam::111122223333:mfa/bob";

class MfaApi : public ApiWorld {
 protected:
  MfaApi() {
    sts.add_key("AKIABOB", "111122223333", {std::string(kSerial)});
    EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
      auto organization = tables.organizations().find("org-acme").value();
      organization.aws_mfa = MfaLevel::plans_and_applies;
      TG_CHECK(tables.organizations().update(organization));
      auto settings = tables.gate_settings().of("org-acme");
      settings.accounts = {"111122223333"};
      tables.gate_settings().set(settings);
      AwsIdentity identity;
      identity.id = "awsid-bob";
      identity.organization_id = "org-acme";
      identity.user_id = "user-bob";
      identity.access_key_id = "AKIABOB";
      identity.secret_access_key = Secret("secret");
      identity.mfa_serial = kSerial;
      return tables.aws_identities().insert(identity);
    }));
    workspace = new_workspace("app", member);
    run_id = new_run(workspace, member);
    EXPECT_TRUE(runs.change(run_id, [&](domain::Run& run) -> Result<void> {
      run.aws_mfa_at_creation = MfaLevel::plans_and_applies;
      TG_CHECK(queue_plan(run, clock.now()));
      return wait_for_mfa(run, PhaseKind::plan, clock.now());
    }));
    EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
      tables.runs().set_inputs(run_id, Secret("inputs"));
      runs::MfaGate gate([](Tables&, const domain::Run&) { return ""; });
      const auto opened =
          gate.check(tables, *tables.runs().find(run_id), PhaseKind::plan, MfaLevel::plans_and_applies, clock.now());
      EXPECT_TRUE(opened && !*opened);
      return {};
    }));
  }

  json::Value attributes(const http::Response& response) {
    const auto document = json::parse(response.body);
    const json::Value* data = document ? document->find("data") : nullptr;
    return data != nullptr ? *data->find("attributes") : json::Value();
  }
  json::Value mfa(const std::string& token) {
    return *attributes(send("GET", path("runs/" + run_id), token)).find("mfa");
  }
  static std::string text(const json::Value& value, std::string_view name) {
    const json::Value* found = value.find(name);
    return found != nullptr && found->if_string() != nullptr ? *found->if_string() : "";
  }
  http::Response enter(const std::string& token, std::string_view code, std::string gate = "") {
    if (gate.empty()) gate = text(mfa(member), "gate-id");
    return send("POST", path("runs/" + run_id + "/actions/authenticate"), token,
                json::to_text(json::Value::object({{"phase", "plan"}, {"gate-id", gate}, {"code", code}})));
  }
  json::Value error(const http::Response& response) {
    const auto document = json::parse(response.body);
    return document->find("errors")->if_array()->at(0);
  }

  std::string workspace;
  std::string run_id;
};

TEST_F(MfaApi, TheGateIsAnAttributeOfItsRunForEachViewer) {
  const json::Value seen = mfa(member);
  std::vector<std::string> names;
  for (const auto& [name, value] : *seen.if_object())
    names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"level", "phase", "state", "gate-id", "since", "deadline", "by", "refusal",
                                             "tries-left", "next-code-in", "identity", "you"}));
  EXPECT_EQ(text(seen, "level"), "plans-and-applies");
  EXPECT_EQ(text(seen, "phase"), "plan");
  EXPECT_EQ(text(seen, "state"), "waiting");
  EXPECT_EQ(text(seen, "deadline"), format_iso8601(clock.now() + std::chrono::minutes(15)));
  EXPECT_EQ(text(*seen.find("identity"), "kind"), "personal");
  EXPECT_EQ(text(*seen.find("identity"), "owner"), "bob");
  EXPECT_EQ(text(*seen.find("you"), "serial"), kSerial);
  EXPECT_EQ(*seen.find("you")->find("can"), json::Value(true));
  EXPECT_EQ(*mfa(owner).find("you")->find("can"), json::Value(false));
  EXPECT_FALSE(text(*mfa(owner).find("you"), "reason").empty());
  EXPECT_EQ(*mfa(organization_token).find("you")->find("can"), json::Value(false));
}

TEST_F(MfaApi, ARunWithoutAGateHasNone) {
  EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    auto organization = tables.organizations().find("org-other").value();
    organization.aws_mfa = MfaLevel::never;
    return tables.organizations().update(organization);
  }));
  const std::string other = new_run(new_workspace("free", foreign, "other"), foreign);
  const auto seen = attributes(send("GET", path("runs/" + other), foreign));
  EXPECT_TRUE(seen.find("mfa")->is_null());
  EXPECT_TRUE(seen.find("mfa-history")->if_array()->empty());
}

TEST_F(MfaApi, AnswersAsTheContractSays) {
  const auto stale = enter(member, "123456", "gate-other");
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(text(error(stale), "code"), "stale_gate");
  const auto refused = enter(member, sts.code(std::string(kSerial)) == "000000" ? "000001" : "000000");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_EQ(text(error(refused), "code"), "mfa_code_refused");
  EXPECT_EQ(*error(refused).find("meta")->find("tries-left"), json::Value(4));
  EXPECT_NE(error(refused).find("meta")->find("next-code-in"), nullptr);
  EXPECT_EQ(text(mfa(member), "state"), "refused");
  EXPECT_EQ(text(*mfa(member).find("refusal"), "by"), "bob");
  const std::string used = sts.code(std::string(kSerial));
  const auto accepted = enter(member, used);
  ASSERT_EQ(accepted.status, 200) << accepted.body;
  const auto after = attributes(accepted);
  EXPECT_EQ(text(*after.find("mfa"), "state"), "passed");
  EXPECT_EQ(text(*after.find("mfa")->find("by"), "username"), "bob");
  const json::Value passed = after.find("mfa-history")->if_array()->at(0);
  EXPECT_EQ(text(passed, "phase"), "plan");
  EXPECT_EQ(text(passed, "account"), "111122223333");
  EXPECT_EQ(text(passed, "serial"), kSerial);
  EXPECT_EQ(enter(member, used).status, 409);
  EXPECT_EQ(accepted.body.find(used), std::string::npos);
}

TEST_F(MfaApi, ACodeIsATextInItsOwnPlace) {
  const std::string address = path("runs/" + run_id + "/actions/authenticate");
  const std::string gate = text(mfa(member), "gate-id");
  for (const std::string& bad :
       {fmt::format(R"({{"phase":"plan","gate-id":"{}","code":123456}})", gate),
        fmt::format(R"({{"phase":"plan","gate-id":"{}"}})", gate), std::string("[]"), std::string(""),
        fmt::format(R"({{"phase":"destroy","gate-id":"{}","code":"123456"}})", gate)}) {
    EXPECT_EQ(send("POST", address, member, bad).status, 422) << bad;
  }
  EXPECT_EQ(sts.codes_sent(), 0);
}

TEST_F(MfaApi, StrangersAndMachinesPassNoGate) {
  const std::string code = sts.code(std::string(kSerial));
  EXPECT_EQ(enter(foreign, code).status, 404);
  EXPECT_EQ(enter(organization_token, code).status, 403);
  EXPECT_EQ(enter(owner, code).status, 403) << "ana has no identity here";
  EXPECT_EQ(enter("", code).status, 401);
  EXPECT_EQ(sts.codes_sent(), 0);
}

TEST_F(MfaApi, OwnersLiftALockInPerson) {
  EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    auto gate = tables.gates().of_phase(run_id, PhaseKind::plan).value();
    gate.refusals = 5;
    return tables.gates().update(gate);
  }));
  const auto locked = enter(member, sts.code(std::string(kSerial)));
  EXPECT_EQ(locked.status, 423);
  EXPECT_NE(text(error(locked), "detail").find("owner"), std::string::npos);
  const std::string address = path("runs/" + run_id + "/actions/unlock-mfa");
  EXPECT_EQ(send("POST", address, member).status, 403);
  EXPECT_EQ(send("POST", address, organization_token).status, 403);
  EXPECT_EQ(send("POST", address, owner).status, 204);
  EXPECT_EQ(enter(member, sts.code(std::string(kSerial))).status, 200);
}

TEST_F(MfaApi, WhoHasToWaitIsToldHowLong) {
  for (const char* wrong : {"000000", "000001", "000002"})
    (void)enter(member, wrong);
  const auto soon = enter(member, sts.code(std::string(kSerial)));
  EXPECT_EQ(soon.status, 429);
  EXPECT_EQ(*error(soon).find("meta")->find("retry-after"), json::Value(60));
  ASSERT_NE(http::find_pair(soon.headers, "Retry-After"), nullptr);
  EXPECT_EQ(*http::find_pair(soon.headers, "Retry-After"), "60");
}

}  // namespace
}  // namespace tollgate::api::test
