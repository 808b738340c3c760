#include "common/crypto/totp.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "common/base/encoding.h"
#include "common/base/random.h"

namespace tollgate::crypto {
namespace {

constexpr std::string_view kRfcSeed = "12345678901234567890";

TEST(Hotp, AgreesWithRfc4226AppendixD) {
  const std::vector<std::string> expected = {"755224", "287082", "359152", "969429", "338314",
                                             "254676", "287922", "162583", "399871", "520489"};
  for (std::size_t counter = 0; counter < expected.size(); ++counter) {
    EXPECT_EQ(hotp(kRfcSeed, counter), expected[counter]);
  }
}

TEST(Totp, AgreesWithRfc6238AppendixB) {
  const std::vector<std::pair<std::int64_t, std::string>> expected = {
      {59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
      {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& [time, code] : expected) {
    const auto step = static_cast<std::uint64_t>(totp_step(from_unix_seconds(time)));
    EXPECT_EQ(hotp(kRfcSeed, step, 8), code) << time;
    EXPECT_EQ(totp(Secret(kRfcSeed), from_unix_seconds(time)), code.substr(2)) << time;
  }
}

std::optional<std::string> oathtool(const std::string& seed, std::int64_t time) {
  const std::string command =
      fmt::format("oathtool --totp -b --now '1970-01-01 00:00:00 UTC + {} seconds' {} 2>/dev/null", time, seed);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  char text[16] = {};
  if (!pipe || std::fgets(text, sizeof(text), pipe.get()) == nullptr) return std::nullopt;
  return std::string(text, 6);
}

TEST(Totp, AgreesWithOathtool) {
  if (!oathtool("GEZDGNBVGY3TQOJQ", 0)) GTEST_SKIP() << "oathtool is not on this machine";
  SystemRandom random;
  for (int i = 0; i < 10; ++i) {
    const std::string seed = random.bytes(i % 2 == 0 ? 20 : 64);
    const std::int64_t time = 1700000000 + i * 12345677;
    EXPECT_EQ(totp(Secret(seed), from_unix_seconds(time)), oathtool(base32_encode(seed), time)) << i;
  }
}

TimePoint at_step(std::int64_t step) {
  return from_unix_seconds(step * kTotpPeriod);
}

TEST(MatchingTotpStep, IsThisOneOrANeighbour) {
  const Secret seed(kRfcSeed);
  constexpr std::int64_t kNow = 50'000'000;
  for (std::int64_t away = -3; away <= 3; ++away) {
    const auto found = matching_totp_step(seed, totp(seed, at_step(kNow + away)), at_step(kNow), -1);
    EXPECT_EQ(found, away >= -1 && away <= 1 ? std::optional(kNow + away) : std::nullopt) << away;
  }
  // The whole step long.
  EXPECT_EQ(matching_totp_step(seed, totp(seed, at_step(kNow)), at_step(kNow) + std::chrono::milliseconds(29'999), -1),
            kNow);
}

TEST(MatchingTotpStep, IsNoneThatWasUsedAndNoneBeforeIt) {
  const Secret seed(kRfcSeed);
  constexpr std::int64_t kNow = 50'000'000;
  const auto match = [&](std::int64_t step, std::int64_t used) {
    return matching_totp_step(seed, totp(seed, at_step(step)), at_step(kNow), used).has_value();
  };
  EXPECT_FALSE(match(kNow, kNow));
  EXPECT_FALSE(match(kNow - 1, kNow));
  EXPECT_TRUE(match(kNow + 1, kNow));
  EXPECT_TRUE(match(kNow, kNow - 1));
}

TEST(MatchingTotpStep, IsNoneOfWhatIsNoCode) {
  const Secret seed(kRfcSeed);
  const TimePoint now = at_step(50'000'000);
  for (const std::string& code :
       {std::string(), std::string("000000"), totp(seed, now) + "0", totp(seed, now).substr(1), std::string(1000, '1')})
    EXPECT_FALSE(matching_totp_step(seed, code, now, -1)) << code;
  EXPECT_TRUE(matching_totp_step(seed, hotp(kRfcSeed, 0), from_unix_seconds(3), -1));  // none before the first
}

TEST(OtpauthUri, IsOfTheKeyUriFormat) {
  EXPECT_EQ(otpauth_uri("tollgate", "ana@tollgate.example", Secret("GEZDGNBVGY3TQOJQ")).reveal(),
            "otpauth://totp/tollgate:ana%40tollgate.example?secret=GEZDGNBVGY3TQOJQ&issuer=tollgate&algorithm=SHA1"
            "&digits=6&period=30");
}

}  // namespace
}  // namespace tollgate::crypto
