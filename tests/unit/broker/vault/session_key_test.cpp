#include "broker/vault/session_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <vector>

#include "common/crypto/sealed_box.h"
#include "common/os/keyring.h"
#include "tests/support/forbidden_calls.h"
#include "tests/support/forked.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::vault {
namespace {

class SessionKeyTest : public ::testing::TestWithParam<bool> {
 protected:
  SessionKeyTest() : directory_(std::move(*os::PrivateDirectory::open(outside_.path()))) {}
  void SetUp() override {
    options_.use_keyring = GetParam();
    if (GetParam() && !os::Keyring::open()) GTEST_SKIP() << "there is no keyring here";
  }
  void TearDown() override { static_cast<void>(forget_session_key(directory_)); }
  Result<SessionKey> obtain() { return obtain_session_key(directory_, random_, clock_, options_); }
  bool key_file_is_there() const { return access(outside_.file("session-key").c_str(), F_OK) == 0; }

  test::TemporaryDirectory outside_;
  os::PrivateDirectory directory_;
  SystemRandom random_;
  SystemClock clock_;
  SessionKeyOptions options_;
};

TEST_P(SessionKeyTest, IsMadeOnceAndFoundAgain) {
  const auto first = obtain();
  ASSERT_TRUE(first) << first.error().message;
  const auto second = obtain();
  ASSERT_TRUE(second);
  EXPECT_EQ(first->key.size(), crypto::kSealKeyBytes);
  EXPECT_TRUE(first->key == second->key);
  EXPECT_EQ(first->place, GetParam() ? SessionKey::Place::keyring : SessionKey::Place::file);
  EXPECT_EQ(first->notice.empty(), GetParam()) << "said when a key file is made";
  EXPECT_TRUE(second->notice.empty()) << "and once";
  EXPECT_EQ(key_file_is_there(), !GetParam()) << "with a keyring nothing is on disk";
}

TEST_P(SessionKeyTest, IsAnotherOneAfterItWasForgotten) {
  const auto first = obtain();
  ASSERT_TRUE(first && forget_session_key(directory_));
  const auto second = obtain();
  ASSERT_TRUE(second);
  EXPECT_FALSE(first->key == second->key);
}

TEST_P(SessionKeyTest, AnotherDirectoryHasAnotherOne) {
  test::TemporaryDirectory other_outside;
  const auto other = os::PrivateDirectory::open(other_outside.path());
  const auto first = obtain();
  const auto second = obtain_session_key(*other, random_, clock_, options_);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(first->key == second->key);
  static_cast<void>(forget_session_key(*other));
}

TEST_P(SessionKeyTest, TwoHundredProcessesAgree) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::vector<test::Forked> processes;
  for (int i = 0; i < 200; ++i) {
    processes.emplace_back([&] {
      const auto key = obtain();
      if (!key) return 1;
      return write(ends[1], key->key.reveal().data(), 32) == 32 ? 0 : 2;
    });
  }
  for (test::Forked& process : processes)
    EXPECT_EQ(process.exit_code(), 0);
  std::set<std::string> keys;
  for (int i = 0; i < 200; ++i) {
    std::string key(32, '\0');
    ASSERT_EQ(read(ends[0], key.data(), key.size()), 32);
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 1U);
  close(ends[0]);
  close(ends[1]);
}

INSTANTIATE_TEST_SUITE_P(Places, SessionKeyTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? std::string("keyring") : std::string("file"); });

TEST(SessionKeyFallback, IsAFileWithOneHonestLineWhereTheKeyringIsForbiddenOrFull) {
  struct Obstacle {
    std::vector<long> calls;
    int number;
  };
  for (const Obstacle& obstacle : {Obstacle{{SYS_keyctl, SYS_add_key}, EPERM},
                                   Obstacle{{SYS_keyctl, SYS_add_key}, ENOSYS}, Obstacle{{SYS_add_key}, EDQUOT}}) {
    test::TemporaryDirectory outside;
    test::Forked contained([&] {
      if (!test::forbid_calls(obstacle.calls, obstacle.number)) return 1;
      const auto directory = os::PrivateDirectory::open(outside.path());
      SystemRandom random;
      const SystemClock clock;
      const auto first = obtain_session_key(*directory, random, clock);
      const auto second = obtain_session_key(*directory, random, clock);
      if (!first || !second || !(first->key == second->key)) return 2;
      if (first->place != SessionKey::Place::file || first->notice.empty() || !second->notice.empty()) return 3;
      return first->notice.find(outside.file("session-key")) == std::string::npos ? 4 : 0;
    });
    EXPECT_EQ(contained.exit_code(), 0) << obstacle.number;
  }
}

using SessionKeyFile = SessionKeyTest;

TEST_P(SessionKeyFile, IsPrivateWhateverTheUmask) {
  const mode_t before = ::umask(0);
  const auto key = obtain();
  ::umask(before);
  ASSERT_TRUE(key);
  struct stat info {};
  ASSERT_EQ(stat(outside_.file("session-key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_P(SessionKeyFile, ThatOthersCanReadIsRefusedWithAdvice) {
  test::write_test_file(outside_.file("session-key"), std::string(32, 'k'), 0644);
  const auto key = obtain();
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Code::forbidden);
  EXPECT_NE(key.error().next.find("remove "), std::string::npos);
}

TEST_P(SessionKeyFile, ThatIsTornIsReplaced) {
  for (const std::size_t size : {0U, 1U, 31U, 33U, 500U}) {
    test::write_test_file(outside_.file("session-key"), std::string(size, 'k'));
    const auto key = obtain();
    ASSERT_TRUE(key) << size;
    EXPECT_EQ(key->key.size(), 32U);
    EXPECT_TRUE(obtain()->key == key->key);
  }
}

INSTANTIATE_TEST_SUITE_P(Places, SessionKeyFile, ::testing::Values(false));

}  // namespace
}  // namespace tollgate::vault
