#include "common/os/file_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <vector>

#include "common/os/child_process.h"
#include "tests/support/forked.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::os {
namespace {

class FileLockTest : public ::testing::Test {
 protected:
  FileLockTest() : directory_(std::move(*PrivateDirectory::open(outside_.path()))) {}
  test::TemporaryDirectory outside_;
  PrivateDirectory directory_;
  SystemClock system_clock_;
};

TEST_F(FileLockTest, OneHolderAtATime) {
  auto first = FileLock::try_acquire(directory_, "lock");
  ASSERT_TRUE(first && *first);
  const auto second = FileLock::try_acquire(directory_, "lock");
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
  EXPECT_TRUE(FileLock::try_acquire(directory_, "another")->has_value());
  first->reset();
  EXPECT_TRUE(FileLock::try_acquire(directory_, "lock")->has_value());
}

TEST_F(FileLockTest, GivesUpWhenPatienceIsOver) {
  const test::ManualClock clock;
  const TimePoint begin = clock.now();
  auto held = FileLock::try_acquire(directory_, "lock");
  const auto other = FileLock::acquire(directory_, "lock", Duration(50000), clock);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::locked);
  EXPECT_EQ(clock.now() - begin, Duration(50000));
}

TEST_F(FileLockTest, AKilledHolderIsFollowedWithinASecond) {
  test::Forked holder([&] {
    auto lock = FileLock::acquire(directory_, "lock", Duration(0), system_clock_);
    lock->write_note("held");
    pause();
    return 0;
  });
  ASSERT_TRUE(test::eventually([&] { return FileLock::peek_note(directory_, "lock") == "held"; }));
  EXPECT_FALSE(FileLock::try_acquire(directory_, "lock")->has_value());
  const auto begin = std::chrono::steady_clock::now();
  holder.kill(SIGKILL);
  EXPECT_TRUE(FileLock::acquire(directory_, "lock", Duration(20000), system_clock_));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST_F(FileLockTest, AChildThatWeStartDoesNotKeepIt) {
  auto lock = FileLock::try_acquire(directory_, "lock");
  Command command;
  command.argv = {"/bin/sleep", "100"};
  command.pass_inherited_descriptors = true;
  auto child = spawn(command);
  ASSERT_TRUE(child);
  lock->reset();
  EXPECT_TRUE(FileLock::try_acquire(directory_, "lock")->has_value());
}

TEST_F(FileLockTest, NotesAreReplacedAndReadByOthers) {
  auto lock = FileLock::try_acquire(directory_, "lock");
  EXPECT_EQ((*lock)->read_note(), "");
  (*lock)->write_note("a longer note");
  (*lock)->write_note("short");
  EXPECT_EQ(FileLock::peek_note(directory_, "lock"), "short");
  lock->reset();
  EXPECT_EQ((*FileLock::try_acquire(directory_, "lock"))->read_note(), "short");
  EXPECT_EQ(FileLock::peek_note(directory_, "none"), "");
}

TEST_F(FileLockTest, ALockOnARemovedFileIsNoLock) {
  auto old = FileLock::try_acquire(directory_, "lock");
  ASSERT_TRUE(directory_.remove("lock"));
  auto current = FileLock::try_acquire(directory_, "lock");
  ASSERT_TRUE(current && *current) << "the name leads to a new file, which nobody holds";
  EXPECT_FALSE(FileLock::try_acquire(directory_, "lock")->has_value());
}

TEST_F(FileLockTest, FollowsNoLink) {
  const std::string victim = outside_.file("victim");
  ASSERT_EQ(symlink(victim.c_str(), outside_.file("lock").c_str()), 0);
  EXPECT_EQ(FileLock::try_acquire(directory_, "lock").error().code, Code::io);
  EXPECT_FALSE(std::filesystem::exists(victim));
}

TEST_F(FileLockTest, CountsToTheSameNumberInManyProcesses) {
  test::write_test_file(outside_.file("count"), "0");
  std::vector<test::Forked> processes;
  for (int i = 0; i < 8; ++i) {
    processes.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        auto lock = FileLock::acquire(directory_, "lock", Duration(20000), system_clock_);
        if (!lock) return 1;
        const int count = std::stoi(*directory_.read("count", 100));
        if (!directory_.write("count", std::to_string(count + 1))) return 2;
      }
      return 0;
    });
  }
  for (test::Forked& process : processes)
    EXPECT_EQ(process.exit_code(), 0);
  EXPECT_EQ(*directory_.read("count", 100), "160");
}

}  // namespace
}  // namespace tollgate::os
