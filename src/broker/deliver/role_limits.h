// What AWS has shown of a role's MaxSessionDuration. It tells it to nobody who may only assume the role: all that is to
// be had is which sessions it refused. Kept in the session cache, so that a run asks at once for what it can get. Not a
// session: losing an entry costs a refused call.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "broker/vault/session_cache.h"

namespace tollgate::deliver {

struct RoleLimit {
  std::chrono::seconds refused;  // as too long
  std::chrono::seconds instead;  // to ask for where as much or more is wanted
};

// The kind of such cache entries.
inline constexpr std::string_view kRoleLimitKind = "role limit";
// Owners raise limits: after so long the role is asked again.
inline constexpr Duration kRoleLimitLife = std::chrono::hours(7 * 24);

std::optional<RoleLimit> known_role_limit(const vault::SessionCache& cache, std::string_view realm,
                                          std::string_view role_arn, TimePoint now);
// The same of whichever realm: to tell people, not to decide by.
std::optional<RoleLimit> known_role_limit(const vault::SessionCache& cache, std::string_view role_arn, TimePoint now);
Result<void> keep_role_limit(const vault::SessionCache& cache, std::string_view realm, std::string_view role_arn,
                             std::string_view profile, const RoleLimit& limit, TimePoint now);

}  // namespace tollgate::deliver
