// The only way a phase gets to have a process: one function, called in the transaction that commits "planning" or
// "applying". Invariants I1 (the gate) and I6 (one writer) are checked here, against what is stored now, whatever the
// caller believes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "server/domain/store.h"
#include "server/runs/frozen_inputs.h"
#include "server/runs/gate.h"

namespace tollgate::runs {

// What was committed, and what the process is to be given.
struct StartedPhase {
  domain::Run run;
  domain::PhaseKind phase = domain::PhaseKind::plan;
  FrozenInputs inputs;
  std::vector<std::string> left_out;  // names of reserved variables that are not among them
  std::string state_version_id;       // empty: the workspace has no state
  std::chrono::seconds limit{};
  domain::MfaLevel level = domain::MfaLevel::never;  // in force at the start
  std::string authenticated_by;                      // user name; empty: no gate was passed
};

// What has to hold for a phase to start, as things are stored now: the run before its transition, and everything that
// the checks ask about.
struct StartQuestion {
  domain::Tables& tables;
  const domain::Run& run;
  domain::PhaseKind phase;
  const PhaseProof& proof;
  domain::MfaLevel level;
  const domain::Workspace& workspace;
  const Secret& inputs_text;
  const FrozenInputs& inputs;
  TimePoint now;
};
struct StartCheck {
  std::string_view name;
  Result<void> (*holds)(const StartQuestion&);
};
std::span<const StartCheck> start_checks();

// Errors (nothing was written): Code::conflict with reason "run_status" where it is not this phase's turn any more;
// with "gate_not_passed", "gate_binding_changed", "account_not_listed", "session_expired", "workspace_lost",
// "plan_stale", "inputs_lost" where it can never be. `checks` are all of them, but for tests that show what each is
// for.
Result<StartedPhase> start_phase(domain::Tables& tables, const PhaseProof& proof, std::string_view run_id,
                                 domain::PhaseKind phase, RandomSource& random, TimePoint now,
                                 std::span<const StartCheck> checks = start_checks());

}  // namespace tollgate::runs
