// How long sessions may live: AWS's limits applied to what was asked for, each cap with a sentence that names it. Pure
// functions. Source of the limits: the STS API reference (GetSessionToken, AssumeRole: DurationSeconds) and the IAM
// User Guide (role chaining).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/profile_chain.h"
#include "broker/deliver/role_limits.h"

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

// What to ask for where a role refused a session as longer than its MaxSessionDuration, which AWS does not tell: the
// next of 8, 4, 2 and 1 h, the choices that the IAM console offers for it. An hour no role refuses.
std::chrono::seconds next_shorter(std::chrono::seconds refused);
// What is remembered of that, for who asks about it ahead.
std::string role_limit_remark(std::string_view role_arn, const RoleLimit& limit);
std::string role_limit_notice(std::string_view role_arn, std::chrono::seconds wanted, std::chrono::seconds used);

}  // namespace tollgate::deliver
