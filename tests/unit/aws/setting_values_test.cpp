#include "aws/setting_values.h"

#include <gtest/gtest.h>

namespace tollgate::aws {
namespace {

TEST(SettingValues, GoIntegers) {
  EXPECT_EQ(parse_go_integer("3600"), 3600);
  EXPECT_EQ(parse_go_integer("+3600"), 3600);
  EXPECT_EQ(parse_go_integer("-1"), -1);
  EXPECT_EQ(parse_go_integer("0xE10"), 3600);
  EXPECT_EQ(parse_go_integer("010"), 8);
  EXPECT_EQ(parse_go_integer("0o17"), 15);
  EXPECT_EQ(parse_go_integer("0b11"), 3);
  EXPECT_EQ(parse_go_integer("0"), 0);
  EXPECT_EQ(parse_go_integer("3_600"), 3600);
  EXPECT_EQ(parse_go_integer("0_7"), 7);
  for (const char* text : {"", "-", "1h", "0900", "3__600", "_1", "1_", "0x", "1.5", " 1", "99999999999999999999"}) {
    EXPECT_FALSE(parse_go_integer(text)) << text;
  }
}

}  // namespace
}  // namespace tollgate::aws
