// What the store alone can say of a code that was typed for a gate: whether the gate is there and open, whose identity
// and device it would be, whether it is too soon or too late. Nothing of it asks AWS, and nothing is changed.
// Internal to the authenticator, which asks twice. Threads: that of the transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/store.h"
#include "server/runs/mfa_authenticator.h"
#include "server/runs/mfa_rules.h"

namespace tollgate::runs {

struct PreparedAttempt {
  domain::Run run;
  domain::Organization organization;
  ChosenIdentity chosen;
  domain::GateBinding binding;
  std::optional<domain::GateRecord> gate;
  std::vector<std::string> accounts;                     // that open the gate
  std::optional<domain::AwsIdentity> account_authority;  // whose account is the list, and is not known yet
  domain::PhaseRole role;
  std::string plan_account;  // the account of the plan's session, where this one has to be of the same
  std::int64_t refusals = 0;
};

// `tables` of the transaction in which it is to hold.
tl::expected<PreparedAttempt, AuthenticateAnswer> prepare_attempt(domain::Tables& tables,
                                                                  const AuthenticateRequest& request,
                                                                  const domain::Actor& actor, TimePoint now);

tl::unexpected<AuthenticateAnswer> refuse_attempt(AuthenticateStatus status, Error error);
// 409.
tl::unexpected<AuthenticateAnswer> no_gate(std::string_view reason, std::string why);
Error gate_error(Code code, std::string_view reason, std::string text, std::string next = "");

}  // namespace tollgate::runs
