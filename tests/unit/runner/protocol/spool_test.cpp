#include "runner/protocol/spool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "runner/protocol/tree_removal.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::runner {
namespace {

class SpoolTest : public testing::Test {
 protected:
  test::TemporaryDirectory place_;
  std::string path_ = place_.path() + "/spools/plan-1";
};

TEST_F(SpoolTest, IsMadeOnce) {
  ASSERT_TRUE(Spool::create(path_));
  const auto again = Spool::create(path_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "spool_exists");
  EXPECT_EQ(Spool::open(path_ + "x").error().code, Code::not_found);
}

TEST_F(SpoolTest, StatesComeBackByNumber) {
  const auto spool = Spool::create(path_);
  ASSERT_TRUE(spool);
  EXPECT_TRUE(spool->state_serials().empty());
  for (const std::int64_t serial : {2, 10, 9})
    ASSERT_TRUE(spool->publish_state(serial, "state " + std::to_string(serial)));
  // What is being written and what is no state is not one.
  ASSERT_TRUE(spool->directory().create_below("state")->write(".tmp-7.tfstate", "half"));
  ASSERT_TRUE(spool->directory().create_below("state")->write("x.tfstate", "other"));
  EXPECT_EQ(spool->state_serials(), (std::vector<std::int64_t>{2, 9, 10}));
  EXPECT_EQ(*spool->read_state(10), "state 10");
  EXPECT_EQ(spool->read_state(3).error().code, Code::not_found);
}

TEST_F(SpoolTest, OutputIsReadFromAnyOffset) {
  const auto spool = Spool::create(path_);
  ASSERT_TRUE(spool);
  EXPECT_EQ(spool->output_size(), 0U);
  EXPECT_EQ(*spool->read_output(0, 10), "");
  ASSERT_TRUE(spool->write(spool_file::kOutput, "0123456789"));
  EXPECT_EQ(spool->output_size(), 10U);
  EXPECT_EQ(*spool->read_output(3, 4), "3456");
  EXPECT_EQ(*spool->read_output(8, 4), "89");
  EXPECT_EQ(*spool->read_output(20, 4), "");
}

TEST_F(SpoolTest, LinksAreNotFollowed) {
  const auto spool = Spool::create(path_);
  ASSERT_TRUE(spool);
  for (const std::string_view name : {spool_file::kOutput, spool_file::kPlanOut, spool_file::kResult}) {
    ASSERT_EQ(symlink("/etc/passwd", (path_ + "/" + std::string(name)).c_str()), 0);
  }
  EXPECT_FALSE(spool->read_output(0, 10));
  EXPECT_EQ(spool->output_size(), 0U);
  EXPECT_FALSE(spool->read(spool_file::kPlanOut));
  EXPECT_FALSE(spool->result());
}

TEST_F(SpoolTest, LivesWhileTheLockIsHeld) {
  const auto spool = Spool::create(path_);
  ASSERT_TRUE(spool);
  EXPECT_FALSE(spool->alive());
  UniqueFd lock(open((path_ + "/alive").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_FALSE(spool->alive());
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
  EXPECT_TRUE(spool->alive());
  EXPECT_TRUE(spool->alive());
  lock.reset();
  EXPECT_FALSE(spool->alive());
}

TEST_F(SpoolTest, AResultIsAbsentBrokenOrWhole) {
  const auto spool = Spool::create(path_);
  ASSERT_TRUE(spool);
  ASSERT_TRUE(spool->result());
  EXPECT_FALSE(*spool->result());
  ASSERT_TRUE(spool->write(spool_file::kResult, "{"));
  EXPECT_FALSE(spool->result());
  ASSERT_TRUE(spool->write(spool_file::kResult, to_text(PhaseResult{})));
  EXPECT_TRUE(*spool->result());
}

TEST_F(SpoolTest, RemovalLeavesNothingAndFollowsNothing) {
  ASSERT_TRUE(Spool::create(path_));
  const std::string kept = place_.path() + "/kept";
  ASSERT_EQ(mkdir(kept.c_str(), 0700), 0);
  ASSERT_EQ(close(open((kept + "/file").c_str(), O_WRONLY | O_CREAT, 0600)), 0);
  const std::string work = path_ + "/work";
  ASSERT_EQ(mkdir(work.c_str(), 0700), 0);
  ASSERT_EQ(symlink(kept.c_str(), (work + "/link").c_str()), 0);
  ASSERT_EQ(mkdir((work + "/closed").c_str(), 0700), 0);
  ASSERT_EQ(close(open((work + "/closed/file").c_str(), O_WRONLY | O_CREAT, 0000)), 0);
  ASSERT_EQ(chmod((work + "/closed").c_str(), 0), 0);
  ASSERT_TRUE(Spool::remove(path_));
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
  EXPECT_EQ(access((kept + "/file").c_str(), F_OK), 0);
  EXPECT_TRUE(Spool::remove(path_)) << "there is nothing to remove";
}

TEST_F(SpoolTest, NoDepthIsTooDeep) {
  const UniqueFd top(open(place_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  UniqueFd at(open(place_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 1000; ++depth) {
    ASSERT_EQ(mkdirat(at.get(), "directory", 0700), 0);
    at.reset(openat(at.get(), "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(at);
  }
  at.reset();
  const auto removed = remove_tree(top.get(), place_.path());
  ASSERT_TRUE(removed) << removed.error().text();
  struct stat info {};
  EXPECT_NE(fstatat(top.get(), "directory", &info, 0), 0);
}

}  // namespace
}  // namespace tollgate::runner
