#include "server/runs/terraform_versions.h"

#include <gtest/gtest.h>

namespace tollgate::runs {
namespace {

const std::vector<std::string> kInstalled{"1.9.8", "1.11.4", "1.5.7", "1.11.0", "1.12.0-beta1", "nonsense"};

struct Case {
  std::string_view wish;
  std::string_view chosen;  // empty: refused
};

class ChooseTerraformVersion : public testing::TestWithParam<Case> {};

TEST_P(ChooseTerraformVersion, ChoosesTheHighestThatFits) {
  const auto chosen = choose_terraform_version(GetParam().wish, kInstalled);
  EXPECT_EQ(chosen ? *chosen : "", GetParam().chosen) << GetParam().wish;
  if (!chosen) {
    EXPECT_EQ(chosen.error().reason, "terraform_version");
    EXPECT_EQ(chosen.error().code, Code::invalid);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ChooseTerraformVersion,
    testing::Values(Case{"", "1.11.4"}, Case{"latest", "1.11.4"}, Case{"1.9.8", "1.9.8"}, Case{"v1.9.8", "1.9.8"},
                    Case{"1.9.7", ""}, Case{"~> 1.11.0", "1.11.4"}, Case{"~>1.5.0", "1.5.7"}, Case{"~> 1.5", "1.11.4"},
                    Case{"~> 2.0", ""}, Case{">= 1.5, < 1.11", "1.9.8"}, Case{"< 1.6", "1.5.7"}, Case{"> 1.11.4", ""},
                    Case{"<= 1.11.0", "1.11.0"}, Case{"!= 1.11.4", "1.11.0"}, Case{"1.12.0-beta1", "1.12.0-beta1"},
                    Case{">= 1.12.0-alpha", ""}, Case{"= 1.5.7", "1.5.7"}, Case{"banana", ""}, Case{"1.2.3.4", ""},
                    Case{"-1.2", ""}, Case{">=", ""}, Case{"1.", ""}, Case{"99999999999999.1", ""}));

TEST(ChooseTerraformVersion, NamesWhatIsInstalled) {
  const auto chosen = choose_terraform_version("1.2.3", {"1.11.4"});
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().message.find("1.11.4"), std::string::npos);
  EXPECT_FALSE(chosen.error().next.empty());
  EXPECT_FALSE(choose_terraform_version("", {}));
}

}  // namespace
}  // namespace tollgate::runs
