#include "server/runs/gate.h"

namespace tollgate::runs {

std::string Gate::waiting_line(domain::Tables&, const domain::Run& run, domain::PhaseKind phase) {
  return fmt::format("Waiting for an AWS MFA code for the {} of run {}.", domain::to_text(phase), run.id);
}

Result<std::optional<PhaseProof>> ClosedGate::check(domain::Tables&, const domain::Run& run, domain::PhaseKind phase,
                                                    domain::MfaLevel level, TimePoint) {
  if (domain::gated(level, phase)) {
    return fail(Error(Code::conflict, fmt::format("the {} waits for a one-time code (AWS MFA: {}), and no identity is "
                                                  "set up that a code could be checked with",
                                                  domain::to_text(phase), domain::to_text(level)))
                    .because("mfa_not_configured")
                    .do_next("an owner of the organization sets up an AWS identity with an MFA device"));
  }
  return std::optional(no_gate_needed(run, phase));
}

}  // namespace tollgate::runs
