#include "sandbox/totp.h"

#include <algorithm>

namespace tollgate::sandbox {
namespace {

// Steps that can still be in the accepted window are few; more are kept because a clock fault may set time back.
constexpr std::size_t kRememberedSteps = 256;

}  // namespace

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
