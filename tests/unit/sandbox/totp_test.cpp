#include "sandbox/totp.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "common/base/encoding.h"
#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
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
  test::CountingRandom random;
  for (int i = 0; i < 10; ++i) {
    const std::string seed = random.bytes(i % 2 == 0 ? 20 : 64);
    const std::int64_t time = 1700000000 + i * 12345677;
    EXPECT_EQ(totp(Secret(seed), from_unix_seconds(time)), oathtool(base32_encode(seed), time)) << i;
  }
}

class OneTimeCode : public ::testing::Test {
 protected:
  test::SandboxWorld sandbox_;
  const MfaDevice& device_ = *sandbox_.world.devices.find(test::kAnaSerial);
  std::string code_at(int steps) const {
    return totp(device_.seed, sandbox_.clock.now() + std::chrono::seconds(kTotpPeriod * steps));
  }
  bool accept(const std::string& code) { return accept_code(sandbox_.world, device_, code, sandbox_.clock.now()); }
};

TEST_F(OneTimeCode, CountsOnlyOnce) {
  EXPECT_TRUE(accept(code_at(0)));
  EXPECT_FALSE(accept(code_at(0)));
  sandbox_.clock.advance(std::chrono::seconds(kTotpPeriod));
  EXPECT_FALSE(accept(code_at(-1)));
  EXPECT_TRUE(accept(code_at(0)));
}

TEST_F(OneTimeCode, NeighbouringStepsCountAndFartherOnesDoNot) {
  EXPECT_FALSE(accept(code_at(-2)));
  EXPECT_FALSE(accept(code_at(2)));
  EXPECT_TRUE(accept(code_at(1)));
  EXPECT_TRUE(accept(code_at(-1)));
  EXPECT_TRUE(accept(code_at(0)));
}

TEST_F(OneTimeCode, AUsedFutureStepStaysUsedWhenItsTimeComes) {
  EXPECT_TRUE(accept(code_at(1)));
  sandbox_.clock.advance(std::chrono::seconds(kTotpPeriod));
  EXPECT_FALSE(accept(code_at(0)));
}

TEST_F(OneTimeCode, BelongsToItsDevice) {
  const MfaDevice& bobs = *sandbox_.world.devices.find(test::kBobSerial);
  EXPECT_FALSE(accept_code(sandbox_.world, bobs, code_at(0), sandbox_.clock.now()));
  EXPECT_TRUE(accept(code_at(0)));
}

TEST_F(OneTimeCode, UseIsAChangeThatTheJournalSees) {
  EXPECT_TRUE(accept(code_at(0)));
  EXPECT_EQ(sandbox_.world.used_steps.take_changed().count(test::kAnaSerial), 1U);
}

}  // namespace
}  // namespace tollgate::sandbox
