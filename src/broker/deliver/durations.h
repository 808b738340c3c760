// How long sessions may live: AWS's limits applied to what was asked for, each cap with a sentence that names it. Pure
// functions. Source of the limits: the STS API reference (GetSessionToken, AssumeRole: DurationSeconds) and the IAM
// User Guide (role chaining).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "aws/profile_chain.h"

namespace tollgate::deliver {

struct ObtainOptions;

// True where the code goes to AssumeRole itself: one role, straight from long-term keys, that shall live longer than
// the hour which AWS allows on top of a session; or no session is wanted.
bool role_takes_code(const aws::Chain& chain, const std::optional<std::chrono::seconds>& wanted, bool use_session);

// What to send as DurationSeconds for the role at `index`; nullopt = AWS's default of one hour.
std::optional<std::chrono::seconds> effective_duration(const aws::Chain& chain,
                                                       const std::optional<std::chrono::seconds>& wanted,
                                                       std::size_t index, bool caller_is_temporary);

// Brings every duration of the request within AWS's limits and says what was changed and why.
std::vector<std::string> cap_durations(aws::Chain& chain, ObtainOptions& options, bool with_code);

}  // namespace tollgate::deliver
