#include "sandbox/totp.h"

#include <gtest/gtest.h>

#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

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
