#include "broker/deliver/durations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/deliver/credential_broker.h"
#include "broker/deliver/session_watch.h"
#include "tests/support/manual_clock.h"

namespace tollgate::deliver {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

aws::Chain chain(std::string_view serial, std::optional<seconds> duration = std::nullopt, int roles = 1) {
  aws::Chain result;
  result.profile = "prod";
  aws::StaticKeys keys;
  keys.credentials.access_key_id = "AKIA";
  keys.credentials.secret_access_key = Secret("s");
  result.source = keys;
  for (int i = 0; i < roles; ++i) {
    aws::AssumeRole role;
    role.role_arn = "arn:aws:iam::222222222222:role/r";
    role.mfa_serial = serial;
    role.duration = duration;
    role.place = "config:3";
    result.roles.push_back(role);
  }
  return result;
}

TEST(Durations, ARoleTakesTheCodeOnlyWhereASessionWouldCutItShort) {
  constexpr const char* kSerial = "arn:aws:iam::111111111111:mfa/ana";
  EXPECT_FALSE(role_takes_code(chain(kSerial), std::nullopt, true));
  EXPECT_FALSE(role_takes_code(chain(kSerial, hours(1)), std::nullopt, true));
  EXPECT_TRUE(role_takes_code(chain(kSerial, hours(4)), std::nullopt, true));
  EXPECT_TRUE(role_takes_code(chain(kSerial), hours(2), true));
  EXPECT_FALSE(role_takes_code(chain(kSerial, hours(4)), minutes(30), true)) << "the flag wins over the profile";
  EXPECT_TRUE(role_takes_code(chain(kSerial), std::nullopt, false)) << "--no-session";
  EXPECT_FALSE(role_takes_code(chain("", hours(4)), std::nullopt, true)) << "no MFA, no code";
  EXPECT_FALSE(role_takes_code(chain(kSerial, hours(4), 2), std::nullopt, true)) << "chained roles live an hour anyway";
}

TEST(Durations, CapsAreAppliedAndNamed) {
  struct Case {
    const char* name;
    aws::Chain chain;
    std::optional<seconds> wanted;
    seconds session;
    std::vector<std::string> says;
  };
  constexpr const char* kSerial = "arn:aws:iam::111111111111:mfa/ana";
  const Case cases[] = {
      {"all in order", chain(kSerial, hours(1)), std::nullopt, hours(12), {}},
      {"session too long", chain(kSerial), std::nullopt, hours(48), {"36h is used"}},
      {"session too short", chain(kSerial), std::nullopt, seconds(60), {"15m is used"}},
      {"role too long", chain("", hours(20)), std::nullopt, hours(12), {"12h is used"}},
      {"chained", chain(kSerial, hours(3), 2), std::nullopt, hours(12), {"role chaining", "role chaining"}},
      {"flag on a chained role", chain("", std::nullopt, 2), hours(3), hours(12), {"1h is used"}},
  };
  for (const Case& c : cases) {
    aws::Chain copy = c.chain;
    ObtainOptions options;
    options.role_duration = c.wanted;
    options.session_duration = c.session;
    const auto notices = cap_durations(copy, options, role_takes_code(copy, c.wanted, true));
    ASSERT_EQ(notices.size(), c.says.size()) << c.name;
    for (std::size_t i = 0; i < notices.size(); ++i)
      EXPECT_THAT(notices[i], HasSubstr(c.says[i])) << c.name;
  }
}

TEST(SessionWatch, AsksOncePerSessionAndNeverOverAnotherProgramsQuestion) {
  const TimePoint start = test::ManualClock().now();
  const TimePoint end = start + hours(12);
  SessionWatch watch;
  using Action = SessionWatch::Action;
  EXPECT_EQ(watch.decide(start, end, end - minutes(21), false), Action::none);
  EXPECT_EQ(watch.decide(start, end, end - minutes(20), true), Action::tell);
  EXPECT_EQ(watch.decide(start, end, end - minutes(19), true), Action::none);
  EXPECT_EQ(watch.decide(start, end, end - minutes(18), false), Action::ask);
  EXPECT_EQ(watch.decide(start, end, end - minutes(17), false), Action::none);
  EXPECT_EQ(watch.decide(start + hours(12), end + hours(12), end, false), Action::none) << "renewed";
  EXPECT_EQ(watch.decide(start, end + hours(12), end + hours(12) - minutes(1), false), Action::ask);
  EXPECT_EQ(watch.decide(start, end, end + seconds(1), false), Action::none) << "too late to be ahead";
  EXPECT_EQ(ahead_of_expiry(start, start + seconds(60)), Duration(15000));
}

}  // namespace
}  // namespace tollgate::deliver
