#include "common/base/time.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <thread>

namespace tollgate {
namespace {

using std::chrono::seconds;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Parts {
  int year;
  unsigned month;
  unsigned day;
  unsigned weekday;  // 0 = Sunday
  int hour;
  int minute;
  int second;
};

// By the calendar and not by gmtime(3), which reads the time zone file first.
Parts utc(TimePoint time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto days = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day date{days};
  const auto of_day = static_cast<int>((whole - days).count());
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          std::chrono::weekday(days).c_encoding(),
          of_day / 3600,
          of_day / 60 % 60,
          of_day % 60};
}

// Reads exactly `digits` decimal digits at `at` and moves past them.
std::optional<int> read_number(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  at += digits;
  return value;
}

bool read_char(std::string_view text, std::size_t& at, char expected) {
  if (at >= text.size() || text[at] != expected) return false;
  ++at;
  return true;
}

std::optional<TimePoint> to_time(int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(date);
  return TimePoint(days.time_since_epoch() + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second));
}

}  // namespace

TimePoint SystemClock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

void SystemClock::sleep_for(Duration duration) const {
  std::this_thread::sleep_for(duration);
}

TimePoint from_unix_seconds(std::int64_t value) {
  return TimePoint(seconds(value));
}

std::int64_t unix_seconds(TimePoint time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

std::string format_iso8601(TimePoint time) {
  const Parts t = utc(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

std::optional<TimePoint> parse_iso8601(std::string_view text) {
  std::size_t at = 0;
  const auto year = read_number(text, at, 4);
  if (!year || !read_char(text, at, '-')) return std::nullopt;
  const auto month = read_number(text, at, 2);
  if (!month || !read_char(text, at, '-')) return std::nullopt;
  const auto day = read_number(text, at, 2);
  if (!day || at >= text.size() || (text[at] != 'T' && text[at] != 't' && text[at] != ' ')) return std::nullopt;
  ++at;
  const auto hour = read_number(text, at, 2);
  if (!hour || !read_char(text, at, ':')) return std::nullopt;
  const auto minute = read_number(text, at, 2);
  if (!minute || !read_char(text, at, ':')) return std::nullopt;
  const auto second = read_number(text, at, 2);
  if (!second) return std::nullopt;
  auto time = to_time(*year, *month, *day, *hour, *minute, *second);
  if (!time) return std::nullopt;
  if (read_char(text, at, '.')) {
    int milliseconds = 0;
    int digits = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (digits < 3) milliseconds = milliseconds * 10 + (text[at] - '0');
      ++digits;
      ++at;
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 3; ++digits)
      milliseconds *= 10;
    *time += Duration(milliseconds);
  }
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) return at + 1 == text.size() ? time : std::nullopt;
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
  const int sign = text[at++] == '+' ? 1 : -1;
  const auto offset_hours = read_number(text, at, 2);
  if (!offset_hours || !read_char(text, at, ':')) return std::nullopt;
  const auto offset_minutes = read_number(text, at, 2);
  if (!offset_minutes || at != text.size() || *offset_hours > 23 || *offset_minutes > 59) return std::nullopt;
  return *time - sign * (std::chrono::hours(*offset_hours) + std::chrono::minutes(*offset_minutes));
}

std::string format_amz_date(TimePoint time) {
  const Parts t = utc(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

std::optional<TimePoint> parse_amz_date(std::string_view text) {
  std::size_t at = 0;
  const auto year = read_number(text, at, 4);
  const auto month = year ? read_number(text, at, 2) : std::nullopt;
  const auto day = month ? read_number(text, at, 2) : std::nullopt;
  if (!day || !read_char(text, at, 'T')) return std::nullopt;
  const auto hour = read_number(text, at, 2);
  const auto minute = hour ? read_number(text, at, 2) : std::nullopt;
  const auto second = minute ? read_number(text, at, 2) : std::nullopt;
  if (!second || text.substr(at) != "Z") return std::nullopt;
  return to_time(*year, *month, *day, *hour, *minute, *second);
}

std::string format_http_date(TimePoint time) {
  const Parts t = utc(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[t.weekday], t.day, kMonths[t.month - 1], t.year,
                     t.hour, t.minute, t.second);
}

std::optional<TimePoint> parse_http_date(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
  std::size_t at = 5;
  const auto day = read_number(text, at, 2);
  if (!day || !read_char(text, at, ' ')) return std::nullopt;
  int month = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text.substr(at, 3) == kMonths[i]) month = static_cast<int>(i) + 1;
  }
  at += 3;
  if (month == 0 || !read_char(text, at, ' ')) return std::nullopt;
  const auto year = read_number(text, at, 4);
  if (!year || !read_char(text, at, ' ')) return std::nullopt;
  const auto hour = read_number(text, at, 2);
  if (!hour || !read_char(text, at, ':')) return std::nullopt;
  const auto minute = read_number(text, at, 2);
  if (!minute || !read_char(text, at, ':')) return std::nullopt;
  const auto second = read_number(text, at, 2);
  if (!second) return std::nullopt;
  return to_time(*year, month, *day, *hour, *minute, *second);
}

std::optional<seconds> parse_duration(std::string_view text) {
  constexpr std::int64_t kLimit = 10LL * 365 * 24 * 3600;
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::int64_t last_unit = kLimit;
  std::size_t at = 0;
  while (at < text.size()) {
    std::int64_t value = 0;
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      value = value * 10 + (text[at++] - '0');
      if (value > kLimit) return std::nullopt;
    }
    if (at == start) return std::nullopt;
    std::int64_t unit = 1;
    if (at < text.size()) {
      const char c = text[at++];
      if (c == 'd')
        unit = 86400;
      else if (c == 'h')
        unit = 3600;
      else if (c == 'm')
        unit = 60;
      else if (c != 's')
        return std::nullopt;
    } else if (start != 0) {
      return std::nullopt;  // "1h30" leaves the reader guessing
    }
    if (unit >= last_unit) return std::nullopt;
    last_unit = unit;
    total += value * unit;
    if (total > kLimit) return std::nullopt;
  }
  return seconds(total);
}

std::string format_duration(Duration duration) {
  const auto total = std::chrono::duration_cast<seconds>(duration).count();
  if (total < 0) return "0s";
  if (total >= 86400) return fmt::format("{}d {:02}h", total / 86400, total % 86400 / 3600);
  if (total >= 3600) return fmt::format("{}h {:02}m", total / 3600, total % 3600 / 60);
  if (total >= 60) return fmt::format("{}m {:02}s", total / 60, total % 60);
  return fmt::format("{}s", total);
}

}  // namespace tollgate
