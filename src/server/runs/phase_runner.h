// How a phase gets a process and what is seen of it: the seam between the server's bookkeeping and the runner. What
// lies behind it outlives this process: a phase goes on while the server restarts, its output and its states stay
// readable until wipe(). Threads: a PhaseRunner may be used by several threads; an ActivePhase belongs to one, but for
// interrupt(), kill() and wake().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "common/base/error.h"
#include "server/domain/run.h"
#include "server/runs/frozen_inputs.h"

namespace tollgate::runs {

// How the runner assumes the role of a phase again, where the role's session ends before the phase may.
struct RoleAgain {
  aws::Credentials session;  // that assumes it
  std::string role_arn;
  std::string external_id;
  std::string session_name;
  std::chrono::seconds duration{};
};

// What a phase runs with.
struct AwsAccess {
  aws::Credentials credentials;
  std::string region;
  std::optional<RoleAgain> renewal;
};

struct PhaseSpec {
  std::string phase_id;
  domain::PhaseKind phase = domain::PhaseKind::plan;
  const domain::Run* run = nullptr;
  const std::vector<FrozenVariable>* variables = nullptr;
  std::optional<AwsAccess> aws;      // its credentials, over all variables
  std::string configuration;         // the uploaded archive
  std::optional<std::string> state;  // none: the workspace has no state yet
  std::string plan;                  // the saved plan, of an apply
  std::chrono::seconds limit{};
};

// How a phase ended, after its processes were gone.
struct PhaseReport {
  domain::PhaseOutcome outcome;
  std::string plan;           // of a finished plan: what terraform wrote with -out
  std::string plan_json;      // the same by `terraform show -json`
  std::string plan_redacted;  // json-output-redacted
};

class ActivePhase {
 public:
  virtual ~ActivePhase() = default;  // lets go of the phase; does not end it
  // Blocks until there is more output, a state or a report that was not there before, or wake() was called since
  // the last time.
  virtual void wait() = 0;
  virtual void wake() = 0;
  // From an offset of the output on; empty where nothing is there yet.
  virtual std::string read_output(std::uint64_t offset, std::size_t limit) = 0;
  // The states terraform wrote, in order, each once for this object and all of them again for a new one.
  virtual std::optional<std::string> next_state() = 0;
  // Set once the processes are gone and nothing grows any more. A runner that died without a result is errored,
  // reason "runner_lost".
  virtual std::optional<PhaseReport> report() = 0;
  virtual void interrupt() = 0;  // one SIGINT, however often it is called
  virtual void kill() = 0;
};

class PhaseRunner {
 public:
  virtual ~PhaseRunner() = default;
  // Prepares the files of the phase and starts it.
  virtual Result<std::unique_ptr<ActivePhase>> start(const PhaseSpec& spec) = 0;
  // A phase that an earlier process started; nullptr where there is no trace of it.
  virtual std::unique_ptr<ActivePhase> attach(const std::string& phase_id) = 0;
  // Removes all files of the phase, secrets first. Nothing happens where there are none.
  virtual void wipe(const std::string& phase_id) = 0;
  // The phases whose files are there.
  virtual std::vector<std::string> present() = 0;
};

}  // namespace tollgate::runs
