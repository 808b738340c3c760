// The only way a phase gets to have a process: one function, called in the transaction that commits "planning" or
// "applying". Invariants I1 (the gate) and I6 (one writer) are checked here, against what is stored now, whatever the
// caller believes.
#pragma once

#include <string>
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
};

// Errors (nothing was written): Code::conflict with reason "run_status" where it is not this phase's turn any more;
// with "gate_not_passed", "workspace_lost", "plan_stale", "inputs_lost" where it can never be.
Result<StartedPhase> start_phase(domain::Tables& tables, const PhaseProof& proof, std::string_view run_id,
                                 domain::PhaseKind phase, RandomSource& random, TimePoint now);

}  // namespace tollgate::runs
