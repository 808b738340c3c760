// The PhaseRunner of a server whose runner is a program on the same host: one tollgate-runner process for each phase,
// with a spool directory of its own, by runner/protocol. The process outlives this one. Threads: as runs::PhaseRunner.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "runner/protocol/bundle.h"
#include "runner/protocol/spool.h"
#include "server/app/installed_terraform.h"
#include "server/runs/phase_runner.h"

namespace tollgate::app {

struct SpoolRunnerOptions {
  std::string program;    // tollgate-runner, absolute
  std::string directory;  // of the spools; exists, 0700
  std::vector<std::string> provider_mirrors;
  std::string plugin_cache;
  std::string schema_cache;
  runner::Network network;
  runner::StsAccess sts;                  // for roles that are assumed again
  runner::Limits limits;                  // seconds comes from the phase
  std::optional<std::int64_t> first_uid;  // each phase becomes a user of its own, from this one on; only as root
  bool unsandboxed = false;
};

// What of a bundle is the same for every phase.
runner::Bundle bundle_of(const SpoolRunnerOptions& options);

class SpoolPhaseRunner final : public runs::PhaseRunner {
 public:
  // `terraform` outlives this.
  SpoolPhaseRunner(SpoolRunnerOptions options, const InstalledTerraform& terraform)
      : options_(std::move(options)), terraform_(terraform) {}

  Result<std::unique_ptr<runs::ActivePhase>> start(const runs::PhaseSpec& spec) override;
  std::unique_ptr<runs::ActivePhase> attach(const std::string& phase_id) override;
  void wipe(const std::string& phase_id) override;
  std::vector<std::string> present() override;

 private:
  std::string path_of(const std::string& phase_id) const;
  Result<runner::Bundle> bundle_for(const runs::PhaseSpec& spec) const;
  // A user that no phase has whose files are there.
  Result<std::int64_t> take_user(const runner::Spool& spool);

  SpoolRunnerOptions options_;
  const InstalledTerraform& terraform_;
  std::mutex users_;
};

}  // namespace tollgate::app
