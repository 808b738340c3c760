// The gate with AWS behind it. MfaGate answers whether a phase may start and opens its gate where a person has to come;
// what the person types goes through the Authenticator (mfa_authenticator.h). Here also: the questions about gates that
// both, start_phase and the API ask of what is stored. Threads: called inside transactions.
#pragma once

#include <functional>
#include <string>

#include "server/runs/gate.h"
#include "server/runs/mfa_rules.h"

namespace tollgate::runs {

class MfaGate final : public Gate {
 public:
  // `run_url` is where a person enters the code of a run.
  explicit MfaGate(std::function<std::string(domain::Tables&, const domain::Run&)> run_url)
      : run_url_(std::move(run_url)) {}

  // Errors: "mfa_not_configured" where nobody could pass; "gate_binding_changed" where the passed gate was for
  // something else.
  Result<std::optional<PhaseProof>> check(domain::Tables& tables, const domain::Run& run, domain::PhaseKind phase,
                                          domain::MfaLevel level, TimePoint now) override;
  std::string waiting_line(domain::Tables& tables, const domain::Run& run, domain::PhaseKind phase) override;

 private:
  std::function<std::string(domain::Tables&, const domain::Run&)> run_url_;
};

// What the gate of that phase is bound to as things are stored now. Error: Code::conflict, reason "inputs_lost".
Result<domain::GateBinding> current_binding(domain::Tables& tables, const domain::Run& run, domain::PhaseKind phase);
// Open to be passed now: at its head of the queue, or planned and waiting for a person's word.
bool gate_can_be_passed(const domain::Run& run, domain::PhaseKind phase);
IdentityOptions identity_options(domain::Tables& tables, std::string_view organization_id, std::string_view user_id);
// Whose identities open the gates of this organization; empty: none is known yet.
std::vector<std::string> allowed_accounts(domain::Tables& tables, std::string_view organization_id);
// A code that is at STS longer than any call takes is lost: the process that sent it has died.
bool is_checking(const domain::GateRecord& gate, TimePoint now);
// Refused codes at all gates of the run, since an owner last lifted the lock.
std::int64_t refusals_of_run(domain::Tables& tables, std::string_view run_id);
// The run is over: whatever gate is open is not any more. In the transaction that ends it.
void close_gates(domain::Tables& tables, const domain::Run& run);

}  // namespace tollgate::runs
