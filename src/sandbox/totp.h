// The single use of each one-time code of a device (common/crypto/totp.h has the codes). Pure functions; not
// synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "common/crypto/totp.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

using crypto::hotp;
using crypto::kTotpPeriod;
using crypto::totp;
using crypto::totp_step;

// The step among now-1, now, now+1 whose code this is and that the device has not used; nullopt if there is none.
std::optional<std::int64_t> matching_step(const World& world, const MfaDevice& device, std::string_view code,
                                          TimePoint now);
// The same, and the step is used up from then on.
bool accept_code(World& world, const MfaDevice& device, std::string_view code, TimePoint now);
void use_step(World& world, const std::string& serial, std::int64_t step);

}  // namespace tollgate::sandbox
