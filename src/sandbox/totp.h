// Time-based one-time codes (RFC 6238 with HMAC-SHA-1, 30 s, six digits: what AWS accepts and authenticator apps
// show), and the single use of each. Pure functions; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"
#include "common/base/time.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

inline constexpr std::int64_t kTotpPeriod = 30;  // seconds

// RFC 4226: the code of a counter. `seed` is raw bytes.
std::string hotp(std::string_view seed, std::uint64_t counter, unsigned digits = 6);

std::int64_t totp_step(TimePoint time);
std::string totp(const Secret& seed, TimePoint time);

// The step among now-1, now, now+1 whose code this is and that the device has not used; nullopt if there is none.
std::optional<std::int64_t> matching_step(const World& world, const MfaDevice& device, std::string_view code,
                                          TimePoint now);
// The same, and the step is used up from then on.
bool accept_code(World& world, const MfaDevice& device, std::string_view code, TimePoint now);
void use_step(World& world, const std::string& serial, std::int64_t step);

}  // namespace tollgate::sandbox
