#include "common/base/time.h"

#include <gtest/gtest.h>

namespace tollgate {
namespace {

TEST(Time, FormatsRoundTrip) {
  const TimePoint time = from_unix_seconds(1767323045);
  EXPECT_EQ(format_iso8601(time), "2026-01-02T03:04:05Z");
  EXPECT_EQ(parse_iso8601("2026-01-02T03:04:05Z"), time);
  EXPECT_EQ(parse_iso8601("2026-01-02T08:34:05.25+05:30"), time + Duration(250));
  EXPECT_EQ(parse_amz_date(format_amz_date(time)), time);
  EXPECT_EQ(format_http_date(time), "Fri, 02 Jan 2026 03:04:05 GMT");
  EXPECT_EQ(parse_http_date(format_http_date(time)), time);
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"tomorrow", "", "2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05",
                           "2026-02-30T03:04:05Z", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05.Z"}) {
    EXPECT_FALSE(parse_iso8601(text)) << text;
  }
  EXPECT_FALSE(parse_http_date("Fri, 02 Foo 2026 03:04:05 GMT"));
  EXPECT_FALSE(parse_http_date("Friday, 02-Jan-26 03:04:05 GMT"));
}

TEST(Time, DurationsAsPeopleWriteThem) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_duration("900"), seconds(900));
  EXPECT_EQ(parse_duration("60m"), seconds(3600));
  EXPECT_EQ(parse_duration("1h30m"), seconds(5400));
  EXPECT_EQ(parse_duration("36h"), seconds(129600));
  for (const char* text : {"", "h", "1h30", "30m1h", "-5", "5 m", "99999999999999999999"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_EQ(format_duration(std::chrono::minutes(719)), "11h 59m");
  EXPECT_EQ(format_duration(std::chrono::seconds(12)), "12s");
}

}  // namespace
}  // namespace tollgate
