#include "broker/deliver/command_rules.h"

#include <gtest/gtest.h>

#include "common/base/time.h"

namespace tollgate::deliver {
namespace {

using std::chrono::seconds;

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> result;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    result.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return result;
}

CommandTraits inspect(std::string_view line) {
  std::vector<std::string> all = words(line);
  const std::string program = all.front();
  all.erase(all.begin());
  return inspect_command(program, all);
}

struct WorkCase {
  const char* line;
  Work work;
};

class CommandWork : public testing::TestWithParam<WorkCase> {};

TEST_P(CommandWork, IsReadFromTheArguments) {
  EXPECT_EQ(inspect(GetParam().line).work, GetParam().work);
  EXPECT_TRUE(inspect(GetParam().line).needs_credentials);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, CommandWork,
    testing::Values(WorkCase{"terraform plan", Work::plan}, WorkCase{"terraform plan -destroy", Work::plan},
                    WorkCase{"terraform -chdir=apply plan", Work::plan},
                    WorkCase{"/opt/bin/terraform apply", Work::apply},
                    WorkCase{"tofu apply -auto-approve", Work::apply},
                    WorkCase{"terraform apply -destroy", Work::destroy}, WorkCase{"terraform destroy", Work::destroy},
                    WorkCase{"terraform import a.b id", Work::import}, WorkCase{"terraform state rm a.b", Work::state},
                    WorkCase{"terraform taint a.b", Work::state}, WorkCase{"terraform refresh", Work::state},
                    WorkCase{"terraform force-unlock 1", Work::state}, WorkCase{"terraform test", Work::apply},
                    WorkCase{"terraform init", Work::other}, WorkCase{"terraform output apply", Work::other},
                    WorkCase{"terragrunt apply", Work::apply}, WorkCase{"terragrunt run-all plan", Work::plan},
                    WorkCase{"terragrunt run --all -- apply", Work::apply},
                    WorkCase{"terragrunt run --all destroy", Work::destroy},
                    WorkCase{"terragrunt apply-all", Work::apply}, WorkCase{"terragrunt stack run apply", Work::apply},
                    WorkCase{"terragrunt --working-dir apply run plan", Work::plan},
                    WorkCase{"terragrunt --terragrunt-working-dir=apply output", Work::other},
                    WorkCase{"aws s3 ls", Work::other}, WorkCase{"ansible apply", Work::other}));

class WithoutCredentials : public testing::TestWithParam<const char*> {};

TEST_P(WithoutCredentials, NeedsNone) {
  EXPECT_FALSE(inspect(GetParam()).needs_credentials);
}

INSTANTIATE_TEST_SUITE_P(Lines, WithoutCredentials,
                         testing::Values("terraform", "terraform version", "terraform -version",
                                         "terraform fmt -recursive", "terraform validate",
                                         "terraform login example.com", "terraform plan -help",
                                         "terraform -chdir=x fmt", "tofu --help", "terragrunt", "terragrunt --version",
                                         "terragrunt hclfmt", "terragrunt hcl fmt", "terragrunt run-all plan --help",
                                         "aws", "aws --version", "aws help", "aws s3 help", "aws s3 ls help"));

TEST(CommandTraits, OfTheAwsCli) {
  EXPECT_EQ(inspect("aws --profile prod s3 ls").profile, "prod");
  EXPECT_EQ(inspect("aws s3 ls --profile=prod").profile, "prod");
  EXPECT_EQ(inspect("aws s3 ls --profile").profile, "");
  for (const char* line : {"aws configure", "aws configure set region eu-west-1", "aws --profile x configure sso",
                           "aws sso login", "aws login", "aws logout", "aws --region configure sso logout"}) {
    EXPECT_TRUE(inspect(line).writes_configuration) << line;
  }
  for (const char* line : {"aws configure export-credentials", "aws s3 ls", "aws --region configure s3 ls",
                           "aws ssooidc create-token", "terraform login"}) {
    EXPECT_FALSE(inspect(line).writes_configuration) << line;
  }
}

TEST(CommandTraits, TellTheDirectory) {
  EXPECT_EQ(inspect("terraform -chdir=envs/prod apply").directory, "envs/prod");
  EXPECT_EQ(inspect("terraform apply -chdir=envs/prod").directory, "");
  EXPECT_EQ(inspect("terragrunt --working-dir a run plan").directory, "a");
  EXPECT_EQ(inspect("terragrunt plan --terragrunt-working-dir=b").directory, "b");
}

TEST(MinTtl, FollowsTheRules) {
  MinTtlRules rules;
  rules.import = seconds(60);
  EXPECT_EQ(min_ttl_for(Work::plan, rules), seconds(900));
  EXPECT_EQ(min_ttl_for(Work::apply, rules), seconds(7200));
  EXPECT_EQ(min_ttl_for(Work::destroy, rules), seconds(7200));
  EXPECT_EQ(min_ttl_for(Work::state, rules), seconds(7200));
  EXPECT_EQ(min_ttl_for(Work::import, rules), seconds(60));
  EXPECT_EQ(min_ttl_for(Work::other, rules), seconds(0));
}

TEST(MinTtl, IsAtLeastWhatEveryCommandNeeds) {
  MinTtlRules rules;
  rules.other = seconds(1800);
  EXPECT_EQ(min_ttl_for(Work::plan, rules), seconds(1800));
  EXPECT_EQ(min_ttl_for(Work::other, rules), seconds(1800));
}

}  // namespace
}  // namespace tollgate::deliver
