#include "broker/deliver/shim_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tollgate::deliver {
namespace {

namespace fs = std::filesystem;

class ShimDirectory : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/tollgate-shims-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    shims_ = folder_ + "/a/b/shims";
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string folder_;
  std::string shims_;
};

TEST_F(ShimDirectory, GetsLinksAndLosesThem) {
  ASSERT_EQ(install_shim(shims_, "terraform", "/opt/tollgate").value(), ShimChange::made);
  ASSERT_EQ(install_shim(shims_, "aws", "/opt/tollgate").value(), ShimChange::made);
  EXPECT_EQ(install_shim(shims_, "aws", "/opt/tollgate").value(), ShimChange::none);
  EXPECT_EQ(fs::read_symlink(shims_ + "/terraform"), "/opt/tollgate");
  const auto shims = installed_shims(shims_);
  ASSERT_TRUE(shims);
  ASSERT_EQ(shims->size(), 2U);
  EXPECT_EQ(shims->front().name, "aws");
  EXPECT_EQ(shims->front().path, shims_ + "/aws");
  EXPECT_EQ(shims->front().target, "/opt/tollgate");
  EXPECT_EQ(remove_shim(shims_, "aws").value(), ShimChange::removed);
  EXPECT_EQ(remove_shim(shims_, "aws").value(), ShimChange::none);
  EXPECT_FALSE(fs::exists(fs::symlink_status(shims_ + "/aws")));
}

TEST_F(ShimDirectory, FollowsTollgateWhenItMoves) {
  ASSERT_TRUE(install_shim(shims_, "aws", "/old/tollgate"));
  EXPECT_EQ(install_shim(shims_, "aws", "/new/tollgate").value(), ShimChange::replaced);
  EXPECT_EQ(fs::read_symlink(shims_ + "/aws"), "/new/tollgate");
}

TEST_F(ShimDirectory, LeavesAloneWhatIsNotItsOwn) {
  fs::create_directories(shims_);
  std::ofstream(shims_ + "/terraform") << "mine";
  fs::create_symlink("/usr/bin/true", shims_ + "/aws");
  fs::create_directory(shims_ + "/tofu");
  for (const char* name : {"terraform", "aws", "tofu"}) {
    const auto installed = install_shim(shims_, name, "/opt/tollgate");
    ASSERT_FALSE(installed) << name;
    EXPECT_EQ(installed.error().reason, "foreign_file");
    EXPECT_FALSE(remove_shim(shims_, name)) << name;
  }
  EXPECT_EQ(fs::read_symlink(shims_ + "/aws"), "/usr/bin/true");
  EXPECT_TRUE(installed_shims(shims_).value().empty());
}

TEST_F(ShimDirectory, MustNotBeOpenToAll) {
  fs::create_directories(shims_);
  ::chmod(shims_.c_str(), 01777);
  const auto installed = install_shim(shims_, "aws", "/opt/tollgate");
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().reason, "open_to_others");
}

TEST_F(ShimDirectory, MayBeAbsent) {
  EXPECT_TRUE(installed_shims(shims_).value().empty());
  EXPECT_EQ(remove_shim(shims_, "aws").value(), ShimChange::none);
}

TEST_F(ShimDirectory, MustBeAFolder) {
  std::ofstream(folder_ + "/a") << "x";
  EXPECT_FALSE(install_shim(shims_, "aws", "/opt/tollgate"));
  EXPECT_FALSE(install_shim(folder_ + "/a", "aws", "/opt/tollgate"));
}

TEST(ShimNames, AreThoseOfPrograms) {
  for (const char* name : {"terraform", "aws", "terraform1.5", "my-tool_2"})
    EXPECT_TRUE(is_shim_name(name)) << name;
  for (const char* name : {"", "tollgate", "tollgate-fetch", "a/b", "..", ".x", "-x", "a b", "a\nb"})
    EXPECT_FALSE(is_shim_name(name)) << name;
}

}  // namespace
}  // namespace tollgate::deliver
