// One-time codes of counters and of time (RFC 4226, and RFC 6238 with HMAC-SHA-1, 30 s, six digits: what AWS accepts
// and authenticator apps show). Not the memory of which were used: who accepts a code keeps that. Pure functions, any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"
#include "common/base/time.h"

namespace tollgate::crypto {

inline constexpr std::int64_t kTotpPeriod = 30;  // seconds

// RFC 4226: the code of a counter. `seed` is raw bytes.
std::string hotp(std::string_view seed, std::uint64_t counter, unsigned digits = 6);

std::int64_t totp_step(TimePoint time);
std::string totp(const Secret& seed, TimePoint time);

// The step whose code this is, among that of `now` and its two neighbours, and none up to `used`: where a code was
// accepted, neither it nor an earlier one is accepted again. Its time says nothing about which digits were right.
std::optional<std::int64_t> matching_totp_step(const Secret& seed, std::string_view code, TimePoint now,
                                               std::int64_t used);

// What authenticator apps read from a QR code: "otpauth://totp/ISSUER:ACCOUNT?secret=...". `base32_seed` as
// base32_encode writes it.
Secret otpauth_uri(std::string_view issuer, std::string_view account, const Secret& base32_seed);

}  // namespace tollgate::crypto
