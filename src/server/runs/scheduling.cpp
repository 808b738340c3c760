#include "server/runs/scheduling.h"

#include <algorithm>

namespace tollgate::runs {

namespace {

using domain::PhaseKind;
using domain::PhaseStatus;
using domain::Run;
using domain::RunStatus;

// The phase that waits or runs now, if one does.
std::optional<PhaseKind> phase_at_hand(const Run& run) {
  switch (run.status) {
    case RunStatus::plan_queued:
    case RunStatus::planning:
      return PhaseKind::plan;
    case RunStatus::apply_queued:
    case RunStatus::applying:
      return PhaseKind::apply;
    default:
      return std::nullopt;
  }
}

bool running(const Run& run) {
  return run.status == RunStatus::planning || run.status == RunStatus::applying;
}

bool beside_the_queue(const Run& run) {
  return run.plan_only || run.save_plan;
}

class Round {
 public:
  Round(const Snapshot& snapshot, TimePoint now) : snapshot_(snapshot), now_(now) {}

  Decisions take() {
    for (const Run& run : snapshot_.runs) {
      look_at(run);
    }
    start_what_fits();
    return std::move(decisions_);
  }

 private:
  struct Candidate {
    int rank = 0;  // 0 apply, 1 plan, 2 speculative plan
    TimePoint since{};
    const Run* run = nullptr;
    PhaseKind phase = PhaseKind::plan;
  };

  void add(Decision::Kind kind, const Run& run, PhaseKind phase = PhaseKind::plan) {
    decisions_.now.push_back({kind, run.id, phase});
  }
  // True when `moment` has come; else the round after this one looks again then.
  bool due(TimePoint moment) {
    if (moment <= now_) return true;
    if (!decisions_.look_again || moment < *decisions_.look_again) decisions_.look_again = moment;
    return false;
  }

  void look_at(const Run& run) {
    const auto workspace = snapshot_.workspaces.find(run.workspace_id);
    const auto organization = snapshot_.organizations.find(run.organization_id);
    if (workspace == snapshot_.workspaces.end() || organization == snapshot_.organizations.end()) return;
    if (run.status == RunStatus::pending) {
      leave_queue(run, workspace->second);
    } else if (run.status == RunStatus::confirmed) {
      add(Decision::Kind::queue_apply, run, PhaseKind::apply);
    } else if (run.status == RunStatus::planned_and_saved) {
      const auto base = snapshot_.saved_plan_bases.find(run.id);
      if (base != snapshot_.saved_plan_bases.end() && base->second != workspace->second.current_state_version_id) {
        add(Decision::Kind::discard_stale, run);
      }
    } else if (const auto phase = phase_at_hand(run)) {
      if (running(run)) {
        watch(run, *phase, organization->second);
      } else {
        wait_or_compete(run, *phase, organization->second, workspace->second);
      }
    }
  }

  void leave_queue(const Run& run, const domain::Workspace& workspace) {
    if (beside_the_queue(run)) {
      add(Decision::Kind::queue_plan, run);
      return;
    }
    // Oldest first, so the first pending one seen of each workspace is its head.
    if (!heads_.insert(workspace.id).second) return;
    const bool occupied = std::any_of(snapshot_.runs.begin(), snapshot_.runs.end(), [&](const Run& other) {
      return other.workspace_id == workspace.id && domain::occupies_workspace(other);
    });
    if (occupied) return;
    if (!workspace.lock.held()) {
      add(Decision::Kind::queue_plan, run);
    } else if (workspace.current_run_id != run.id) {
      add(Decision::Kind::make_current, run);
    }
  }

  void watch(const Run& run, PhaseKind phase, const domain::Organization& organization) {
    ++busy_;
    ++busy_of_[run.organization_id];
    if (!snapshot_.active.contains(run.id)) return;  // its end is being taken in, or recovery has it
    const auto limit = phase == PhaseKind::plan ? organization.plan_limit : organization.apply_limit;
    if (run.force_cancel_requested) {
      add(Decision::Kind::kill_phase, run, phase);
    } else if (run.cancel_requested_at) {
      add(Decision::Kind::stop_phase, run, phase);
    }
    const auto& started = run.phase(phase).started_at;
    if (started && due(*started + limit)) add(Decision::Kind::end_phase, run, phase);
  }

  void wait_or_compete(const Run& run, PhaseKind phase, const domain::Organization& organization,
                       const domain::Workspace& workspace) {
    if (run.phase(phase).status == PhaseStatus::mfa_waiting) {
      const auto deadline = gate_deadline(run, phase, organization);
      if (deadline && due(*deadline)) add(Decision::Kind::expire_gate, run, phase);
      return;
    }
    if (run.phase(phase).status != PhaseStatus::queued) return;
    if (domain::gated(level_in_force(run, organization, workspace), phase) && !gate_passed(run, phase)) {
      add(Decision::Kind::open_gate, run, phase);
      return;
    }
    // The end of its last phase is still being taken in; the end of that wakes the scheduler.
    if (snapshot_.active.contains(run.id)) return;
    Candidate candidate;
    candidate.rank = phase == PhaseKind::apply ? 0 : run.plan_only ? 2 : 1;
    candidate.since = run.phase(phase).queued_at.value_or(run.created_at);
    candidate.run = &run;
    candidate.phase = phase;
    candidates_.push_back(candidate);
  }

  bool goes_before(const Candidate& a, const Candidate& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    const std::size_t busy_a = busy_of_[a.run->organization_id];
    const std::size_t busy_b = busy_of_[b.run->organization_id];
    if (busy_a != busy_b) return busy_a < busy_b;
    if (a.since != b.since) return a.since < b.since;
    return a.run->sequence < b.run->sequence;
  }

  void start_what_fits() {
    while (busy_ < snapshot_.concurrency && !candidates_.empty()) {
      auto next = candidates_.begin();
      for (auto at = std::next(next); at != candidates_.end(); ++at) {
        if (goes_before(*at, *next)) next = at;
      }
      add(Decision::Kind::start_phase, *next->run, next->phase);
      ++busy_;
      ++busy_of_[next->run->organization_id];
      candidates_.erase(next);
    }
  }

  const Snapshot& snapshot_;
  TimePoint now_;
  Decisions decisions_;
  std::set<std::string> heads_;
  std::vector<Candidate> candidates_;
  std::size_t busy_ = 0;
  std::map<std::string, std::size_t> busy_of_;
};

}  // namespace

std::string_view to_text(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::make_current:
      return "make_current";
    case Decision::Kind::queue_plan:
      return "queue_plan";
    case Decision::Kind::queue_apply:
      return "queue_apply";
    case Decision::Kind::open_gate:
      return "open_gate";
    case Decision::Kind::start_phase:
      return "start_phase";
    case Decision::Kind::stop_phase:
      return "stop_phase";
    case Decision::Kind::kill_phase:
      return "kill_phase";
    case Decision::Kind::end_phase:
      return "end_phase";
    case Decision::Kind::expire_gate:
      return "expire_gate";
    case Decision::Kind::discard_stale:
      return "discard_stale";
  }
  return "";
}

Decisions decide(const Snapshot& snapshot, TimePoint now) {
  return Round(snapshot, now).take();
}

domain::MfaLevel level_in_force(const domain::Run& run, const domain::Organization& organization,
                                const domain::Workspace& workspace) {
  return domain::stricter(domain::stricter(organization.aws_mfa, workspace.aws_mfa), run.aws_mfa_at_creation);
}

bool gate_passed(const domain::Run& run, domain::PhaseKind phase) {
  return run.timestamps.contains(fmt::format("{}-mfa-passed-at", domain::to_text(phase)));
}

std::optional<TimePoint> gate_deadline(const domain::Run& run, domain::PhaseKind phase,
                                       const domain::Organization& organization) {
  const auto since = run.timestamps.find(fmt::format("{}-mfa-waiting-at", domain::to_text(phase)));
  if (since == run.timestamps.end()) return std::nullopt;
  return since->second +
         (phase == PhaseKind::plan ? organization.plan_gate_deadline : organization.apply_gate_deadline);
}

}  // namespace tollgate::runs
