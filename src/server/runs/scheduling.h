// What the run queues decide: which run leaves its queue, which phase starts now, what is overdue. A pure function of
// what is stored and what runs: no I/O, no state of its own, so that it can be asked again at any moment and after any
// crash. Who carries a decision out checks it again in its own transaction (scheduler.h).
//
// Rules: one current run for each workspace, oldest first, and none while a person holds the lock; speculative and
// saved plans beside the queue; applies before plans before speculative plans; the organization with the fewest running
// phases first; gates cost no runner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "server/domain/organization.h"
#include "server/domain/run.h"
#include "server/domain/workspace.h"

namespace tollgate::runs {

struct Snapshot {
  std::vector<domain::Run> runs;                        // all that are not final, oldest first
  std::map<std::string, domain::Workspace> workspaces;  // of these runs
  std::map<std::string, domain::Organization> organizations;
  std::map<std::string, std::string> saved_plan_bases;  // run -> state version that its plan started from
  std::set<std::string> active;                         // runs with a phase that this process supervises
  std::size_t concurrency = 0;                          // phases at once
};

struct Decision {
  enum class Kind {
    make_current,   // head of a queue whose workspace a person has locked: shown as what waits
    queue_plan,     // leaves its queue, and takes the workspace where it may apply
    queue_apply,    // confirmed: its apply takes its turn
    open_gate,      // the phase waits for a person's code
    start_phase,    // now
    stop_phase,     // canceled: interrupt it
    kill_phase,     // canceled by force
    end_phase,      // ran longer than the organization allows
    expire_gate,    // nobody came
    discard_stale,  // a saved plan whose state has changed since
  };
  Kind kind = Kind::make_current;
  std::string run_id;
  domain::PhaseKind phase = domain::PhaseKind::plan;

  friend bool operator==(const Decision&, const Decision&) = default;
};
std::string_view to_text(Decision::Kind kind);

struct Decisions {
  std::vector<Decision> now;            // in the order in which they are to be carried out
  std::optional<TimePoint> look_again;  // the next moment at which time alone changes something
};

Decisions decide(const Snapshot& snapshot, TimePoint now);

// The level that binds a phase which has not started: what was in force when the run was created, or what is in force
// now where that is stricter. Raising binds at once; lowering binds only later runs.
domain::MfaLevel level_in_force(const domain::Run& run, const domain::Organization& organization,
                                const domain::Workspace& workspace);
// The gate of this phase was passed (and the phase may start).
bool gate_passed(const domain::Run& run, domain::PhaseKind phase);
// When the gate was opened, and by when it must be passed.
std::optional<TimePoint> gate_deadline(const domain::Run& run, domain::PhaseKind phase,
                                       const domain::Organization& organization);

}  // namespace tollgate::runs
