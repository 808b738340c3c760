#include "broker/deliver/shim_plan.h"

#include <gtest/gtest.h>

namespace tollgate::deliver {
namespace {

using Mode = ShimPlan::Mode;
using Variables = os::Environment::Variables;

const std::vector<DirectoryRule> kRules = {
    {"/home/ana/code", "dev", "config.toml:3"},
    {"/home/ana/code/prod", "prod", "config.toml:6"},
    {"/home/ana/link", "linked", "config.toml:9"},
    {"/home/ana/code/games", "", "config.toml:12"},
};

// /home/ana/link leads to /data/linked; nothing below "missing" is there.
std::string resolve(const std::string& path) {
  if (path.find("missing") != std::string::npos) return "";
  if (path == "/home/ana/link") return "/data/linked";
  std::string real = path;
  for (std::size_t at = real.find("/../"); at != std::string::npos; at = real.find("/../")) {
    const std::size_t before = real.rfind('/', at - 1);
    real.erase(before, at + 3 - before);
  }
  return real;
}

ShimPlan plan(std::string_view program, std::vector<std::string> arguments, Variables variables,
              std::string directory = "/home/ana") {
  const os::Environment environment(std::move(variables));
  return plan_shim({program, arguments, environment, std::move(directory), kRules, "read-only"}, resolve);
}

TEST(ShimPlan, TakesTheDefaultProfile) {
  const ShimPlan made = plan("terraform", {"plan"}, {});
  EXPECT_EQ(made.mode, Mode::deliver);
  EXPECT_EQ(made.profile, "read-only");
  EXPECT_EQ(made.chosen_by, "shim.default_profile");
  EXPECT_EQ(made.traits.work, Work::plan);
}

TEST(ShimPlan, PrefersWhatWasAskedFor) {
  EXPECT_EQ(plan("terraform", {"plan"}, {{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_PROFILE", "b"}}).profile, "a");
  EXPECT_EQ(plan("terraform", {"plan"}, {{"AWS_DEFAULT_PROFILE", "b"}}, "/home/ana/code/prod").profile, "b");
  EXPECT_EQ(plan("terraform", {"plan"}, {{"AWS_PROFILE", ""}}, "/home/ana/code/prod").profile, "prod");
  const ShimPlan flag = plan("aws", {"s3", "ls", "--profile", "c"}, {{"AWS_PROFILE", "a"}});
  EXPECT_EQ(flag.profile, "c");
  EXPECT_EQ(flag.chosen_by, "--profile");
}

TEST(ShimPlan, TakesTheRuleWithTheLongestPath) {
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/home/ana/code").profile, "dev");
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/home/ana/code/other").profile, "dev");
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/home/ana/code/prod/eu").profile, "prod");
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/home/ana/code/prod/eu").chosen_by, "config.toml:6");
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/home/ana/code/production").profile, "dev");
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/home/ana/codeshop").profile, "read-only");
}

TEST(ShimPlan, FollowsLinksInRules) {
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/data/linked/x").profile, "linked");
}

TEST(ShimPlan, LooksWhereTheProgramWillWork) {
  EXPECT_EQ(plan("terraform", {"-chdir=code/prod", "plan"}, {}).profile, "prod");
  EXPECT_EQ(plan("terraform", {"-chdir=/home/ana/code", "plan"}, {}).profile, "dev");
  EXPECT_EQ(plan("terraform", {"-chdir=../prod", "plan"}, {}, "/home/ana/code/dev").profile, "prod");
  EXPECT_EQ(plan("terraform", {"-chdir=missing", "plan"}, {}, "/home/ana/code/prod").profile, "prod");
  EXPECT_EQ(plan("terragrunt", {"--working-dir", "code/prod", "plan"}, {}).profile, "prod");
}

TEST(ShimPlan, StepsAsideForAnEmptyProfile) {
  EXPECT_EQ(plan("terraform", {"plan"}, {}, "/home/ana/code/games/x").mode, Mode::pass);
  const std::vector<std::string> arguments{"plan"};
  const os::Environment environment;
  EXPECT_EQ(plan_shim({"terraform", arguments, environment, "/", kRules, ""}, resolve).mode, Mode::pass);
}

TEST(ShimPlan, StepsAsideInsideAnother) {
  EXPECT_EQ(plan("terraform", {"plan"}, {{"TOLLGATE_PROFILE", "a"}, {"AWS_PROFILE", "a"}}).mode, Mode::pass);
  EXPECT_EQ(plan("terraform", {"plan"}, {{"AWS_VAULT", "a"}}).mode, Mode::pass);
  EXPECT_EQ(plan("terraform", {"plan"}, {{"AWS_VAULT", ""}}).mode, Mode::deliver);
}

TEST(ShimPlan, StepsAsideForSessionKeysWhereNoProfileWasAskedFor) {
  Variables keys{{"AWS_ACCESS_KEY_ID", "ASIAX"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}};
  EXPECT_EQ(plan("terraform", {"plan"}, keys).mode, Mode::pass);
  EXPECT_EQ(plan("aws", {"--profile", "x", "s3", "ls"}, keys).mode, Mode::deliver);
  Variables asked = keys;
  asked["AWS_PROFILE"] = "prod";
  EXPECT_EQ(plan("terraform", {"plan"}, asked).profile, "prod");
  Variables long_term = keys;
  long_term.erase("AWS_SESSION_TOKEN");
  EXPECT_EQ(plan("terraform", {"plan"}, long_term).mode, Mode::deliver);
}

TEST(ShimPlan, StepsAsideWhereNoCredentialsAreNeeded) {
  EXPECT_EQ(plan("terraform", {"fmt"}, {}).mode, Mode::pass);
  EXPECT_EQ(plan("terraform", {"terraform", "pl", "terraform"}, {{"COMP_LINE", "terraform pl"}}).mode, Mode::pass);
}

TEST(ShimPlan, GivesRealFilesToWhatWritesThem) {
  EXPECT_EQ(plan("aws", {"configure"}, {}).mode, Mode::real_files);
  EXPECT_EQ(plan("aws", {"sso", "login"}, {{"TOLLGATE_PROFILE", "prod"}}).mode, Mode::real_files);
}

TEST(RealFiles, AreNamedAgain) {
  const os::Environment inside({{"AWS_CONFIG_FILE", "/cache/overlay/x"},
                                {"AWS_SHARED_CREDENTIALS_FILE", "/cache/overlay/credentials"},
                                {"TOLLGATE_AWS_CONFIG_FILE", "/home/ana/.aws/config"},
                                {"TOLLGATE_AWS_SHARED_CREDENTIALS_FILE", ""},
                                {"AWS_PROFILE", "prod"}});
  EXPECT_EQ(with_real_files(inside),
            os::Environment({{"AWS_CONFIG_FILE", "/home/ana/.aws/config"}, {"AWS_PROFILE", "prod"}}));
  const os::Environment outside(Variables{{"AWS_CONFIG_FILE", "/elsewhere"}});
  EXPECT_EQ(with_real_files(outside), outside);
}

TEST(DirectoryRules, MeasureTheFolderThatALinkLeadsTo) {
  const std::vector<DirectoryRule> rules{
      {"/data", "outer", "x:1"}, {"/home/ana/link", "inner", "x:2"}, {"/l", "link", "x:3"}};
  const auto resolve_links = [](const std::string& path) { return path == "/l" ? "/data/linked/deep" : resolve(path); };
  EXPECT_EQ(rule_for("/data/linked/x", rules, resolve_links)->profile, "inner");
  EXPECT_EQ(rule_for("/data/linked/deep/x", rules, resolve_links)->profile, "link");
  EXPECT_EQ(rule_for("/data/x", rules, resolve_links)->profile, "outer");
}

TEST(DirectoryRules, MatchTheRoot) {
  const std::vector<DirectoryRule> rules{{"/", "all", "x:1"}};
  ASSERT_NE(rule_for("/home/ana", rules, resolve), nullptr);
  EXPECT_EQ(rule_for("/home/ana", {}, resolve), nullptr);
}

}  // namespace
}  // namespace tollgate::deliver
