#include "common/os/directory_names.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "common/base/unique_fd.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::os {
namespace {

TEST(DirectoryNames, AreSortedAndLeaveAnOpenDirectoryWhereItWas) {
  const test::TemporaryDirectory folder;
  for (const char* name : {"b", "a", ".hidden", "c d"})
    test::write_test_file(folder.file(name), "", 0600);
  const std::vector<std::string> all{".hidden", "a", "b", "c d"};
  EXPECT_EQ(directory_names(folder.path()).value(), all);
  const UniqueFd fd(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(directory_names(fd.get(), "it").value(), all);
  EXPECT_EQ(directory_names(fd.get(), "it").value(), all) << "a second time";
}

TEST(DirectoryNames, SayWhatCouldNotBeListed) {
  const test::TemporaryDirectory folder;
  const auto absent = directory_names(folder.file("absent"));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::not_found);
  EXPECT_NE(absent.error().message.find("absent"), std::string::npos);
  test::write_test_file(folder.file("file"), "", 0600);
  EXPECT_EQ(directory_names(folder.file("file")).error().code, Code::not_found);
  EXPECT_EQ(directory_names(-1, "a closed one").error().code, Code::io);
}

}  // namespace
}  // namespace tollgate::os
