// Runs as clients read them: lists and their pages, what can be included, events, the queue of an organization, and the
// documents of errors.
#include "server/api/runs.h"

#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class RunsOfTheApi : public ApiWorld {
 protected:
  json::Value get(std::string_view rest, int status = 200) {
    const auto answer = send("GET", path(rest), member);
    EXPECT_EQ(answer.status, status) << answer.body;
    return json::parse(answer.body).value();
  }
  static std::vector<std::string> ids(const json::Value& document, std::string_view member = "data") {
    std::vector<std::string> found;
    const json::Value* rows = document.find(member);
    if (rows == nullptr) return found;
    for (const json::Value& row : *rows->if_array())
      found.push_back(*row.find("id")->if_string());
    return found;
  }
  static const json::Value& attribute(const json::Value& resource, std::string_view name) {
    return *resource.find("attributes")->find(name);
  }
  void bring_to(const std::string& id, RunStatus status) {
    PhaseOutcome outcome;
    outcome.status = PhaseStatus::finished;
    outcome.has_changes = true;
    const auto now = clock.now();
    const auto step = [&](auto transition) { ASSERT_TRUE(runs.change(id, transition)); };
    if (status == RunStatus::pending) return;
    step([&](domain::Run& run) { return queue_plan(run, now); });
    if (status == RunStatus::plan_queued) return;
    step([&](domain::Run& run) { return start_plan(run, now); });
    if (status == RunStatus::planning) return;
    step([&](domain::Run& run) { return finish_plan(run, outcome, now); });
    if (status == RunStatus::planned) return;
    step([&](domain::Run& run) { return confirm(run, "user-bob", "", now); });
    step([&](domain::Run& run) { return queue_apply(run, now); });
    if (status == RunStatus::apply_queued) return;
    step([&](domain::Run& run) { return start_apply(run, now); });
    if (status == RunStatus::applying) return;
    step([&](domain::Run& run) { return finish_apply(run, outcome, now); });
  }
  std::string run_in(RunStatus status) {
    const std::string id = new_run(new_workspace(fmt::format("w{}", ++workspaces), member), member);
    bring_to(id, status);
    return id;
  }

  int workspaces = 0;
};

TEST_F(RunsOfTheApi, ByWhatARunCameTheServerSaysAndNotTheClient) {
  const std::string workspace = new_workspace("source", member);
  const auto wish = [&](std::string_view claimed) {
    return body("runs", json::Value::object({{"message", "m"}, {"source", claimed}}),
                json::Value::object({{"workspace", relation("workspaces", workspace)}}));
  };
  EXPECT_EQ(text_of(send("POST", path("runs"), member, wish("tfe-ui")), "source"), "tfe-api");
  EXPECT_EQ(text_of(send(sign_in_as("bob"), "POST", path("runs"), wish("tfe-api")), "source"), "tfe-ui");
  EXPECT_EQ(ids(get("workspaces/" + workspace + "/runs?filter%5Bsource%5D=tfe-ui")).size(), 1u);
  EXPECT_EQ(ids(get("workspaces/" + workspace + "/runs")).size(), 2u);
}

TEST_F(RunsOfTheApi, WhatRunsStandsBeforeWhatWaits) {
  const std::string waits_for_workspace = run_in(RunStatus::pending);
  const std::string queued = run_in(RunStatus::plan_queued);
  const std::string planning = run_in(RunStatus::planning);
  run_in(RunStatus::planned);
  run_in(RunStatus::applied);
  const std::string at_gate = run_in(RunStatus::apply_queued);
  ASSERT_TRUE(runs.change(at_gate, [&](domain::Run& run) { return wait_for_mfa(run, PhaseKind::apply, clock.now()); }));
  const std::string apply_queued = run_in(RunStatus::apply_queued);
  const std::string applying = run_in(RunStatus::applying);
  const std::string foreign_run = new_run(new_workspace("w", foreign, "other"), foreign);

  const json::Value queue = get("organizations/acme/runs/queue");
  EXPECT_EQ(ids(queue), (std::vector<std::string>{planning, applying, queued, apply_queued, waits_for_workspace}));
  const json::Value capacity = get("organizations/acme/capacity");
  EXPECT_EQ(attribute(*capacity.find("data"), "running"), json::Value(2));
  // What stock clients tell: the position less what runs. Never negative for a run that waits.
  std::int64_t position = 0;
  for (const json::Value& row : *queue.find("data")->if_array()) {
    EXPECT_EQ(attribute(row, "position-in-queue"), json::Value(position));
    ++position;
  }
  // Pages count on.
  const json::Value second = get("organizations/acme/runs/queue?page[number]=2&page[size]=3");
  EXPECT_EQ(ids(second), (std::vector<std::string>{apply_queued, waits_for_workspace}));
  EXPECT_EQ(attribute(second.find("data")->if_array()->front(), "position-in-queue"), json::Value(3));
}

TEST_F(RunsOfTheApi, PagesOfAListBeginWithTheNewest) {
  const std::string workspace = new_workspace("net", member);
  std::vector<std::string> made;
  for (int i = 0; i < 21; ++i)
    made.insert(made.begin(), new_run(workspace, member));
  const std::string list = "workspaces/" + workspace + "/runs";
  const json::Value first = get(list);
  EXPECT_EQ(ids(first), std::vector<std::string>(made.begin(), made.begin() + 20));
  EXPECT_EQ(*first.find("meta")->find("pagination"), json::Value::object({{"current-page", 1},
                                                                          {"page-size", 20},
                                                                          {"prev-page", json::Value()},
                                                                          {"next-page", 2},
                                                                          {"total-pages", 2},
                                                                          {"total-count", 21}}));
  EXPECT_EQ(ids(get(list + "?page[number]=2")), std::vector<std::string>{made.back()});
  const json::Value beyond = get(list + "?page[number]=7&page[size]=100");
  EXPECT_TRUE(ids(beyond).empty());
  EXPECT_EQ(*beyond.find("meta")->find("pagination")->find("total-count"), json::Value(21));
  EXPECT_EQ(*beyond.find("meta")->find("pagination")->find("next-page"), json::Value());
  for (const char* wrong : {"page[number]=-1", "page[number]=x", "page[size]=1e3", "page[number]=9223372036854775807"})
    get(list + "?" + wrong, 422);
  bring_to(made.back(), RunStatus::planned);
  EXPECT_EQ(ids(get(list + "?filter[status]=planned,applied")), std::vector<std::string>{made.back()});
  EXPECT_EQ(ids(get(list + "?filter[operation]=plan_only")).size(), 0u);
}

TEST_F(RunsOfTheApi, IncludesCarryAttributes) {
  const std::string id = run_in(RunStatus::planned);
  const json::Value shown = get("runs/" + id + "?include=workspace,plan,apply,created_by");
  ASSERT_EQ(shown.find("included")->if_array()->size(), 4u);
  for (const json::Value& resource : *shown.find("included")->if_array()) {
    EXPECT_FALSE(resource.find("attributes")->if_object()->empty()) << json::to_text(resource);
    const std::string& type = *resource.find("type")->if_string();
    if (type == "workspaces") {
      EXPECT_EQ(attribute(resource, "structured-run-output-enabled"), json::Value(true));
    }
    if (type == "plans" || type == "applies") {
      EXPECT_EQ(attribute(resource, "log-read-url").if_string()->rfind("https://tollgate.example/", 0), 0u);
    }
  }
  // A client of an older server asks for what it may not have, and reads the words.
  const json::Value refused = get("runs/" + id + "?include=plan,nonsense", 400);
  const json::Value& error = refused.find("errors")->if_array()->front();
  EXPECT_NE(error.find("detail")->if_string()->find("Invalid include parameter"), std::string::npos);
}

TEST_F(RunsOfTheApi, AWorkspaceBringsItsCurrentRun) {
  const std::string id = run_in(RunStatus::planned);
  const std::string workspace = store
                                    .write([&](Tables& tables) -> Result<std::string> {
                                      auto row = *tables.workspaces().find(tables.runs().find(id)->workspace_id);
                                      row.current_run_id = id;
                                      TG_CHECK(tables.workspaces().update(row));
                                      return row.id;
                                    })
                                    .value();
  const json::Value shown = get("workspaces/" + workspace + "?include=current_run");
  ASSERT_EQ(shown.find("included")->if_array()->size(), 1u);
  const json::Value& run = shown.find("included")->if_array()->front();
  EXPECT_EQ(*run.find("id"), json::Value(id));
  EXPECT_EQ(attribute(run, "status"), json::Value("planned"));
}

TEST_F(RunsOfTheApi, ARunHasWhatClientsPanicWithout) {
  const json::Value run = *get("runs/" + run_in(RunStatus::planned)).find("data");
  for (const char* name : {"is-cancelable", "is-confirmable", "is-discardable", "is-force-cancelable"})
    EXPECT_TRUE(attribute(run, "actions").find(name)->if_bool() != nullptr) << name;
  for (const char* name : {"plan", "apply", "workspace"})
    EXPECT_TRUE(run.find("relationships")->find(name)->find("data")->is_object()) << name;
  EXPECT_NE(attribute(run, "status-timestamps").find("plan-queueable-at"), nullptr);
  EXPECT_EQ(attribute(run, "has-changes"), json::Value(true));
}

TEST_F(RunsOfTheApi, EventsAreInTheirOrder) {
  const std::string id = run_in(RunStatus::pending);
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    for (const char* action : {"created", "plan_queued"}) {
      RunEvent event;
      event.id = new_id(id_prefix::kRunEvent, random);
      event.run_id = id;
      event.action = action;
      event.actor = "bob";
      event.created_at = clock.now();
      tables.runs().add_event(event);
      clock.advance(std::chrono::seconds(1));
    }
    return {};
  }));
  const json::Value events = get("runs/" + id + "/run-events");
  const json::Array& rows = *events.find("data")->if_array();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(attribute(rows[0], "action"), json::Value("created"));
  EXPECT_EQ(attribute(rows[1], "action"), json::Value("plan_queued"));
  EXPECT_TRUE(attribute(rows[0], "description").is_string());
}

TEST_F(RunsOfTheApi, ErrorsAreDocumentsThatClientsShow) {
  const std::string id = run_in(RunStatus::applied);
  struct Case {
    http::Response answer;
    int status;
    std::string_view words;
  };
  const std::string workspace = new_workspace("locked", member);
  EXPECT_EQ(send("POST", path("workspaces/" + workspace + "/actions/lock"), owner, "{}").status, 200);
  const Case cases[] = {
      {send("GET", path("runs/run-none"), member), 404, "run"},
      {send("GET", path("runs/" + id), "tgu.wrong"), 401, ""},
      {send("POST", path("runs/" + id + "/actions/apply"), member, "{}"), 409, "applied"},
      {send("POST", path("runs/" + id + "/actions/discard"), member, "{}"), 409, "applied"},
      {send("POST", path("runs/" + id + "/actions/cancel"), member, "{}"), 409, "applied"},
      {send("POST", path("workspaces/" + workspace + "/actions/lock"), member, "{}"), 409, "already locked"},
      {send("POST", path("workspaces/" + workspace + "/actions/unlock"), member, "{}"), 409, "is locked by User"},
      {send("POST", path("organizations/acme/workspaces/locked/actions/safe-delete"), owner, "{}"), 409, "locked"},
      {send("POST", path("runs"), member, "{"), 422, ""},
      {send("PUT", path("runs/" + id), member), 405, ""},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(each.answer.status, each.status) << each.answer.body;
    const auto document = json::parse(each.answer.body);
    ASSERT_TRUE(document) << each.answer.body;
    const json::Value& error = document->find("errors")->if_array()->front();
    EXPECT_EQ(*error.find("status")->if_string(), each.status == 405 ? "400" : std::to_string(each.status));
    EXPECT_FALSE(error.find("title")->if_string()->empty());
    EXPECT_NE(error.find("detail")->if_string()->find(each.words), std::string::npos) << each.answer.body;
    EXPECT_EQ(http::find_pair(each.answer.headers, "Content-Type")->rfind(kJsonApiType, 0), 0u);
    EXPECT_NE(http::find_pair(each.answer.headers, "TFP-API-Version"), nullptr);
  }
}

TEST_F(RunsOfTheApi, WhatRunsWaitForIsLookedAtAtOnce) {
  const std::string workspace = new_workspace("net", member);
  const std::string actions = path("workspaces/" + workspace + "/actions/");
  ASSERT_EQ(send("POST", actions + "lock", member, "{}").status, 200);
  EXPECT_EQ(runs.looks, 0);
  const std::string state = R"({"version":4,"serial":1,"lineage":"one","outputs":{}})";
  ASSERT_EQ(send("PUT", text_of(new_state(workspace, member, state, 1), "hosted-state-upload-url"), "", state).status,
            200);
  EXPECT_EQ(runs.looks, 1);
  ASSERT_EQ(send("POST", actions + "unlock", member, "{}").status, 200);
  EXPECT_EQ(runs.looks, 2);
  ASSERT_EQ(send("POST", actions + "lock", member, "{}").status, 200);
  ASSERT_EQ(send("POST", actions + "force-unlock", owner, "{}").status, 200);
  EXPECT_EQ(runs.looks, 3);
}

}  // namespace
}  // namespace tollgate::api::test
