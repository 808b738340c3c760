// What a phase that starts gets of AWS: the session that its gate was passed with, or what the ladder of a plan without
// a gate gives (applies-only): the owners' read-only role, else a session of the organization's key without MFA, else,
// where owners chose it, that key itself. Nothing where the level is `never`. Asked after the start was committed,
// because it asks AWS. Threads: all methods at once; obtain() waits for AWS.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/secret.h"
#include "server/domain/store.h"
#include "server/runs/start_phase.h"
#include "server/runs/sts.h"

namespace tollgate::runs {

struct PhaseEnvironment {
  std::vector<std::pair<std::string, Secret>> variables;
  std::vector<std::string> notices;  // for the log, above terraform's first byte
  std::optional<TimePoint> expires_at;
};

class PhaseCredentials {
 public:
  virtual ~PhaseCredentials() = default;
  // Errors end the run with their reason: "session_lost", "plan_credentials".
  virtual Result<PhaseEnvironment> obtain(const StartedPhase& started) = 0;
};

class MfaCredentials final : public PhaseCredentials {
 public:
  // Both outlive it.
  MfaCredentials(domain::Store& store, Sts& sts) : store_(store), sts_(sts) {}
  Result<PhaseEnvironment> obtain(const StartedPhase& started) override;

 private:
  Result<PhaseEnvironment> ladder(const StartedPhase& started);
  domain::Store& store_;
  Sts& sts_;
};

}  // namespace tollgate::runs
