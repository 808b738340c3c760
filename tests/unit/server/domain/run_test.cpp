#include "server/domain/run.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

namespace tollgate::domain {
namespace {

const TimePoint kNow = from_unix_seconds(1'800'000'000);

PhaseOutcome finished(bool changes = true) {
  PhaseOutcome outcome;
  outcome.status = PhaseStatus::finished;
  outcome.has_changes = changes;
  outcome.resources.additions = changes ? 1 : 0;
  return outcome;
}

PhaseOutcome errored() {
  PhaseOutcome outcome;
  outcome.reason = "terraform_failed";
  outcome.sentence = "terraform ended with exit code 1";
  return outcome;
}

domain::Run planned_run() {
  domain::Run run;
  run.id = "run-1";
  EXPECT_TRUE(queue_plan(run, kNow));
  EXPECT_TRUE(start_plan(run, kNow));
  EXPECT_TRUE(finish_plan(run, finished(), kNow));
  return run;
}

TEST(RunTransitions, GoThroughPlanAndApply) {
  domain::Run run = planned_run();
  EXPECT_EQ(run.status, RunStatus::planned);
  EXPECT_TRUE(is_confirmable(run));
  EXPECT_TRUE(confirm(run, "user-ana", "looks good", kNow));
  EXPECT_EQ(run.confirmed_by, "user-ana");
  EXPECT_TRUE(queue_apply(run, kNow));
  EXPECT_TRUE(start_apply(run, kNow));
  EXPECT_TRUE(finish_apply(run, finished(), kNow));
  EXPECT_EQ(run.status, RunStatus::applied);
  EXPECT_EQ(run.timestamps.count("planned-at"), 1U);
  EXPECT_EQ(run.timestamps.count("applied-at"), 1U);
}

TEST(RunTransitions, EndWithoutApplyWhereNothingChangesOrMayChange) {
  domain::Run run;
  ASSERT_TRUE(queue_plan(run, kNow));
  ASSERT_TRUE(start_plan(run, kNow));
  ASSERT_TRUE(finish_plan(run, finished(false), kNow));
  EXPECT_EQ(run.status, RunStatus::planned_and_finished);
  EXPECT_EQ(run.apply.status, PhaseStatus::unreachable);

  domain::Run speculative;
  speculative.plan_only = true;
  speculative.auto_apply = true;
  ASSERT_TRUE(queue_plan(speculative, kNow));
  ASSERT_TRUE(start_plan(speculative, kNow));
  ASSERT_TRUE(finish_plan(speculative, finished(), kNow));
  EXPECT_EQ(speculative.status, RunStatus::planned_and_finished);
}

TEST(RunTransitions, AutoApplyConfirmsUnlessACancelCame) {
  domain::Run run;
  run.auto_apply = true;
  ASSERT_TRUE(queue_plan(run, kNow));
  ASSERT_TRUE(start_plan(run, kNow));
  domain::Run canceled = run;
  ASSERT_TRUE(finish_plan(run, finished(), kNow));
  EXPECT_EQ(run.status, RunStatus::confirmed);
  ASSERT_TRUE(request_cancel(canceled, "user-ana", "", kNow));
  EXPECT_EQ(canceled.status, RunStatus::planning);
  ASSERT_TRUE(finish_plan(canceled, finished(), kNow));
  EXPECT_EQ(canceled.status, RunStatus::canceled);
}

TEST(RunTransitions, ACancelBeforeAProcessEndsTheRunAtOnce) {
  domain::Run run;
  ASSERT_TRUE(queue_plan(run, kNow));
  ASSERT_TRUE(wait_for_mfa(run, PhaseKind::plan, kNow));
  EXPECT_EQ(run.plan.status, PhaseStatus::mfa_waiting);
  ASSERT_TRUE(request_cancel(run, "user-ana", "", kNow));
  EXPECT_EQ(run.status, RunStatus::canceled);
  EXPECT_EQ(run.plan.status, PhaseStatus::canceled);
  EXPECT_EQ(run.apply.status, PhaseStatus::unreachable);
  EXPECT_FALSE(request_cancel(run, "user-ana", "", kNow));
}

TEST(RunTransitions, APhaseAtItsGateDoesNotStart) {
  domain::Run run;
  ASSERT_TRUE(queue_plan(run, kNow));
  ASSERT_TRUE(wait_for_mfa(run, PhaseKind::plan, kNow));
  const Result<void> started = start_plan(run, kNow);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::conflict);
  ASSERT_TRUE(pass_mfa(run, PhaseKind::plan, kNow));
  EXPECT_TRUE(start_plan(run, kNow));
}

TEST(RunTransitions, ForceNeedsACancelAndTime) {
  domain::Run run = planned_run();
  ASSERT_TRUE(confirm(run, "", "", kNow));
  ASSERT_TRUE(queue_apply(run, kNow));
  ASSERT_TRUE(start_apply(run, kNow));
  EXPECT_FALSE(request_force_cancel(run, "", kNow));
  ASSERT_TRUE(request_cancel(run, "user-ana", "", kNow));
  EXPECT_FALSE(request_force_cancel(run, "", kNow + std::chrono::seconds(9)));
  ASSERT_TRUE(request_force_cancel(run, "", kNow + std::chrono::seconds(10)));
  PhaseOutcome outcome;
  outcome.status = PhaseStatus::canceled;
  ASSERT_TRUE(finish_apply(run, outcome, kNow));
  EXPECT_EQ(run.status, RunStatus::force_canceled);
}

TEST(RunTransitions, AFailureKeepsItsReason) {
  domain::Run run;
  ASSERT_TRUE(queue_plan(run, kNow));
  ASSERT_TRUE(start_plan(run, kNow));
  ASSERT_TRUE(finish_plan(run, errored(), kNow));
  EXPECT_EQ(run.status, RunStatus::errored);
  EXPECT_EQ(run.reason, "terraform_failed");
  EXPECT_EQ(run.plan.status, PhaseStatus::errored);
  EXPECT_FALSE(fail_run(run, "mfa_timeout", "", kNow));
}

TEST(RunTransitions, ASavedPlanOccupiesTheWorkspaceOnlyOnceConfirmed) {
  domain::Run run;
  run.save_plan = true;
  ASSERT_TRUE(queue_plan(run, kNow));
  ASSERT_TRUE(start_plan(run, kNow));
  EXPECT_FALSE(occupies_workspace(run));
  ASSERT_TRUE(finish_plan(run, finished(), kNow));
  EXPECT_EQ(run.status, RunStatus::planned_and_saved);
  ASSERT_TRUE(confirm(run, "", "", kNow));
  EXPECT_TRUE(occupies_workspace(run));
}

// Whatever is called in whatever order, a final run stays as it is, and no phase runs in a run that has ended.
TEST(RunTransitions, RandomSequencesKeepTheInvariants) {
  std::mt19937 random(7);
  std::set<RunStatus> reached;
  for (int round = 0; round < 3000; ++round) {
    domain::Run run;
    run.auto_apply = random() % 2;
    run.plan_only = random() % 5 == 0;
    run.save_plan = random() % 4 == 0;
    TimePoint now = kNow;
    const std::vector<std::function<Result<void>()>> moves{
        [&] { return queue_plan(run, now); },
        [&] { return wait_for_mfa(run, PhaseKind::plan, now); },
        [&] { return pass_mfa(run, PhaseKind::plan, now); },
        [&] { return start_plan(run, now); },
        [&] { return finish_plan(run, random() % 4 ? finished(random() % 4) : errored(), now); },
        [&] { return confirm(run, "user-ana", "", now); },
        [&] { return queue_apply(run, now); },
        [&] { return wait_for_mfa(run, PhaseKind::apply, now); },
        [&] { return pass_mfa(run, PhaseKind::apply, now); },
        [&] { return start_apply(run, now); },
        [&] { return finish_apply(run, random() % 4 ? finished() : errored(), now); },
        [&] { return random() % 6 ? Result<void>() : discard(run, "", now); },
        [&] { return random() % 6 ? Result<void>() : request_cancel(run, "user-ana", "", now); },
        [&] { return request_force_cancel(run, "", now); },
        [&] { return finish_forced_cancel(run, now); },
        [&] { return random() % 9 ? Result<void>() : fail_run(run, "runner_lost", "", now); },
    };
    for (int step = 0; step < 60; ++step) {
      now += std::chrono::seconds(3);
      const RunStatus before = run.status;
      (void)moves[random() % moves.size()]();
      ASSERT_TRUE(!is_final(before) || run.status == before);
      ASSERT_EQ(run.plan.status == PhaseStatus::running, run.status == RunStatus::planning);
      ASSERT_EQ(run.apply.status == PhaseStatus::running, run.status == RunStatus::applying);
      if (is_final(run.status)) {
        ASSERT_TRUE(is_final(run.plan.status)) << to_text(run.status);
        ASSERT_TRUE(is_final(run.apply.status)) << to_text(run.status);
      }
      reached.insert(run.status);
    }
  }
  EXPECT_EQ(reached.size(), kRunStatuses.size());
}

TEST(RunWords, ReadWhatTheyWrite) {
  for (const RunStatus status : kRunStatuses)
    EXPECT_EQ(parse_run_status(to_text(status)), status);
  for (const PhaseStatus status : kPhaseStatuses)
    EXPECT_EQ(parse_phase_status(to_text(status)), status);
  EXPECT_EQ(parse_run_status("fetching"), std::nullopt);
}

}  // namespace
}  // namespace tollgate::domain
