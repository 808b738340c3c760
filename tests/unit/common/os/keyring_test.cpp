#include "common/os/keyring.h"

#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/random.h"
#include "tests/support/forbidden_calls.h"
#include "tests/support/forked.h"

namespace tollgate::os {
namespace {

class KeyringTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ring = Keyring::open();
    if (!ring) GTEST_SKIP() << ring.error().message;
    SystemRandom random;
    name_ = "tollgate:test:" + random_alphanumeric(random, 16);
  }
  void TearDown() override {
    if (auto ring = Keyring::open()) static_cast<void>(ring->remove(name_));
  }
  std::string name_;
};

TEST_F(KeyringTest, StoresReplacesReadsAndForgets) {
  const auto ring = Keyring::open();
  EXPECT_EQ(ring->read(name_).error().code, Code::not_found);
  ASSERT_TRUE(ring->store(name_, Secret("first"), std::chrono::seconds(60)));
  ASSERT_TRUE(ring->store(name_, Secret("second"), std::chrono::seconds(60)));
  EXPECT_EQ(ring->read(name_)->reveal(), "second");
  ASSERT_TRUE(ring->remove(name_));
  EXPECT_EQ(ring->read(name_).error().code, Code::not_found);
  EXPECT_TRUE(ring->remove(name_));
}

TEST_F(KeyringTest, ReadsMoreThanTheFirstBuffer) {
  const auto ring = Keyring::open();
  const std::string large(5000, 'x');
  ASSERT_TRUE(ring->store(name_, Secret(large), std::chrono::seconds(60)));
  EXPECT_EQ(ring->read(name_)->reveal(), large);
  EXPECT_EQ(ring->store(name_, Secret(std::string(40000, 'x')), std::chrono::seconds(60)).error().code, Code::invalid);
  EXPECT_EQ(ring->store(name_, Secret(), std::chrono::seconds(60)).error().code, Code::invalid);
}

// A key that is found but not possessed cannot be read: so it is on every terminal with a session keyring of its own.
TEST_F(KeyringTest, IsReadAcrossSessionsAndSessionKeyrings) {
  ASSERT_TRUE(Keyring::open()->store(name_, Secret("shared"), std::chrono::seconds(60)));
  for (const bool own_session_keyring : {false, true}) {
    test::Forked other([&] {
      setsid();
      if (own_session_keyring && syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) return 1;
      const auto ring = Keyring::open();
      if (!ring) return 2;
      const auto value = ring->read(name_);
      return value && value->reveal() == "shared" ? 0 : 3;
    });
    EXPECT_EQ(other.exit_code(), 0) << own_session_keyring;
  }
}

TEST_F(KeyringTest, IsNotInTheSessionKeyring) {
  ASSERT_TRUE(Keyring::open()->store(name_, Secret("x"), std::chrono::seconds(60)));
  test::Forked other([&] {
    // Searching only what a sandboxed child would inherit.
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) return 1;
    return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name_.c_str(), 0) < 0 ? 0 : 2;
  });
  EXPECT_EQ(other.exit_code(), 0);
}

// Containers forbid the calls (EPERM), some kernels lack them (ENOSYS).
TEST(KeyringWithoutKernel, IsAnErrorThatMeansDoWithout) {
  for (const int number : {EPERM, ENOSYS, EACCES}) {
    test::Forked contained([number] {
      if (!test::forbid_calls({SYS_keyctl, SYS_add_key, SYS_request_key}, number)) return 1;
      const auto ring = Keyring::open();
      return !ring && ring.error().code == Code::unavailable && ring.error().reason == "keyring_unavailable" ? 0 : 2;
    });
    EXPECT_EQ(contained.exit_code(), 0) << number;
  }
}

TEST(KeyringWithoutKernel, AFullQuotaMeansDoWithoutToo) {
  if (!Keyring::open()) GTEST_SKIP() << "there is no keyring here";
  test::Forked contained([] {
    if (!test::forbid_calls({SYS_add_key}, EDQUOT)) return 1;
    const auto ring = Keyring::open();
    const auto stored = ring->store("tollgate:test:quota", Secret("x"), std::chrono::seconds(60));
    return !stored && stored.error().code == Code::unavailable ? 0 : 2;
  });
  EXPECT_EQ(contained.exit_code(), 0);
}

}  // namespace
}  // namespace tollgate::os
