#include "broker/deliver/stand_in_profile.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::deliver {
namespace {

class StandIn : public ::testing::Test {
 protected:
  std::string name(std::string_view code, std::string_view profile = "prod") {
    test::write_test_file(folder_.file("main.tf"), std::string(code));
    return stand_in_for(profiles_, profile, folder_.path());
  }

  test::TemporaryDirectory folder_;
  aws::ProfileSet profiles_ = aws::merge_profiles(
      {"config", "credentials"},
      "[profile prod]\nrole_arn = r\nsource_profile = base\n[profile base]\n[profile taken]\nrole_arn = r\n"
      "[profile taken.tollgate]\n",
      "[base]\naws_access_key_id = A\naws_secret_access_key = S\n");
};

constexpr std::string_view kClassic =
    "provider \"aws\" {\n  profile = \"prod\"\n  shared_credentials_files = [pathexpand(\"~/.aws/config\")]\n}\n";

TEST_F(StandIn, IsForCodeThatNamesTheFileOfKeys) {
  EXPECT_EQ(name(kClassic), "prod.tollgate");
  EXPECT_EQ(name("provider \"aws\" {\n  shared_credentials_file = \"~/.aws/config\"\n}\n"), "prod.tollgate");
}

TEST_F(StandIn, IsForCodeInFoldersBelow) {
  const std::string module = folder_.file("modules/network");
  std::filesystem::create_directories(module);
  EXPECT_EQ(name("module \"network\" {\n  source = \"./modules/network\"\n}\n"), "");
  test::write_test_file(module + "/main.tf", std::string(kClassic));
  EXPECT_EQ(name(""), "prod.tollgate");
}

TEST_F(StandIn, IsForNothingElse) {
  EXPECT_EQ(name("provider \"aws\" {\n  profile = \"prod\"\n}\n"), "");
  EXPECT_EQ(name("provider \"aws\" {\n  shared_config_files = [\"x\"]\n}\n"), "");
  EXPECT_EQ(name("terraform {\n  backend \"s3\" {\n    shared_credentials_files = [\"x\"]\n  }\n}\n"), "");
  EXPECT_EQ(name(kClassic, "base"), "");
  EXPECT_EQ(name(kClassic, "unknown"), "");
  EXPECT_EQ(name(kClassic, "taken"), "");
  EXPECT_EQ(stand_in_for(profiles_, "prod", folder_.file("none")), "");
}

TEST_F(StandIn, IsTakenForTheProfileInside) {
  const auto profile = [](std::string aws_profile, std::optional<std::string> inside) {
    return *without_stand_in([=](std::string_view variable) -> std::optional<std::string> {
      return variable == "AWS_PROFILE" ? std::optional(aws_profile) : inside;
    })("AWS_PROFILE");
  };
  EXPECT_EQ(profile("prod.tollgate", "prod"), "prod");
  EXPECT_EQ(profile("prod.tollgate", std::nullopt), "prod.tollgate");
  EXPECT_EQ(profile("other", "prod"), "other");
}

}  // namespace
}  // namespace tollgate::deliver
