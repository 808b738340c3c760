#include "sandbox/totp.h"

#include <algorithm>

#include "common/crypto/hash.h"

namespace tollgate::sandbox {
namespace {

// Steps that can still be in the accepted window are few; more are kept because a clock fault may set time back.
constexpr std::size_t kRememberedSteps = 256;

}  // namespace

std::string hotp(std::string_view seed, std::uint64_t counter, unsigned digits) {
  std::string message(8, '\0');
  for (int i = 7; i >= 0; --i) {
    message[static_cast<std::size_t>(i)] = static_cast<char>(counter & 0xff);
    counter >>= 8;
  }
  const std::string mac = crypto::hmac_sha1(seed, message);
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

std::optional<std::int64_t> matching_step(const World& world, const MfaDevice& device, std::string_view code,
                                          TimePoint now) {
  const UsedSteps* used = world.used_steps.find(device.serial);
  const std::int64_t current = totp_step(now);
  for (const std::int64_t step : {current, current - 1, current + 1}) {
    if (step < 0 || hotp(device.seed.reveal(), static_cast<std::uint64_t>(step)) != code) continue;
    if (used != nullptr && std::find(used->steps.begin(), used->steps.end(), step) != used->steps.end()) continue;
    return step;
  }
  return std::nullopt;
}

bool accept_code(World& world, const MfaDevice& device, std::string_view code, TimePoint now) {
  const auto step = matching_step(world, device, code, now);
  if (!step) return false;
  use_step(world, device.serial, *step);
  return true;
}

void use_step(World& world, const std::string& serial, std::int64_t step) {
  const UsedSteps* before = world.used_steps.find(serial);
  UsedSteps used = before != nullptr ? *before : UsedSteps{serial, {}};
  used.steps.push_back(step);
  if (used.steps.size() > kRememberedSteps) used.steps.erase(used.steps.begin());
  world.used_steps.put(std::move(used));
}

}  // namespace tollgate::sandbox
