// The rules of STS that AWS enforces and other imitations leave out: one-time codes, who may call what with which
// credentials, durations, trust. Pure functions over World and Call; the caller holds the world's lock.
//
// Implemented: GetCallerIdentity, GetSessionToken, AssumeRole, GetFederationToken. Source of the rules: AWS STS API
// Reference; IAM User Guide, "Compare AWS STS credentials" and "Secure API access with MFA".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/call.h"

namespace tollgate::sandbox {

// What temporary credentials may not call at all, whatever the policies say: GetSessionToken's credentials no STS but
// AssumeRole and GetCallerIdentity and, unless a code was given for them, no IAM; a federated user's neither.
std::optional<Answer> session_restriction(const Principal& principal, std::string_view service,
                                          std::string_view action);

// New temporary credentials with fresh keys, already in the world. `session` brings kind, owner and MFA; its lifetime
// is `duration` divided by the world's divisor.
Session issue(World& world, const Call& call, Session session, std::chrono::seconds duration);

// Checks SerialNumber and TokenCode of a call. nullopt: fine; the code, if there was one, is then used up.
std::optional<Answer> check_mfa(World& world, const Call& call);

}  // namespace tollgate::sandbox
