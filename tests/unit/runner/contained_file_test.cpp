#include "runner/contained_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temporary_directory.h"

namespace tollgate::runner {
namespace {

TEST(ContainedFile, ReadingBackFollowsNothing) {
  const test::TemporaryDirectory top;
  ASSERT_EQ(mkdir(top.file("in").c_str(), 0700), 0);
  test::write_test_file(top.file("secret"), "secret");
  test::write_test_file(top.file("in/plain"), "text");
  ASSERT_EQ(symlink("../secret", top.file("in/link").c_str()), 0);
  ASSERT_EQ(symlink("plain", top.file("in/inner").c_str()), 0);
  ASSERT_EQ(link(top.file("secret").c_str(), top.file("in/hard").c_str()), 0);
  ASSERT_EQ(mkfifo(top.file("in/fifo").c_str(), 0600), 0);
  ASSERT_EQ(symlink("..", top.file("in/up").c_str()), 0);
  const UniqueFd in(open(top.file("in").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(read_contained(in.get(), "plain", 4).value_or(""), "text");
  EXPECT_EQ(read_contained(in.get(), "plain", 3).error().reason, "too_large");
  for (const std::string path : {"link", "inner", "hard", "../secret", "up/secret", "/etc/passwd"})
    EXPECT_EQ(read_contained(in.get(), path, 100).error().reason, "escapes") << path;
  EXPECT_EQ(read_contained(in.get(), std::string("plain\0x", 7), 100).error().reason, "escapes");
  for (const char* path : {"fifo", ".", "plain/x"})
    EXPECT_EQ(read_contained(in.get(), path, 100).error().reason, "not_a_file") << path;
  EXPECT_EQ(read_contained(in.get(), "none", 100).error().code, Code::not_found);
}

}  // namespace
}  // namespace tollgate::runner
