// A clock that moves only when told to; sleeping moves it. May be shared between threads.
#pragma once

#include <atomic>

#include "common/base/time.h"

namespace tollgate::test {

class ManualClock final : public Clock {
 public:
  // Starts at 2026-01-02T03:04:05Z.
  ManualClock();
  explicit ManualClock(TimePoint start);
  TimePoint now() const override;
  void sleep_for(Duration duration) const override { advance(duration); }
  void advance(Duration duration) const;

 private:
  mutable std::atomic<std::int64_t> milliseconds_;
};

}  // namespace tollgate::test
