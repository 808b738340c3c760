#include "common/os/display_width.h"

#include <gtest/gtest.h>

namespace tollgate::os {
namespace {

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("prod"), 4U);
  EXPECT_EQ(display_width("größe"), 5U);
  EXPECT_EQ(display_width("…ABCD"), 5U);
  EXPECT_EQ(display_width("本番"), 4U);
  EXPECT_EQ(display_width("한국"), 4U);
  EXPECT_EQ(display_width("ｆｕ"), 4U);
  EXPECT_EQ(display_width("🚀"), 2U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
  EXPECT_EQ(display_width("❤\uFE0F"), 1U);
}

TEST(DisplayWidth, TakesBytesThatAreNoTextOneByOne) {
  EXPECT_EQ(display_width("\xFF\xFE"), 2U);
  EXPECT_EQ(display_width("a\xE6\x9C"), 3U);  // the beginning of a character
  EXPECT_EQ(display_width("\x80\x80"), 2U);
}

}  // namespace
}  // namespace tollgate::os
