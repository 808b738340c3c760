#include "tests/support/manual_clock.h"

namespace tollgate::test {

ManualClock::ManualClock() : ManualClock(*parse_iso8601("2026-01-02T03:04:05Z")) {}
ManualClock::ManualClock(TimePoint start) : milliseconds_(start.time_since_epoch().count()) {}
TimePoint ManualClock::now() const {
  return TimePoint(Duration(milliseconds_.load()));
}
void ManualClock::advance(Duration duration) const {
  milliseconds_ += duration.count();
}

}  // namespace tollgate::test
