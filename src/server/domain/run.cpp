#include "server/domain/run.h"

#include <fmt/format.h>

namespace tollgate::domain {

namespace {

// The API's names of the moments, where they are not the status with hyphens.
std::string timestamp_name(RunStatus status) {
  std::string name(to_text(status));
  for (char& c : name) {
    if (c == '_') c = '-';
  }
  return name + "-at";
}

void enter(Run& run, RunStatus status, TimePoint now) {
  run.status = status;
  run.timestamps[timestamp_name(status)] = now;
}

tl::unexpected<Error> not_now(const Run& run, std::string_view what) {
  return fail(Error(Code::conflict, fmt::format("run {} is {}, so it cannot {}", run.id, to_text(run.status), what))
                  .because("run_status"));
}

void end_phase(Phase& phase, PhaseStatus status, TimePoint now) {
  if (is_final(phase.status)) return;
  phase.status = status;
  phase.ended_at = now;
}

// The run is over: whatever has not ended will not begin.
void end_run(Run& run, RunStatus status, TimePoint now) {
  const PhaseStatus rest = status == RunStatus::errored ? PhaseStatus::errored : PhaseStatus::canceled;
  for (Phase* phase : {&run.plan, &run.apply}) {
    const bool begun = phase->status != PhaseStatus::pending;
    end_phase(*phase, begun ? rest : PhaseStatus::unreachable, now);
  }
  enter(run, status, now);
}

void take_outcome(Phase& phase, const PhaseOutcome& outcome, TimePoint now) {
  phase.status = outcome.status;
  phase.ended_at = now;
  phase.has_changes = outcome.has_changes;
  phase.generated_configuration = outcome.generated_configuration;
  phase.resources = outcome.resources;
  phase.plan_sha256 = outcome.plan_sha256;
  phase.lock_file_sha256 = outcome.lock_file_sha256;
}

// Errored and canceled end a run alike in both phases. True: it has ended.
bool ended_badly(Run& run, const PhaseOutcome& outcome, TimePoint now) {
  if (outcome.status == PhaseStatus::finished) return false;
  if (outcome.status == PhaseStatus::canceled) {
    end_run(run, run.force_cancel_requested ? RunStatus::force_canceled : RunStatus::canceled, now);
  } else {
    run.reason = outcome.reason;
    run.detail = outcome.sentence;
    end_run(run, RunStatus::errored, now);
  }
  return true;
}

bool has_process(const Run& run) {
  return run.status == RunStatus::planning || run.status == RunStatus::applying;
}

}  // namespace

bool is_confirmable(const Run& run) {
  return (run.status == RunStatus::planned || run.status == RunStatus::planned_and_saved) && !run.plan_only;
}

bool is_discardable(const Run& run) {
  return run.status == RunStatus::planned || run.status == RunStatus::planned_and_saved ||
         run.status == RunStatus::pending;
}

bool is_cancelable(const Run& run) {
  switch (run.status) {
    case RunStatus::pending:
    case RunStatus::plan_queued:
    case RunStatus::planning:
    case RunStatus::confirmed:
    case RunStatus::apply_queued:
    case RunStatus::applying:
      return !run.cancel_requested_at;
    default:
      return false;
  }
}

bool is_force_cancelable(const Run& run, TimePoint now) {
  return has_process(run) && run.cancel_requested_at && !run.force_cancel_requested &&
         now >= *run.cancel_requested_at + kForceCancelAfter;
}

bool occupies_workspace(const Run& run) {
  if (run.plan_only || is_final(run.status) || run.status == RunStatus::pending) return false;
  if (run.save_plan) {
    return run.status == RunStatus::confirmed || run.status == RunStatus::apply_queued ||
           run.status == RunStatus::applying;
  }
  return true;
}

Result<void> queue_plan(Run& run, TimePoint now) {
  if (run.status != RunStatus::pending) return not_now(run, "be queued for its plan");
  enter(run, RunStatus::plan_queued, now);
  run.plan.status = PhaseStatus::queued;
  run.plan.queued_at = now;
  return {};
}

Result<void> wait_for_mfa(Run& run, PhaseKind kind, TimePoint now) {
  const RunStatus queued = kind == PhaseKind::plan ? RunStatus::plan_queued : RunStatus::apply_queued;
  Phase& phase = run.phase(kind);
  if (run.status != queued || phase.status != PhaseStatus::queued) {
    return not_now(run, fmt::format("wait at the gate of its {}", to_text(kind)));
  }
  phase.status = PhaseStatus::mfa_waiting;
  run.timestamps[fmt::format("{}-mfa-waiting-at", to_text(kind))] = now;
  return {};
}

Result<void> pass_mfa(Run& run, PhaseKind kind, TimePoint now) {
  Phase& phase = run.phase(kind);
  if (phase.status != PhaseStatus::mfa_waiting) {
    return not_now(run, fmt::format("pass the gate of its {}", to_text(kind)));
  }
  phase.status = PhaseStatus::queued;
  run.timestamps[fmt::format("{}-mfa-passed-at", to_text(kind))] = now;
  return {};
}

Result<void> start_plan(Run& run, TimePoint now) {
  if (run.status != RunStatus::plan_queued || run.plan.status != PhaseStatus::queued) {
    return not_now(run, "start its plan");
  }
  enter(run, RunStatus::planning, now);
  run.plan.status = PhaseStatus::running;
  run.plan.started_at = now;
  return {};
}

Result<void> finish_plan(Run& run, const PhaseOutcome& outcome, TimePoint now) {
  if (run.status != RunStatus::planning) return not_now(run, "finish its plan");
  take_outcome(run.plan, outcome, now);
  if (ended_badly(run, outcome, now)) return {};
  const bool worth_applying = outcome.has_changes || run.allow_empty_apply;
  if (run.plan_only || !worth_applying) {
    end_run(run, RunStatus::planned_and_finished, now);
    run.apply.status = PhaseStatus::unreachable;
    return {};
  }
  enter(run, RunStatus::planned, now);
  // A cancel that came while the plan was ending must not turn into an apply.
  if (run.cancel_requested_at) {
    end_run(run, RunStatus::canceled, now);
  } else if (run.save_plan) {
    enter(run, RunStatus::planned_and_saved, now);
  } else if (run.auto_apply) {
    enter(run, RunStatus::confirmed, now);
  }
  return {};
}

Result<void> confirm(Run& run, std::string user_id, std::string comment, TimePoint now) {
  if (!is_confirmable(run)) return not_now(run, "be applied");
  enter(run, RunStatus::confirmed, now);
  run.confirmed_by = std::move(user_id);
  run.comment = std::move(comment);
  return {};
}

Result<void> queue_apply(Run& run, TimePoint now) {
  if (run.status != RunStatus::confirmed) return not_now(run, "be queued for its apply");
  enter(run, RunStatus::apply_queued, now);
  run.apply.status = PhaseStatus::queued;
  run.apply.queued_at = now;
  return {};
}

Result<void> start_apply(Run& run, TimePoint now) {
  if (run.status != RunStatus::apply_queued || run.apply.status != PhaseStatus::queued) {
    return not_now(run, "start its apply");
  }
  enter(run, RunStatus::applying, now);
  run.apply.status = PhaseStatus::running;
  run.apply.started_at = now;
  return {};
}

Result<void> finish_apply(Run& run, const PhaseOutcome& outcome, TimePoint now) {
  if (run.status != RunStatus::applying) return not_now(run, "finish its apply");
  take_outcome(run.apply, outcome, now);
  if (ended_badly(run, outcome, now)) return {};
  // What was applied was applied, also if a cancel came too late.
  enter(run, RunStatus::applied, now);
  return {};
}

Result<void> discard(Run& run, std::string comment, TimePoint now) {
  if (!is_discardable(run)) return not_now(run, "be discarded");
  run.comment = std::move(comment);
  end_run(run, RunStatus::discarded, now);
  return {};
}

Result<void> request_cancel(Run& run, std::string user_id, std::string comment, TimePoint now) {
  if (!is_cancelable(run)) return not_now(run, "be canceled");
  run.cancel_requested_at = now;
  run.canceled_by = std::move(user_id);
  run.comment = std::move(comment);
  if (!has_process(run)) end_run(run, RunStatus::canceled, now);
  return {};
}

Result<void> request_force_cancel(Run& run, std::string comment, TimePoint now) {
  if (!is_force_cancelable(run, now)) return not_now(run, "be canceled by force");
  run.force_cancel_requested = true;
  run.comment = std::move(comment);
  return {};
}

Result<void> finish_forced_cancel(Run& run, TimePoint now) {
  if (!has_process(run) || !run.force_cancel_requested) return not_now(run, "end by force");
  end_run(run, RunStatus::force_canceled, now);
  return {};
}

Result<void> fail_run(Run& run, std::string reason, std::string sentence, TimePoint now) {
  if (is_final(run.status)) return not_now(run, "fail");
  run.reason = std::move(reason);
  run.detail = std::move(sentence);
  end_run(run, RunStatus::errored, now);
  return {};
}

}  // namespace tollgate::domain
