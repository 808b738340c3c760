#include "server/runs/scheduling.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace tollgate::runs {
namespace {

using domain::PhaseKind;
using domain::PhaseStatus;
using domain::RunStatus;
using Kind = Decision::Kind;

const TimePoint kNow = test::ManualClock().now();

// A run in a few words; the rest is as a run in that status would have it.
struct Given {
  std::string id;
  RunStatus status = RunStatus::pending;
  std::string workspace = "ws-a";
  std::string organization = "org-a";
  std::function<void(domain::Run&)> shape = {};
};

struct Case {
  std::string name;
  std::vector<Given> runs;
  std::vector<std::string> expected;  // "kind run phase"
  std::function<void(Snapshot&)> shape = {};
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

Snapshot snapshot_of(const Case& one) {
  Snapshot snapshot;
  snapshot.concurrency = 2;
  for (const Given& given : one.runs) {
    domain::Run run;
    run.id = given.id;
    run.sequence = static_cast<std::int64_t>(snapshot.runs.size()) + 1;
    run.status = given.status;
    run.workspace_id = given.workspace;
    run.organization_id = given.organization;
    run.created_at = kNow;
    if (run.status == RunStatus::plan_queued) run.plan.status = PhaseStatus::queued;
    if (run.status == RunStatus::planning) run.plan.status = PhaseStatus::running;
    if (run.status == RunStatus::apply_queued) run.apply.status = PhaseStatus::queued;
    if (run.status == RunStatus::applying) run.apply.status = PhaseStatus::running;
    run.plan.started_at = run.apply.started_at = kNow;
    if (given.shape) given.shape(run);
    snapshot.runs.push_back(run);
    auto& workspace = snapshot.workspaces[given.workspace];
    workspace.id = given.workspace;
    workspace.organization_id = given.organization;
    snapshot.organizations[given.organization].id = given.organization;
    if (run.status == RunStatus::planning || run.status == RunStatus::applying) snapshot.active.insert(run.id);
  }
  if (one.shape) one.shape(snapshot);
  return snapshot;
}

void speculative(domain::Run& run) {
  run.plan_only = true;
}
void saved(domain::Run& run) {
  run.save_plan = true;
}
void lock_by_user(Snapshot& snapshot) {
  snapshot.workspaces["ws-a"].lock.holder = domain::WorkspaceLock::Holder::user;
}
void everything_gated(Snapshot& snapshot) {
  snapshot.organizations["org-a"].aws_mfa = domain::MfaLevel::plans_and_applies;
}

class Decide : public testing::TestWithParam<Case> {};

TEST_P(Decide, AsTheTableSays) {
  std::vector<std::string> decided;
  for (const Decision& decision : decide(snapshot_of(GetParam()), kNow).now) {
    decided.push_back(
        fmt::format("{} {} {}", to_text(decision.kind), decision.run_id, domain::to_text(decision.phase)));
  }
  EXPECT_EQ(decided, GetParam().expected);
}

std::vector<Case> cases() {
  return {
      {"nothing", {}, {}, {}},
      {"the head of the queue leaves it", {{"a"}, {"b"}}, {"queue_plan a plan"}, {}},
      {"each workspace has a queue",
       {{"a"}, {"b", RunStatus::pending, "ws-b"}},
       {"queue_plan a plan", "queue_plan b plan"},
       {}},
      {"a planned run holds its workspace", {{"a", RunStatus::planned}, {"b"}}, {}, {}},
      {"a confirmed run goes on", {{"a", RunStatus::confirmed}, {"b"}}, {"queue_apply a apply"}, {}},
      {"a person's lock keeps the head waiting, as the current run",
       {{"a"}, {"b"}},
       {"make_current a plan"},
       lock_by_user},
      {"and is shown once",
       {{"a"}},
       {},
       [](Snapshot& s) {
         lock_by_user(s);
         s.workspaces["ws-a"].current_run_id = "a";
       }},
      {"speculative plans do not mind the lock",
       {{"a", RunStatus::pending, "ws-a", "org-a", speculative}},
       {"queue_plan a plan"},
       lock_by_user},
      {"nor a run that holds the workspace",
       {{"a", RunStatus::applying},
        {"b", RunStatus::pending, "ws-a", "org-a", speculative},
        {"c", RunStatus::pending, "ws-a", "org-a", saved}},
       {"queue_plan b plan", "queue_plan c plan"},
       {}},
      {"a saved plan does not hold the workspace",
       {{"a", RunStatus::planned_and_saved, "ws-a", "org-a", saved}, {"b"}},
       {"queue_plan b plan"},
       {}},
      {"until it is confirmed",
       {{"a", RunStatus::apply_queued, "ws-a", "org-a", saved}, {"b"}},
       {"start_phase a apply"},
       {}},
      {"a saved plan of an older state is discarded",
       {{"a", RunStatus::planned_and_saved, "ws-a", "org-a", saved}},
       {"discard_stale a plan"},
       [](Snapshot& s) {
         s.saved_plan_bases["a"] = "sv-1";
         s.workspaces["ws-a"].current_state_version_id = "sv-2";
       }},
      {"a saved plan of the current state stays",
       {{"a", RunStatus::planned_and_saved, "ws-a", "org-a", saved}},
       {},
       [](Snapshot& s) {
         s.saved_plan_bases["a"] = "sv-1";
         s.workspaces["ws-a"].current_state_version_id = "sv-1";
       }},
      {"applies before plans before speculative plans",
       {{"s", RunStatus::plan_queued, "ws-a", "org-a", speculative},
        {"p", RunStatus::plan_queued, "ws-b"},
        {"a", RunStatus::apply_queued, "ws-c"}},
       {"start_phase a apply", "start_phase p plan"},
       {}},
      {"no more than fit",
       {{"r", RunStatus::planning}, {"p", RunStatus::plan_queued, "ws-b"}, {"q", RunStatus::plan_queued, "ws-c"}},
       {"start_phase p plan"},
       {}},
      {"an organization that runs nothing goes first",
       {{"r", RunStatus::planning},
        {"p", RunStatus::plan_queued, "ws-b"},
        {"q", RunStatus::plan_queued, "ws-x", "org-b"}},
       {"start_phase q plan"},
       {}},
      {"organizations take turns",
       {{"p", RunStatus::plan_queued, "ws-a"},
        {"q", RunStatus::plan_queued, "ws-b"},
        {"r", RunStatus::plan_queued, "ws-x", "org-b"}},
       {"start_phase p plan", "start_phase r plan"},
       {}},
      {"a gate opens without a slot",
       {{"a", RunStatus::plan_queued}},
       {"open_gate a plan"},
       [](Snapshot& s) {
         everything_gated(s);
         s.concurrency = 0;
       }},
      {"and takes none",
       {{"a", RunStatus::plan_queued, "ws-a", "org-a",
         [](domain::Run& run) {
           run.plan.status = PhaseStatus::mfa_waiting;
           run.timestamps["plan-mfa-waiting-at"] = kNow;
         }},
        {"b", RunStatus::plan_queued, "ws-b", "org-b"},
        {"c", RunStatus::plan_queued, "ws-c", "org-b"}},
       {"start_phase b plan", "start_phase c plan"},
       everything_gated},
      {"a passed gate lets the phase compete",
       {{"a", RunStatus::apply_queued, "ws-a", "org-a",
         [](domain::Run& run) { run.timestamps["apply-mfa-passed-at"] = kNow; }}},
       {"start_phase a apply"},
       everything_gated},
      {"the plan's gate is not the apply's",
       {{"a", RunStatus::apply_queued, "ws-a", "org-a",
         [](domain::Run& run) { run.timestamps["plan-mfa-passed-at"] = kNow; }}},
       {"open_gate a apply"},
       everything_gated},
      {"raising binds what has not started", {{"a", RunStatus::plan_queued}}, {"open_gate a plan"}, everything_gated},
      {"lowering does not release what was created before",
       {{"a", RunStatus::plan_queued, "ws-a", "org-a",
         [](domain::Run& run) { run.aws_mfa_at_creation = domain::MfaLevel::plans_and_applies; }}},
       {"open_gate a plan"},
       {}},
      {"nobody came to the gate",
       {{"a", RunStatus::apply_queued, "ws-a", "org-a",
         [](domain::Run& run) {
           run.apply.status = PhaseStatus::mfa_waiting;
           run.timestamps["apply-mfa-waiting-at"] = kNow - std::chrono::hours(24);
         }}},
       {"expire_gate a apply"},
       {}},
      {"a cancel interrupts",
       {{"a", RunStatus::planning, "ws-a", "org-a", [](domain::Run& run) { run.cancel_requested_at = kNow; }}},
       {"stop_phase a plan"},
       {}},
      {"force kills",
       {{"a", RunStatus::applying, "ws-a", "org-a",
         [](domain::Run& run) {
           run.cancel_requested_at = kNow;
           run.force_cancel_requested = true;
         }}},
       {"kill_phase a apply"},
       {}},
      {"a plan that takes too long",
       {{"a", RunStatus::planning, "ws-a", "org-a",
         [](domain::Run& run) { run.plan.started_at = kNow - std::chrono::hours(1); }}},
       {"end_phase a plan"},
       {}},
      {"what is not supervised here is recovery's",
       {{"a", RunStatus::planning, "ws-a", "org-a", [](domain::Run& run) { run.cancel_requested_at = kNow; }}},
       {},
       [](Snapshot& s) { s.active.clear(); }},
      {"a run whose plan is still being taken in does not start its apply",
       {{"a", RunStatus::apply_queued}},
       {},
       [](Snapshot& s) { s.active.insert("a"); }},
  };
}

INSTANTIATE_TEST_SUITE_P(Table, Decide, testing::ValuesIn(cases()));

TEST(DecideTime, LooksAgainAtTheNextMomentThatCounts) {
  Case one;
  one.runs = {{"a", RunStatus::planning, "ws-a", "org-a", {}},
              {"b", RunStatus::plan_queued, "ws-b", "org-a", [](domain::Run& run) {
                 run.plan.status = PhaseStatus::mfa_waiting;
                 run.timestamps["plan-mfa-waiting-at"] = kNow;
               }}};
  EXPECT_EQ(decide(snapshot_of(one), kNow).look_again, kNow + std::chrono::minutes(15));
  EXPECT_FALSE(decide(Snapshot(), kNow).look_again);
}

}  // namespace
}  // namespace tollgate::runs
