#include "aws/file_locations.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

Environment with(std::map<std::string, std::string> variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

TEST(FileLocations, Table) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> environment;
    std::string config;
    std::string credentials;
  };
  const Case cases[] = {
      {"home", {{"HOME", "/h"}}, "/h/.aws/config", "/h/.aws/credentials"},
      {"home with a slash", {{"HOME", "/"}}, "/.aws/config", "/.aws/credentials"},
      {"no home", {}, "", ""},
      {"no home, a tilde stays", {{"AWS_CONFIG_FILE", "~/c"}}, "~/c", ""},
      {"empty counts as unset", {{"HOME", "/h"}, {"AWS_CONFIG_FILE", ""}}, "/h/.aws/config", "/h/.aws/credentials"},
      {"tilde", {{"HOME", "/h"}, {"AWS_CONFIG_FILE", "~/c"}, {"AWS_SHARED_CREDENTIALS_FILE", "~"}}, "/h/c", "/h"},
      {"another person's home", {{"HOME", "/h"}, {"AWS_CONFIG_FILE", "~bob/c"}}, "~bob/c", "/h/.aws/credentials"},
      {"relative", {{"HOME", "/h"}, {"AWS_CONFIG_FILE", "c"}}, "c", "/h/.aws/credentials"},
      {"inside the overlay the real files win",
       {{"HOME", "/h"},
        {"AWS_CONFIG_FILE", "/cache/overlay"},
        {"AWS_SHARED_CREDENTIALS_FILE", "/cache/empty"},
        {"TOLLGATE_AWS_CONFIG_FILE", "/real/config"},
        {"TOLLGATE_AWS_SHARED_CREDENTIALS_FILE", "/real/credentials"}},
       "/real/config",
       "/real/credentials"},
  };
  for (const Case& one : cases) {
    const FileLocations files = locate_files(with(one.environment));
    EXPECT_EQ(files.config, one.config) << one.name;
    EXPECT_EQ(files.credentials, one.credentials) << one.name;
  }
}

TEST(FileLocations, SelectedProfile) {
  EXPECT_EQ(selected_profile(with({{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_PROFILE", "b"}}), "asked"), "asked");
  EXPECT_EQ(selected_profile(with({{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_PROFILE", "b"}})), "a");
  EXPECT_EQ(selected_profile(with({{"AWS_PROFILE", ""}, {"AWS_DEFAULT_PROFILE", "b"}})), "b");
  EXPECT_EQ(selected_profile(with({})), "default");
  EXPECT_EQ(selected_profile({}), "default");
}

TEST(FileLocations, SharedSuite) {
  const std::string path = "smithy-rs/file-location-tests.json";
  TG_SKIP_WITHOUT_REFEREE(path);
  const auto document = test::read_referee_json(path);
  ASSERT_TRUE(document);
  int cases = 0;
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviating;
  for (const json::Value& one : *document->find("tests")->if_array()) {
    const std::string name = *one.find("name")->if_string();
    SCOPED_TRACE(name);
    ++cases;
    if (*one.find("platform")->if_string() == "windows") {
      deviating.emplace_back(name, "there is no tollgate for Windows");
      continue;
    }
    std::map<std::string, std::string> environment;
    for (const auto& [key, value] : *one.find("environment")->if_object())
      environment[key] = *value.if_string();
    const FileLocations files = locate_files(with(environment));
    const json::Value* profile = one.find("profile");
    const bool agrees = files.config == *one.find("configLocation")->if_string() &&
                        files.credentials == *one.find("credentialsLocation")->if_string() &&
                        (profile == nullptr || selected_profile(with(environment)) == *profile->if_string());
    EXPECT_TRUE(agrees);
    if (agrees) ++agreeing;
  }
  EXPECT_EQ(cases, 9);
  EXPECT_EQ(agreeing, 4);
  EXPECT_EQ(deviating.size(), 5u);
  test::record_agreement("file-location", cases, agreeing, deviating);
}

}  // namespace
}  // namespace tollgate::aws
