#include "common/os/program_search.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace tollgate::os {
namespace {

class ProgramSearch : public ::testing::Test {
 protected:
  std::string make_directory(const std::string& name, unsigned mode = 0755) {
    const std::string path = directory_.file(name);
    std::filesystem::create_directories(path);
    chmod(path.c_str(), mode);
    return path;
  }
  std::string make_program(const std::string& directory, const std::string& name, unsigned mode = 0755) {
    std::string path = directory;
    path += "/" + name;
    test::write_test_file(path, "#!/bin/sh\necho " + path + "\n", mode);
    return path;
  }
  test::TemporaryDirectory directory_;
};

TEST_F(ProgramSearch, FirstOnPathWins) {
  const std::string a = make_directory("a");
  const std::string b = make_directory("b");
  make_program(a, "tool");
  make_program(b, "tool");
  const auto found = find_program("tool", b + ":" + a);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, b + "/tool");
  EXPECT_TRUE(found->is_script);
  EXPECT_TRUE(found->file);
}

TEST_F(ProgramSearch, EmptyAndRelativeEntriesArePassedOver) {
  const std::string a = make_directory("a");
  make_program(a, "tool");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(a);
  const auto found = find_program("tool", ":.:./:" + std::filesystem::path(a).filename().string());
  std::filesystem::current_path(before);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, "program_not_found");
  EXPECT_EQ(program_error_status(found.error()), 127);
}

TEST_F(ProgramSearch, DirectoriesThatAnyoneMayWriteToArePassedOver) {
  const std::string open = make_directory("open", 0777);
  const std::string sticky = make_directory("sticky", 01777);
  const std::string closed = make_directory("closed");
  make_program(open, "tool");
  make_program(sticky, "tool");
  EXPECT_EQ(find_program("tool", open + ":" + sticky).error().reason, "program_not_executable");
  make_program(closed, "tool");
  EXPECT_EQ(find_program("tool", open + ":" + sticky + ":" + closed)->path, closed + "/tool");
}

TEST_F(ProgramSearch, AShimPassesOverItselfUnderAnyName) {
  const std::string shims = make_directory("shims");
  const std::string links = make_directory("links");
  const std::string real = make_directory("real");
  const std::string self = make_program(shims, "terraform");
  ASSERT_EQ(symlink(self.c_str(), (links + "/terraform").c_str()), 0);
  make_program(real, "terraform");
  const auto identity = file_identity(self);
  ASSERT_TRUE(identity);
  EXPECT_EQ(find_program("terraform", shims + ":" + links + ":" + real, {*identity})->path, real + "/terraform");
  EXPECT_EQ(find_program("terraform", shims + ":" + links, {*identity}).error().reason, "program_not_found");
}

TEST_F(ProgramSearch, NotExecutableIs126AndALaterOneIsTaken) {
  const std::string a = make_directory("a");
  const std::string b = make_directory("b");
  make_program(a, "tool", 0644);
  make_directory("b/folder");
  const auto refused = find_program("tool", a);
  ASSERT_FALSE(refused);
  EXPECT_EQ(program_error_status(refused.error()), 126);
  EXPECT_EQ(program_error_status(find_program("folder", b).error()), 126);
  make_program(b, "tool");
  EXPECT_EQ(find_program("tool", a + ":" + b)->path, b + "/tool");
}

TEST_F(ProgramSearch, ANameWithASlashIsTakenAsItIs) {
  const std::string open = make_directory("open", 0777);
  const std::string path = make_program(open, "tool");
  EXPECT_EQ(find_program(path, "")->path, path);
  EXPECT_EQ(find_program(open + "/none", "").error().reason, "program_not_found");
  EXPECT_EQ(find_program(path + "/below", "").error().reason, "program_not_found");
  EXPECT_EQ(find_program("", "/bin").error().reason, "program_not_found");
}

TEST_F(ProgramSearch, FindsTheSystemsProgramsWithoutPath) {
  const auto found = find_program("sh", "");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->is_script);
}

}  // namespace
}  // namespace tollgate::os
