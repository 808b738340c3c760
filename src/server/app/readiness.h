// /readyz: whether the server can do its work now, and if not, every reason with what to do. Looks each time it is
// asked, but for the write to the database, which it tries at most every ten seconds. Threads: all at once.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "server/domain/store.h"

namespace tollgate::app {

// What it asks; tests answer themselves.
struct ReadinessSources {
  std::function<bool()> terraform_installed;
  std::function<std::string()> runner_trouble;  // a sentence; empty: none
  std::function<std::optional<std::uint64_t>()> disk_free;
  std::uint64_t least_disk_free = 0;
  std::function<std::optional<Duration>()> clock_skew;  // by the last answer of AWS
};

// AWS refuses what is 15 minutes off, and codes long before that.
inline constexpr std::chrono::seconds kMostClockSkew{60};

class Readiness {
 public:
  Readiness(domain::Store& store, const Clock& clock, ReadinessSources sources)
      : store_(store), clock_(clock), sources_(std::move(sources)) {}
  // Empty: ready.
  std::vector<std::string> reasons();

 private:
  std::string store_trouble();

  domain::Store& store_;
  const Clock& clock_;
  ReadinessSources sources_;
  std::mutex mutex_;  // of what follows
  std::optional<TimePoint> written_at_;
};

}  // namespace tollgate::app
