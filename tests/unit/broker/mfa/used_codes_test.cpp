#include "broker/mfa/used_codes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/forked.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::mfa {
namespace {

constexpr const char* kSerial = "arn:aws:iam::111111111111:mfa/ana";

class UsedCodesTest : public ::testing::Test {
 protected:
  UsedCodesTest() : directory_(std::move(*os::PrivateDirectory::open(outside_.path()))) {}
  UsedCodes memory() { return UsedCodes(directory_, Secret("a key of thirty-two bytes, or so"), clock_); }
  std::string all_files() const {
    std::stringstream text;
    for (const auto& entry : std::filesystem::directory_iterator(outside_.path())) {
      text << entry.path().filename() << std::ifstream(entry.path()).rdbuf();
    }
    return text.str();
  }
  test::TemporaryDirectory outside_;
  os::PrivateDirectory directory_;
  test::ManualClock clock_;
};

TEST_F(UsedCodesTest, ACodeIsTakenOnce) {
  EXPECT_TRUE(memory().claim(kSerial, Secret("123456")));
  const auto again = memory().claim(kSerial, Secret("123456"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
  EXPECT_EQ(again.error().reason, "mfa_code_used");
  EXPECT_TRUE(memory().claim(kSerial, Secret("123457")));
  EXPECT_TRUE(memory().claim("another device", Secret("123456")));
}

TEST_F(UsedCodesTest, ForgetsAfterTwoMinutesAndNotBefore) {
  ASSERT_TRUE(memory().claim(kSerial, Secret("123456")));
  clock_.advance(Duration(119000));
  EXPECT_FALSE(memory().claim(kSerial, Secret("123456")));
  clock_.advance(Duration(1000));
  EXPECT_TRUE(memory().claim(kSerial, Secret("123456")));
}

TEST_F(UsedCodesTest, AClockSetBackDoesNotLockTheDeviceOut) {
  ASSERT_TRUE(memory().claim(kSerial, Secret("123456")));
  clock_.advance(-Duration(3600000));
  EXPECT_TRUE(memory().claim(kSerial, Secret("123456")));
}

TEST_F(UsedCodesTest, AnUnsentCodeMayBeUsedAgain) {
  ASSERT_TRUE(memory().claim(kSerial, Secret("123456")));
  ASSERT_TRUE(memory().release(kSerial, Secret("123456")));
  EXPECT_TRUE(memory().claim(kSerial, Secret("123456")));
}

TEST_F(UsedCodesTest, AfterAnAcceptedCodeTheDeviceNeedsItsNextStep) {
  // The manual clock starts five seconds into a step.
  EXPECT_EQ(memory().until_next_code(kSerial), Duration(0));
  ASSERT_TRUE(memory().claim(kSerial, Secret("123456")));
  EXPECT_EQ(memory().until_next_code(kSerial), Duration(0)) << "a refused code says nothing about what is shown";
  ASSERT_TRUE(memory().mark_accepted(kSerial, Secret("123456")));
  EXPECT_EQ(memory().until_next_code(kSerial), Duration(25000));
  EXPECT_EQ(memory().until_next_code("another device"), Duration(0));
  clock_.advance(Duration(24999));
  EXPECT_EQ(memory().until_next_code(kSerial), Duration(1));
  clock_.advance(Duration(1));
  EXPECT_EQ(memory().until_next_code(kSerial), Duration(0));
}

TEST_F(UsedCodesTest, StepsAreThirtySecondsOfUnixTime) {
  EXPECT_EQ(until_next_step(from_unix_seconds(60)), Duration(30000));
  EXPECT_EQ(until_next_step(from_unix_seconds(89)), Duration(1000));
  EXPECT_EQ(until_next_step(from_unix_seconds(89) + Duration(999)), Duration(1));
}

TEST_F(UsedCodesTest, NeitherCodeNorSerialIsOnDisk) {
  ASSERT_TRUE(memory().claim(kSerial, Secret("918273")));
  ASSERT_TRUE(memory().mark_accepted(kSerial, Secret("918273")));
  const std::string text = all_files();
  EXPECT_EQ(text.find("918273"), std::string::npos);
  EXPECT_EQ(text.find("mfa/ana"), std::string::npos);
  UsedCodes other(directory_, Secret("another key of thirty-two bytes!"), clock_);
  EXPECT_TRUE(other.claim(kSerial, Secret("918273"))) << "the hash says nothing without the key";
}

TEST_F(UsedCodesTest, ADamagedMemoryIsAnEmptyOne) {
  ASSERT_TRUE(memory().claim(kSerial, Secret("123456")));
  for (const auto& entry : std::filesystem::directory_iterator(outside_.path())) {
    if (entry.path().extension() == ".lock") continue;
    for (const std::string& content : {std::string("garbage"), std::string("\n\n1 2\n99999999999999999999 a b\n"),
                                       std::string(100000, 'x'), std::string("\0\0\0", 3)}) {
      test::write_test_file(entry.path(), content);
      EXPECT_TRUE(memory().claim(kSerial, Secret("123456"))) << content.substr(0, 20);
      EXPECT_FALSE(memory().claim(kSerial, Secret("123456")));
    }
  }
}

TEST_F(UsedCodesTest, OfFiftyProcessesOneGetsTheCode) {
  std::vector<test::Forked> processes;
  for (int i = 0; i < 50; ++i) {
    processes.emplace_back([&] {
      const SystemClock clock;
      UsedCodes codes(directory_, Secret("a key of thirty-two bytes, or so"), clock);
      const auto claimed = codes.claim(kSerial, Secret("123456"));
      return claimed ? 0 : claimed.error().reason == "mfa_code_used" ? 1 : 2;
    });
  }
  std::vector<int> counts(3);
  for (test::Forked& process : processes)
    ++counts[static_cast<std::size_t>(std::min(process.exit_code(), 2))];
  EXPECT_EQ(counts, (std::vector<int>{1, 49, 0}));
}

}  // namespace
}  // namespace tollgate::mfa
