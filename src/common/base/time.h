// Points in time, the clock that logic receives as a parameter, and the formats that AWS and HTTP use. Formats are
// always UTC. A Clock may be shared between threads.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

using Duration = std::chrono::milliseconds;
using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  // Waits; a test's clock advances instead of sleeping.
  virtual void sleep_for(Duration duration) const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
  void sleep_for(Duration duration) const override;
};

TimePoint from_unix_seconds(std::int64_t seconds);
std::int64_t unix_seconds(TimePoint time);

// 2026-01-02T03:04:05Z
std::string format_iso8601(TimePoint time);
// RFC 3339 as AWS clients read it: Z or an offset, fractions allowed. nullopt if it is not such a text.
std::optional<TimePoint> parse_iso8601(std::string_view text);
// 20260102T030405Z, as X-Amz-Date writes it.
std::string format_amz_date(TimePoint time);
std::optional<TimePoint> parse_amz_date(std::string_view text);
// Fri, 02 Jan 2026 03:04:05 GMT (RFC 9110 5.6.7, the preferred form only).
std::string format_http_date(TimePoint time);
std::optional<TimePoint> parse_http_date(std::string_view text);

// Durations as people write them: 900, 900s, 60m, 12h, 1h30m. Whole seconds; nullopt if it is not a duration.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// 11h 59m, 4m 03s, 12s: the two largest units.
std::string format_duration(Duration duration);

}  // namespace tollgate
