#include "common/crypto/totp.h"

#include <fmt/format.h>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::crypto {

std::string hotp(std::string_view seed, std::uint64_t counter, unsigned digits) {
  std::string message(8, '\0');
  for (int i = 7; i >= 0; --i) {
    message[static_cast<std::size_t>(i)] = static_cast<char>(counter & 0xff);
    counter >>= 8;
  }
  const std::string mac = hmac_sha1(seed, message);
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(mac[i])); };
  const std::size_t offset = byte(19) & 0xf;
  std::uint32_t number =
      (byte(offset) & 0x7f) << 24 | byte(offset + 1) << 16 | byte(offset + 2) << 8 | byte(offset + 3);
  std::uint32_t modulus = 1;
  for (unsigned i = 0; i < digits; ++i)
    modulus *= 10;
  return fmt::format("{:0{}}", number % modulus, digits);
}

std::int64_t totp_step(TimePoint time) {
  return unix_seconds(time) / kTotpPeriod;
}

std::string totp(const Secret& seed, TimePoint time) {
  return hotp(seed.reveal(), static_cast<std::uint64_t>(totp_step(time)));
}

std::optional<std::int64_t> matching_totp_step(const Secret& seed, std::string_view code, TimePoint now,
                                               std::int64_t used) {
  const std::int64_t current = totp_step(now);
  std::optional<std::int64_t> found;
  for (const std::int64_t step : {current + 1, current - 1, current}) {
    if (step < 0) continue;
    const bool same = constant_time_equal(hotp(seed.reveal(), static_cast<std::uint64_t>(step)), code);
    if (same && step > used) found = step;
  }
  return found;
}

Secret otpauth_uri(std::string_view issuer, std::string_view account, const Secret& base32_seed) {
  return Secret::take(fmt::format("otpauth://totp/{0}:{1}?secret={2}&issuer={0}&algorithm=SHA1&digits=6&period={3}",
                                  percent_encode(issuer), percent_encode(account), base32_seed.reveal(), kTotpPeriod));
}

}  // namespace tollgate::crypto
