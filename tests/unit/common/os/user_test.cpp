#include "common/os/user.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <string>

namespace tollgate::os {
namespace {

Environment with(std::string_view name, std::string_view value) {
  return Environment().set(name, value);
}

TEST(User, HomeIsTheVariableIfItIsAnAbsolutePath) {
  EXPECT_EQ(home_directory(with("HOME", "/somewhere")), "/somewhere");
}

TEST(User, HomeIsElseWhatThePasswordFileSays) {
  const passwd* entry = getpwuid(geteuid());
  if (!entry) GTEST_SKIP() << "this user has no entry";
  EXPECT_EQ(home_directory(Environment()), std::string(entry->pw_dir));
  EXPECT_EQ(home_directory(with("HOME", "")), std::string(entry->pw_dir));
  EXPECT_EQ(home_directory(with("HOME", "relative")), std::string(entry->pw_dir));
  EXPECT_EQ(user_name(with("USER", "somebody-else")), std::string(entry->pw_name));
}

}  // namespace
}  // namespace tollgate::os
