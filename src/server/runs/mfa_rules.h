// The gate's rules that need no store and no network: what a gate is bound to and its id, whose identity and device a
// person's code is checked with, how many codes may be tried. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "server/domain/aws_mfa.h"
#include "server/domain/run.h"

namespace tollgate::runs {

// "gate-" and 16 letters and digits that follow from everything the gate is bound to: a gate whose plan, configuration,
// variables, terraform or lock file is another one has another id.
std::string gate_id(const domain::GateBinding& binding);
domain::GateBinding gate_binding(const domain::Run& run, domain::PhaseKind phase, const Secret& frozen_inputs);

// Codes of AWS's devices change with these steps (RFC 6238).
inline constexpr std::chrono::seconds kCodeStep{30};
// A code is refused here this long after it was sent: longer than AWS takes any code.
inline constexpr std::chrono::seconds kCodeMemory{120};
std::chrono::seconds next_code_in(TimePoint now);
// Six digits.
bool is_code(std::string_view text);

// 111122223333 of arn:aws:iam::111122223333:mfa/ana; empty for the serial of a hardware token.
std::string account_of_arn(std::string_view arn);

inline constexpr std::int64_t kRefusalsOfARun = 5;
inline constexpr std::size_t kRefusalsBeforeBackOff = 3;
inline constexpr std::size_t kRefusalsOfADevice = 10;
inline constexpr std::chrono::hours kAttemptWindow{1};
// How long this person has to wait for the next try with this device: zero, the back-off after three refusals in a row
// (one minute, doubled each time, at most 15), or until the device has less than ten refusals within an hour.
// `attempts` are the device's within the window, oldest first.
struct Wait {
  std::chrono::seconds seconds{0};
  bool device = false;  // it is the device's limit and not the person's
};
Wait wait_before_next_try(const std::vector<domain::MfaAttempt>& attempts, std::string_view user_id, TimePoint now);

// What there is to choose from, of one person in one organization.
struct IdentityOptions {
  domain::IdentityPolicy policy = domain::IdentityPolicy::personal_then_organization;
  std::optional<domain::AwsIdentity> personal;
  std::optional<domain::AwsIdentity> organization;
  std::optional<domain::IdentityDevice> device;  // the person's own, for the organization's identity
};
struct ChosenIdentity {
  domain::AwsIdentity identity;
  std::string serial;
};
// Errors: Code::forbidden with a sentence that says what to do, reason "no_identity", "no_device", "not_the_creator".
Result<ChosenIdentity> choose_identity(const IdentityOptions& options, const domain::Run& run, domain::PhaseKind phase,
                                       std::string_view user_id);

}  // namespace tollgate::runs
