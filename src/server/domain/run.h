// A run, its plan and its apply, and the only code that may change their states: each transition is a function that
// refuses (Code::conflict) what the state does not allow. Statuses and their names are those of the Terraform
// Enterprise API. It decides nothing about queues or gates: server/runs does, and calls these. Plain values; not
// synchronised; time comes in.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "server/domain/mfa_level.h"

namespace tollgate::domain {

enum class RunStatus {
  pending,      // waits in its workspace's queue
  plan_queued,  // current (or speculative); waits for a runner or at the plan's gate
  planning,     // terraform plan runs
  planned,      // waits for a person to confirm or discard
  planned_and_saved,
  planned_and_finished,  // final: plan-only, or nothing to change
  confirmed,             // a person or auto-apply said yes; waits for its turn
  apply_queued,          // waits for a runner or at the apply's gate
  applying,              // terraform apply runs
  applied,               // final
  discarded,             // final
  canceled,              // final
  force_canceled,        // final
  errored,               // final
};
inline constexpr std::array kRunStatuses{RunStatus::pending,           RunStatus::plan_queued,
                                         RunStatus::planning,          RunStatus::planned,
                                         RunStatus::planned_and_saved, RunStatus::planned_and_finished,
                                         RunStatus::confirmed,         RunStatus::apply_queued,
                                         RunStatus::applying,          RunStatus::applied,
                                         RunStatus::discarded,         RunStatus::canceled,
                                         RunStatus::force_canceled,    RunStatus::errored};

std::string_view to_text(RunStatus status);
std::optional<RunStatus> parse_run_status(std::string_view text);
bool is_final(RunStatus status);

enum class PhaseStatus {
  pending,      // not its turn
  queued,       // waits for a runner
  mfa_waiting,  // waits at the gate
  running,
  finished,
  errored,
  canceled,
  unreachable,  // the run ended before this phase began
};
inline constexpr std::array kPhaseStatuses{PhaseStatus::pending,  PhaseStatus::queued,     PhaseStatus::mfa_waiting,
                                           PhaseStatus::running,  PhaseStatus::finished,   PhaseStatus::errored,
                                           PhaseStatus::canceled, PhaseStatus::unreachable};
std::string_view to_text(PhaseStatus status);
std::optional<PhaseStatus> parse_phase_status(std::string_view text);
bool is_final(PhaseStatus status);

struct ResourceCounts {
  std::int64_t additions = 0;
  std::int64_t changes = 0;
  std::int64_t destructions = 0;
  std::int64_t imports = 0;

  friend bool operator==(const ResourceCounts&, const ResourceCounts&) = default;
};

// A plan or an apply. Its id also names its log.
struct Phase {
  std::string id;
  PhaseStatus status = PhaseStatus::pending;
  bool has_changes = false;  // of a plan
  bool generated_configuration = false;
  ResourceCounts resources;
  std::string plan_sha256;       // of the saved plan, lower-case hex; of a finished plan
  std::string lock_file_sha256;  // of .terraform.lock.hcl as the phase left it
  std::optional<TimePoint> queued_at;
  std::optional<TimePoint> started_at;
  std::optional<TimePoint> ended_at;
};

struct RunVariable {
  std::string key;
  std::string value;  // an HCL expression

  friend bool operator==(const RunVariable&, const RunVariable&) = default;
};

// What a finished child said of its phase.
struct PhaseOutcome {
  PhaseStatus status = PhaseStatus::errored;  // finished, errored or canceled
  std::string reason;                         // machine-readable, of errored: terraform_failed, runner_lost, ...
  std::string sentence;                       // the same for people
  bool has_changes = false;
  bool generated_configuration = false;
  ResourceCounts resources;
  std::string plan_sha256;
  std::string lock_file_sha256;
};

struct Run {
  std::string id;
  std::int64_t sequence = 0;  // order of creation over all workspaces; given by the store
  std::string organization_id;
  std::string workspace_id;
  std::string configuration_version_id;
  std::string created_by;  // user id; empty for an organization token
  std::string message;
  std::string source = "tfe-api";

  RunStatus status = RunStatus::pending;
  bool is_destroy = false;
  bool refresh = true;
  bool refresh_only = false;
  bool plan_only = false;  // speculative: beside the queue, never applied
  bool save_plan = false;
  bool auto_apply = false;
  bool allow_empty_apply = false;
  bool allow_config_generation = false;
  std::vector<std::string> target_addrs;
  std::vector<std::string> replace_addrs;
  std::vector<RunVariable> variables;
  std::string terraform_version;  // exact; chosen when the run was created
  std::string working_directory;
  bool structured_output = true;
  // The level in force when it was created: lowering the organization's binds only runs created later.
  MfaLevel aws_mfa_at_creation = MfaLevel::never;

  Phase plan;
  Phase apply;

  std::string confirmed_by;  // user id
  std::string comment;       // given with confirm, discard or cancel
  std::optional<TimePoint> cancel_requested_at;
  std::string canceled_by;
  bool force_cancel_requested = false;
  std::string reason;  // of errored: machine-readable
  std::string detail;  // of errored: a sentence
  TimePoint created_at{};
  std::map<std::string, TimePoint> timestamps;  // "planning-at" and so on, as the API names them

  const Phase& phase(PhaseKind kind) const { return kind == PhaseKind::plan ? plan : apply; }
  Phase& phase(PhaseKind kind) { return kind == PhaseKind::plan ? plan : apply; }
};

// How long after a cancel a person may force it.
inline constexpr std::chrono::seconds kForceCancelAfter{10};

bool is_confirmable(const Run& run);
bool is_discardable(const Run& run);
bool is_cancelable(const Run& run);
bool is_force_cancelable(const Run& run, TimePoint now);
// Between leaving the queue and its end a run that may apply is the current one of its workspace and holds its lock. A
// saved plan holds it only once it was confirmed.
bool occupies_workspace(const Run& run);

// Transitions. All errors: Code::conflict, naming the status and what it does not allow.
Result<void> queue_plan(Run& run, TimePoint now);           // pending -> plan_queued
Result<void> wait_for_mfa(Run& run, PhaseKind, TimePoint);  // *_queued: the phase waits at its gate
Result<void> pass_mfa(Run& run, PhaseKind, TimePoint);      // the gate was passed: the phase is queued again
Result<void> start_plan(Run& run, TimePoint now);           // plan_queued -> planning
// planning -> planned, planned_and_saved, planned_and_finished, confirmed (auto-apply), errored or canceled.
Result<void> finish_plan(Run& run, const PhaseOutcome& outcome, TimePoint now);
Result<void> confirm(Run& run, std::string user_id, std::string comment, TimePoint now);  // planned(_and_saved)
Result<void> queue_apply(Run& run, TimePoint now);                                        // confirmed -> apply_queued
Result<void> start_apply(Run& run, TimePoint now);                                        // apply_queued -> applying
Result<void> finish_apply(Run& run, const PhaseOutcome& outcome, TimePoint now);  // -> applied, errored, canceled
Result<void> discard(Run& run, std::string comment, TimePoint now);
// Ends a run that has no process at once; otherwise notes the request, and the phase's end finishes it.
Result<void> request_cancel(Run& run, std::string user_id, std::string comment, TimePoint now);
// The processes are to be killed; force_canceled follows when they are gone, by finish_forced_cancel.
Result<void> request_force_cancel(Run& run, std::string comment, TimePoint now);
Result<void> finish_forced_cancel(Run& run, TimePoint now);
// Any run that is not final ends as errored, for example mfa_timeout at a gate or a lost configuration.
Result<void> fail_run(Run& run, std::string reason, std::string sentence, TimePoint now);

struct RunEvent {
  std::string id;
  std::string run_id;
  std::string action;  // "created", "queued", "confirmed", ...
  std::string description;
  std::string actor;  // user name; empty for the system
  TimePoint created_at{};
};

}  // namespace tollgate::domain
