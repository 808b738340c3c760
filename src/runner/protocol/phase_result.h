// How a phase ended, as the runner says it in result.json. The absence of that file together with a free `alive` lock
// is the server's "runner_lost". Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"

namespace tollgate::runner {

enum class PhaseStatus { finished, errored, canceled };

// PhaseResult::reason of what did not finish. `runner_lost` is said by the server alone.
namespace reason {
inline constexpr std::string_view kTerraformFailed = "terraform_failed";      // it ran and answered with an error
inline constexpr std::string_view kTerraformKilled = "terraform_killed";      // it died by a signal nobody here sent
inline constexpr std::string_view kTerraformUnusable = "terraform_unusable";  // it cannot be started
inline constexpr std::string_view kConfigurationRefused = "configuration_refused";  // archive or working directory
inline constexpr std::string_view kPlanHashMismatch = "plan_hash_mismatch";
inline constexpr std::string_view kSandboxUnavailable = "sandbox_unavailable";
inline constexpr std::string_view kLimitSeconds = "limit_seconds";
inline constexpr std::string_view kLimitMemory = "limit_memory";
inline constexpr std::string_view kLimitProcesses = "limit_processes";
inline constexpr std::string_view kLimitDisk = "limit_disk";
inline constexpr std::string_view kCredentialsExpired = "credentials_expired";  // its AWS session was about to end
inline constexpr std::string_view kLogCap = "log_cap";                          // only a note: the phase itself goes on
inline constexpr std::string_view kDiskFull = "disk_full";                      // the spool could not be written
inline constexpr std::string_view kCanceled = "canceled";
inline constexpr std::string_view kForceCanceled = "force_canceled";  // killed: state may lack what was under way
inline constexpr std::string_view kInternal = "internal";
inline constexpr std::string_view kRunnerLost = "runner_lost";
}  // namespace reason

struct PhaseResult {
  PhaseStatus status = PhaseStatus::errored;
  std::string reason;           // empty for finished
  std::string sentence;         // the same for people
  std::int64_t exit_code = -1;  // of the last terraform; 128 + n for death by signal n; -1 where none was started
  bool has_changes = false;     // of a plan
  bool generated_configuration = false;
  // Of a plan: planned. Of an apply: done.
  std::int64_t additions = 0;
  std::int64_t changes = 0;
  std::int64_t destructions = 0;
  std::int64_t imports = 0;
  std::string terraform_version;
  std::string plan_sha256;                   // of plan.out or plan.in, lower-case hex
  std::string lock_file_sha256;              // of .terraform.lock.hcl as the phase left it; empty where there is none
  std::optional<std::int64_t> state_serial;  // the last one published
  std::uint64_t output_bytes = 0;
  bool output_truncated = false;  // the log cap was reached
  TimePoint started_at{};
  TimePoint ended_at{};
  std::vector<std::string> isolation;  // what was in force: "namespaces", "seccomp", ...; "none" alone if unsandboxed
  std::vector<std::string> warnings;   // what was not, for people
};

std::string_view to_text(PhaseStatus status);

std::string to_text(const PhaseResult& result);
// Code::invalid with a JSON pointer.
Result<PhaseResult> parse_phase_result(std::string_view text);

}  // namespace tollgate::runner
