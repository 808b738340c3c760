#include "broker/deliver/shim_trail.h"

#include <gtest/gtest.h>

namespace tollgate::deliver {
namespace {

const ShimStep kTerraform{"terraform", 100, {7, 42}};
const ShimStep kAws{"aws", 200, {7, 43}};

TEST(ShimTrail, IsReadBack) {
  const std::string text = extended_shim_trail({kTerraform}, kAws);
  EXPECT_EQ(text, "terraform/100/7/42,aws/200/7/43");
  EXPECT_EQ(parse_shim_trail(text), (std::vector<ShimStep>{kTerraform, kAws}));
  EXPECT_TRUE(parse_shim_trail("").empty());
}

TEST(ShimTrail, LeavesOutWhatItCannotRead) {
  EXPECT_EQ(parse_shim_trail(",,x,/1/2/3,a/b/c/d,a/1/2,a/1/2/3/4,a/1/2/99999999999999999999999,terraform/100/7/42,"),
            (std::vector<ShimStep>{kTerraform}));
}

TEST(ShimTrail, DoesNotGrowForEver) {
  std::vector<ShimStep> trail;
  for (int i = 0; i < 1000; ++i)
    trail = parse_shim_trail(extended_shim_trail(trail, {"aws", i, {1, 2}}));
  EXPECT_LE(trail.size(), 64U);
  EXPECT_EQ(trail.back().process, 999);
}

TEST(ShimTrail, CountsEachNameForItself) {
  EXPECT_EQ(shim_depth({kTerraform, kAws, kTerraform}, "terraform"), 2U);
  EXPECT_EQ(shim_depth({kTerraform}, "tofu"), 0U);
}

TEST(ShimTrail, PassesOverOnlyWhatThisProcessHasBeen) {
  const std::vector<ShimStep> trail{kTerraform, {"terraform", 101, {7, 44}}, {"aws", 100, {7, 45}}};
  EXPECT_EQ(passed_programs(trail, "terraform", 100), (std::vector<os::FileIdentity>{{7, 42}}));
  EXPECT_TRUE(passed_programs(trail, "terraform", 102).empty());
}

}  // namespace
}  // namespace tollgate::deliver
