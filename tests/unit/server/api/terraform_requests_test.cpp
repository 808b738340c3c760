// The requests of stock terraform in their order: init, plan, apply, and a change of state in local mode.
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class TerraformRequests : public ApiWorld {};

TEST_F(TerraformRequests, InitMakesTheWorkspaceThatIsNotThere) {
  const auto ping = send("GET", path("ping"), "");
  EXPECT_EQ(ping.status, 204);
  EXPECT_EQ(http::find_pair(ping.headers, "TFP-API-Version") != nullptr, true);
  EXPECT_EQ(send("GET", path("organizations/acme/entitlement-set"), member).status, 200);
  EXPECT_EQ(send("GET", path("organizations/acme/workspaces/net"), member).status, 404);
  const std::string id = new_workspace("net", member);
  EXPECT_EQ(send("PATCH", path("workspaces/" + id), member,
                 body("workspaces", json::Value::object({{"terraform-version", "1.11.4"}})))
                .status,
            200);
  const auto shown = send("GET", path("organizations/acme/workspaces/net"), member);
  EXPECT_EQ(text_of(shown, "terraform-version"), "1.11.4");
  EXPECT_EQ(send("GET", path("workspaces/" + id + "/current-state-version"), member).status, 404);
}

TEST_F(TerraformRequests, PlanAndApplyOfARemoteRun) {
  const std::string workspace = new_workspace("net", member);
  const auto created =
      send("POST", path("workspaces/" + workspace + "/configuration-versions"), member,
           body("configuration-versions", json::Value::object({{"auto-queue-runs", false}, {"speculative", false}})));
  ASSERT_EQ(created.status, 201) << created.body;
  const std::string upload = text_of(created, "upload-url");
  EXPECT_EQ(send("PUT", upload, "", "archive").status, 200);
  EXPECT_EQ(send("PUT", upload, "", "another").status, 409);
  EXPECT_EQ(text_of(send("GET", path("configuration-versions/" + text_of(created, "")), member), "status"), "uploaded");
  const std::string run_id = new_run(workspace, member);
  EXPECT_EQ(send("GET", path("runs/" + run_id + "/run-events"), member).status, 200);
  EXPECT_EQ(text_of(send("GET", path("runs/" + run_id + "?include=task_stages"), member), "status"), "pending");
  EXPECT_EQ(send("GET", path("runs/" + run_id + "?include=nonsense"), member).status, 400);
  EXPECT_EQ(send("GET", path("organizations/acme/runs/queue"), member).status, 200);
  EXPECT_EQ(send("GET", path("organizations/acme/capacity"), member).status, 200);
  const domain::Run run = *store.read([&](Tables& tables) { return tables.runs().find(run_id); });
  const auto plan = send("GET", path("plans/" + run.plan.id), member);
  const std::string log = text_of(plan, "log-read-url");
  // A log that nobody opened yet is empty, never an error.
  EXPECT_EQ(send("GET", log + "?limit=65536&offset=0", "").status, 200);
  logs.open(run.plan.id);
  logs.append_output(run.plan.id, 0, "hello");
  logs.close(run.plan.id);
  EXPECT_EQ(send("GET", log + "?limit=65536&offset=0", "").body, "\x02hello\x03");
  EXPECT_EQ(send("GET", log + "?limit=3&offset=1", "").body, "hel");
  EXPECT_EQ(send("POST", path("runs/" + run_id + "/actions/apply"), member, "{}").status, 409);
  ASSERT_TRUE(runs.change(run_id, [&](domain::Run& row) { return domain::queue_plan(row, clock.now()); }));
  ASSERT_TRUE(runs.change(run_id, [&](domain::Run& row) { return domain::start_plan(row, clock.now()); }));
  PhaseOutcome outcome;
  outcome.status = PhaseStatus::finished;
  outcome.has_changes = true;
  ASSERT_TRUE(runs.change(run_id, [&](domain::Run& row) { return domain::finish_plan(row, outcome, clock.now()); }));
  EXPECT_EQ(text_of(send("GET", path("runs/" + run_id + "?include=workspace,plan"), member), "status"), "planned");
  EXPECT_EQ(send("POST", path("runs/" + run_id + "/actions/apply"), member, "{}").status, 202);
  EXPECT_EQ(text_of(send("GET", path("runs/" + run_id), member), "status"), "confirmed");
  EXPECT_EQ(send("GET", path("applies/" + run.apply.id), member).status, 200);
}

TEST_F(TerraformRequests, TheLatestRunIsTheNewestAndNotTheCurrentOne) {
  const std::string workspace = new_workspace("net", member);
  new_run(workspace, member);
  const std::string newest = new_run(workspace, member);
  const auto document = json::parse(send("GET", path("workspaces/" + workspace), member).body);
  ASSERT_TRUE(document);
  const auto* latest = document->find("data")->find("relationships")->find("latest-run")->find("data");
  ASSERT_NE(latest, nullptr);
  EXPECT_EQ(*latest->find("id")->if_string(), newest);
}

constexpr std::string_view kFirst =
    R"({"version":4,"serial":1,"lineage":"one","outputs":{"a":{"value":1,"type":"number"}}})";
constexpr std::string_view kSecond = R"({"version":4,"serial":2,"lineage":"one","outputs":{}})";

class States : public TerraformRequests {
 protected:
  States() : workspace(new_workspace("net", member)) {}
  int lock(const std::string& token, std::string_view action = "lock") {
    return send("POST", path(fmt::format("workspaces/{}/actions/{}", workspace, action)), token, "{}").status;
  }
  std::string current() { return send("GET", path("workspaces/" + workspace + "/current-state-version"), member).body; }
  std::string workspace;
};

TEST_F(States, LockUploadReadUnlock) {
  EXPECT_EQ(new_state(workspace, member, kFirst, 1).status, 409);  // not locked
  ASSERT_EQ(lock(member), 200);
  EXPECT_EQ(lock(owner), 409);
  const auto made = new_state(workspace, member, kFirst, 1);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(send("GET", path("workspaces/" + workspace + "/current-state-version"), member).status, 404);
  const std::string upload = text_of(made, "hosted-state-upload-url");
  EXPECT_EQ(send("PUT", upload, "", std::string(kFirst)).status, 200);
  EXPECT_EQ(send("PUT", upload, "", std::string(kFirst)).status, 200);   // a repetition
  EXPECT_EQ(send("PUT", upload, "", std::string(kSecond)).status, 409);  // another content
  EXPECT_EQ(send("PUT", text_of(made, "hosted-json-state-upload-url"), "", "{}").status, 200);
  const auto shown = send("GET", path("state-versions/" + text_of(made, "")), member);
  EXPECT_EQ(text_of(shown, "status"), "finalized");
  EXPECT_EQ(send("GET", text_of(shown, "hosted-state-download-url"), member).body, kFirst);
  EXPECT_NE(send("GET", path("workspaces/" + workspace + "/current-state-version-outputs"), member)
                .body.find("\"name\":\"a\""),
            std::string::npos);
  EXPECT_EQ(lock(member, "unlock"), 200);
}

TEST_F(States, TheOutputsComeBesideAWorkspaceWhereTheyAreAskedFor) {
  const std::string empty = send("GET", path("workspaces/" + workspace + "?include=outputs"), member).body;
  EXPECT_NE(empty.find(R"("outputs":{"data":[]})"), std::string::npos) << empty;
  ASSERT_EQ(lock(member), 200);
  constexpr std::string_view kOutputs =
      R"({"version":4,"serial":1,"lineage":"one","outputs":{"a":{"value":[1,"x"],"type":["tuple",["number","string"]]},)"
      R"("b":{"value":"hush-hush","type":"string","sensitive":true}}})";
  ASSERT_EQ(new_state(workspace, member, kOutputs, 1, json::Value::object({{"state", base64_encode(kOutputs)}})).status,
            201);
  for (const std::string& address : {path("workspaces/" + workspace), path("organizations/acme/workspaces"),
                                     path("organizations/acme/workspaces/net")}) {
    EXPECT_EQ(send("GET", address, member).body.find("outputs\":{"), std::string::npos) << "nobody asked";
    const auto answer = send("GET", address + "?include=outputs", member);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body.find("hush-hush"), std::string::npos);
    const auto document = json::parse(answer.body).value();
    const json::Array& included = *document.find("included")->if_array();
    ASSERT_EQ(included.size(), 2u) << answer.body;
    const json::Value& data = *document.find("data");
    const json::Value& row = data.if_array() != nullptr ? data.if_array()->front() : data;
    const json::Array& named = *row.find("relationships")->find("outputs")->find("data")->if_array();
    ASSERT_EQ(named.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(*included[i].find("type")->if_string(), "workspace-outputs");
      EXPECT_EQ(*named[i].find("type")->if_string(), "workspace-outputs");
      EXPECT_EQ(*named[i].find("id")->if_string(), *included[i].find("id")->if_string());
    }
    const json::Value& a = *included[0].find("attributes");
    EXPECT_EQ(json::to_text(a), R"({"name":"a","sensitive":false,"output-type":"array","value":[1,"x"]})");
    const json::Value& b = *included[1].find("attributes");
    EXPECT_EQ(json::to_text(b), R"({"name":"b","sensitive":true,"output-type":"string","value":null})");
    // As clients do who want the value of a sensitive one.
    const auto read = send("GET", path("state-version-outputs/" + *included[1].find("id")->if_string()), member);
    EXPECT_EQ(text_of(read, "value"), "hush-hush");
  }
  EXPECT_EQ(send("GET", path("workspaces/" + workspace + "?include=outputs"), foreign).status, 404);
}

TEST_F(States, WhatIsAskedForComesBesideAState) {
  constexpr std::string_view kState = R"({"version":4,"serial":1,"lineage":"one","outputs":{
      "a":{"value":"shown","type":"string"},"b":{"value":"hidden","type":"string","sensitive":true}}})";
  ASSERT_EQ(lock(member), 200);
  const auto made = new_state(workspace, member, kState, 1);
  ASSERT_EQ(send("PUT", text_of(made, "hosted-state-upload-url"), "", std::string(kState)).status, 200);
  for (const std::string& one :
       {"workspaces/" + workspace + "/current-state-version", "state-versions/" + text_of(made, "")}) {
    const auto included = [&](const std::string& names) {
      const auto answer = send("GET", path(one + "?include=" + names), member);
      EXPECT_EQ(answer.status, 200) << one << names << answer.body;
      const auto document = json::parse(answer.body);
      const json::Value* rows = document ? document->find("included") : nullptr;
      return rows ? json::to_text(*rows) : std::string();
    };
    EXPECT_EQ(included(""), "");
    const std::string outputs = included("outputs");
    EXPECT_NE(outputs.find(R"("name":"a")"), std::string::npos) << outputs;
    EXPECT_NE(outputs.find("shown"), std::string::npos) << outputs;
    EXPECT_NE(outputs.find(R"("name":"b")"), std::string::npos) << outputs;
    EXPECT_EQ(outputs.find("hidden"), std::string::npos) << outputs;
    EXPECT_NE(included("outputs,created_by").find(R"("type":"users")"), std::string::npos);
    // A person made it, with no run.
    EXPECT_EQ(included("run,run.created_by"), "");
    EXPECT_EQ(send("GET", path(one + "?include=nonsense"), member).status, 400);
  }
}

TEST_F(States, BytesThatWereNotAnnouncedAreRefused) {
  ASSERT_EQ(lock(member), 200);
  const auto made = new_state(workspace, member, kFirst, 1);
  EXPECT_EQ(send("PUT", text_of(made, "hosted-state-upload-url"), "", std::string(kSecond)).status, 422);
  EXPECT_NE(current().find("not_found"), std::string::npos);
  json::Value other = json::Value::object({{"state", base64_encode("{}")}});
  EXPECT_EQ(new_state(workspace, member, kFirst, 1, other).status, 422);
}

TEST_F(States, ALateUploadAfterAForcedUnlockReplacesNothing) {
  ASSERT_EQ(lock(member), 200);
  const std::string late = text_of(new_state(workspace, member, kFirst, 1), "hosted-state-upload-url");
  clock.advance(std::chrono::seconds(1));
  ASSERT_EQ(lock(owner, "force-unlock"), 200);
  EXPECT_EQ(send("PUT", late, "", std::string(kFirst)).status, 409);
  // Nor under the next lock, be it another's or one's own.
  ASSERT_EQ(lock(owner), 200);
  EXPECT_EQ(send("PUT", late, "", std::string(kFirst)).status, 409);
  ASSERT_EQ(lock(owner, "unlock"), 200);
  clock.advance(std::chrono::seconds(1));
  ASSERT_EQ(lock(member), 200);
  EXPECT_EQ(send("PUT", late, "", std::string(kFirst)).status, 409);
  EXPECT_NE(current().find("not_found"), std::string::npos);
}

TEST_F(States, TheOrderIsCheckedWhenTheBytesArrive) {
  ASSERT_EQ(lock(member), 200);
  const std::string first = text_of(new_state(workspace, member, kFirst, 1), "hosted-state-upload-url");
  const std::string second = text_of(new_state(workspace, member, kSecond, 2), "hosted-state-upload-url");
  EXPECT_EQ(send("PUT", second, "", std::string(kSecond)).status, 200);
  EXPECT_EQ(send("PUT", first, "", std::string(kFirst)).status, 409);
  EXPECT_NE(current().find("\"serial\":2"), std::string::npos);
  EXPECT_EQ(new_state(workspace, member, kFirst, 1).status, 409);
  // A person may insist, and then the older one is the current one.
  const auto forced = new_state(workspace, member, kFirst, 1, json::Value::object({{"force", true}}));
  ASSERT_EQ(forced.status, 201) << forced.body;
  EXPECT_EQ(send("PUT", text_of(forced, "hosted-state-upload-url"), "", std::string(kFirst)).status, 200);
  EXPECT_NE(current().find("\"serial\":1,"), std::string::npos);
}

TEST_F(States, OutputsOfAnEncryptedStateAreThoseThatTheClientSays) {
  ASSERT_EQ(lock(member), 200);
  const std::string sealed = R"({"encrypted_data":"x","serial":1})";
  const auto made = new_state(workspace, member, sealed, 1,
                              json::Value::object({{"state", base64_encode(sealed)},
                                                   {"json-state-outputs", base64_encode(R"({"b":{"value":"v"}})")}}));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_NE(send("GET", path("workspaces/" + workspace + "/current-state-version-outputs"), member)
                .body.find("\"name\":\"b\""),
            std::string::npos);
  EXPECT_EQ(new_state(workspace, member, sealed, 2, json::Value::object({{"json-state-outputs", "%"}})).status, 422);
}

}  // namespace
}  // namespace tollgate::api::test
