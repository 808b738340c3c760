// What a phase that starts gets of AWS: the session that its gate was passed with, or what the ladder of a plan without
// a gate gives (applies-only): the owners' read-only role; else a session of the organization's key without MFA; else,
// where AWS gives none and owners allowed it, that key itself. Nothing where the level is `never`. Asked after the
// start was committed, because it asks AWS. Threads: all methods at once; obtain() waits for AWS.
#pragma once

#include <string>
#include <vector>

#include "common/base/secret.h"
#include "server/domain/store.h"
#include "server/runs/phase_runner.h"
#include "server/runs/start_phase.h"
#include "server/runs/sts.h"

namespace tollgate::runs {

struct PhaseEnvironment {
  std::optional<AwsAccess> aws;
  std::string account;               // whose resources the phase sees; of a plan without a gate
  std::vector<std::string> notices;  // for the log, above terraform's first byte
};

class PhaseCredentials {
 public:
  virtual ~PhaseCredentials() = default;
  // Errors end the run with their reason: "session_lost", "plan_credentials".
  virtual Result<PhaseEnvironment> obtain(const StartedPhase& started) = 0;
};

class MfaCredentials final : public PhaseCredentials {
 public:
  // All outlive it.
  MfaCredentials(domain::Store& store, Sts& sts, const Clock& clock) : store_(store), sts_(sts), clock_(clock) {}
  Result<PhaseEnvironment> obtain(const StartedPhase& started) override;

 private:
  Result<PhaseEnvironment> ladder(const StartedPhase& started);
  Result<void> read_only(const StartedPhase& started, const domain::PhaseRole& role,
                         const domain::AwsIdentity& identity, PhaseEnvironment& environment);
  Result<void> without_mfa(const StartedPhase& started, const domain::AwsIdentity& identity, bool raw_key_allowed,
                           PhaseEnvironment& environment);
  domain::Store& store_;
  Sts& sts_;
  const Clock& clock_;
};

}  // namespace tollgate::runs
