// What stands between a queued phase and its process (I1): a Gate says in the transaction that would start the phase
// whether it may, and start_phase (start_phase.h) takes nothing but a proof that a Gate made. Threads: called inside
// write transactions, which are serialised.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/base/time.h"
#include "server/domain/mfa_level.h"
#include "server/domain/run.h"
#include "server/domain/store.h"

namespace tollgate::runs {

class Gate;

// Says that this phase of this run may start. Only a Gate makes one; used once.
class PhaseProof {
 public:
  enum class Kind {
    no_gate_needed,  // the level in force does not guard this phase; start_phase verifies that
    mfa_passed,      // a committed record says that STS accepted a code for it
  };
  PhaseProof(PhaseProof&&) = default;
  PhaseProof& operator=(PhaseProof&&) = default;

  Kind kind() const { return kind_; }
  const std::string& run_id() const { return run_id_; }
  domain::PhaseKind phase() const { return phase_; }
  const std::string& record_id() const { return record_id_; }  // of kind mfa_passed

 private:
  friend class Gate;
  PhaseProof(Kind kind, std::string run_id, domain::PhaseKind phase, std::string record_id)
      : kind_(kind), run_id_(std::move(run_id)), phase_(phase), record_id_(std::move(record_id)) {}
  Kind kind_;
  std::string run_id_;
  domain::PhaseKind phase_;
  std::string record_id_;
};

class Gate {
 public:
  virtual ~Gate() = default;
  // The proof; nullopt where a person has to pass the gate first (the run then waits there); an error where that cannot
  // come to be, which ends the run with its reason.
  virtual Result<std::optional<PhaseProof>> check(domain::Tables& tables, const domain::Run& run,
                                                  domain::PhaseKind phase, domain::MfaLevel level, TimePoint now) = 0;
  // What the log tells whoever waits; begins "Waiting for an AWS MFA code", by which a restart knows that it was told.
  virtual std::string waiting_line(domain::Tables& tables, const domain::Run& run, domain::PhaseKind phase);

 protected:
  static PhaseProof no_gate_needed(const domain::Run& run, domain::PhaseKind phase) {
    return {PhaseProof::Kind::no_gate_needed, run.id, phase, ""};
  }
  static PhaseProof mfa_passed(const domain::Run& run, domain::PhaseKind phase, std::string record_id) {
    return {PhaseProof::Kind::mfa_passed, run.id, phase, std::move(record_id)};
  }
};

// The gate of a server without identities: what the level guards does not start.
class ClosedGate final : public Gate {
 public:
  Result<std::optional<PhaseProof>> check(domain::Tables& tables, const domain::Run& run, domain::PhaseKind phase,
                                          domain::MfaLevel level, TimePoint now) override;
};

}  // namespace tollgate::runs
