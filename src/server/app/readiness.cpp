#include "server/app/readiness.h"

#include <exception>

namespace tollgate::app {
namespace {

constexpr std::chrono::seconds kWriteEvery{10};

}  // namespace

std::string Readiness::store_trouble() {
  try {
    (void)store_.read([](domain::Tables& tables) { return tables.settings().get("instance").has_value(); });
  } catch (const std::exception& broken) {
    return fmt::format("the database cannot be read: {}", broken.what());
  }
  const TimePoint now = clock_.now();
  const std::lock_guard lock(mutex_);
  // What could be written a moment ago is not tried again; what could not is.
  if (written_at_ && now >= *written_at_ && now - *written_at_ < kWriteEvery) return {};
  try {
    (void)store_.write([&](domain::Tables& tables) -> Result<void> {
      tables.settings().set("readiness.written_at", format_iso8601(now));
      return {};
    });
  } catch (const std::exception& broken) {
    written_at_.reset();
    return fmt::format("the database cannot be written: {}", broken.what());
  }
  written_at_ = now;
  return {};
}

std::vector<std::string> Readiness::reasons() {
  std::vector<std::string> reasons;
  const auto add = [&](std::string reason) {
    if (!reason.empty()) reasons.push_back(std::move(reason));
  };
  if (!sources_.terraform_installed()) add("no terraform or tofu is installed");
  add(sources_.runner_trouble());
  add(store_trouble());
  const auto free = sources_.disk_free();
  if (!free) {
    add("the free space of the data directory cannot be found");
  } else if (*free < sources_.least_disk_free) {
    add(fmt::format("the disk of the data directory has {} MiB left, less than data.least_free_mib = {}", *free >> 20,
                    sources_.least_disk_free >> 20));
  }
  const auto skew = sources_.clock_skew();
  if (skew && (*skew > kMostClockSkew || *skew < -kMostClockSkew)) {
    add(fmt::format("this machine's clock is {} s {} AWS's: set the time, or codes will be refused",
                    std::abs(std::chrono::duration_cast<std::chrono::seconds>(*skew).count()),
                    *skew > Duration(0) ? "behind" : "ahead of"));
  }
  return reasons;
}

}  // namespace tollgate::app
