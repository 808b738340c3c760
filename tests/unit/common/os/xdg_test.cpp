#include "common/os/xdg.h"

#include <gtest/gtest.h>

namespace tollgate::os {
namespace {

TEST(UserDirectories, AreBelowHomeByDefault) {
  const auto directories = user_directories(Environment().set("HOME", "/home/ana"));
  ASSERT_TRUE(directories);
  EXPECT_EQ(directories->home, "/home/ana");
  EXPECT_EQ(directories->config, "/home/ana/.config/tollgate");
  EXPECT_EQ(directories->cache, "/home/ana/.cache/tollgate");
  EXPECT_EQ(directories->data, "/home/ana/.local/share/tollgate");
  EXPECT_EQ(directories->state, "/home/ana/.local/state/tollgate");
  EXPECT_EQ(directories->runtime, "");
}

TEST(UserDirectories, FollowTheVariablesUnlessTheyAreRelative) {
  const auto directories = user_directories(Environment()
                                                .set("HOME", "/home/ana")
                                                .set("XDG_CONFIG_HOME", "/c/")
                                                .set("XDG_CACHE_HOME", "relative")
                                                .set("XDG_DATA_HOME", "")
                                                .set("XDG_STATE_HOME", "/s")
                                                .set("XDG_RUNTIME_DIR", "/run/user/1000"));
  ASSERT_TRUE(directories);
  EXPECT_EQ(directories->config, "/c/tollgate");
  EXPECT_EQ(directories->cache, "/home/ana/.cache/tollgate");
  EXPECT_EQ(directories->data, "/home/ana/.local/share/tollgate");
  EXPECT_EQ(directories->state, "/s/tollgate");
  EXPECT_EQ(directories->runtime, "/run/user/1000/tollgate");
}

}  // namespace
}  // namespace tollgate::os
