#include "sandbox/iam_roles.h"

#include "common/base/encoding.h"
#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

using IamRolesTest = IamTest;

std::string trust_of(const std::string& principal) {
  return R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":")" + principal +
         R"("},"Action":"sts:AssumeRole"}})";
}

TEST_F(IamRolesTest, LiveFromCreateToDelete) {
  const Answer created = call("CreateRole", {{"RoleName", "deploy"},
                                             {"AssumeRolePolicyDocument", kTrustAccount},
                                             {"Description", "<for> deploys"},
                                             {"MaxSessionDuration", "7200"}});
  EXPECT_EQ(text(created, {"Role", "Arn"}), "arn:aws:iam::123456789012:role/deploy");
  EXPECT_EQ(text(created, {"Role", "RoleId"}).substr(0, 4), "AROA");
  EXPECT_EQ(percent_decode(text(created, {"Role", "AssumeRolePolicyDocument"})), kTrustAccount);

  const Answer got = call("GetRole", {{"RoleName", "deploy"}});
  EXPECT_EQ(text(got, {"Role", "Description"}), "<for> deploys");
  EXPECT_EQ(text(got, {"Role", "MaxSessionDuration"}), "7200");
  EXPECT_EQ(text(got, {"Role", "RoleLastUsed"}), "");

  const Answer updated =
      call("UpdateRole", {{"RoleName", "deploy"}, {"MaxSessionDuration", "3600"}, {"Description", ""}});
  expect_done(updated);
  EXPECT_FALSE(updated.result.empty()) << "the Go SDK misses <UpdateRoleResult>";
  EXPECT_EQ(text(call("GetRole", {{"RoleName", "deploy"}}), {"Role", "MaxSessionDuration"}), "3600");
  EXPECT_EQ(
      text(call("UpdateRoleDescription", {{"RoleName", "deploy"}, {"Description", "new"}}), {"Role", "Description"}),
      "new");
  EXPECT_EQ(members(call("ListRoles"), "Roles"), 1U);

  expect_done(call("DeleteRole", {{"RoleName", "deploy"}}));
  expect_refused(call("GetRole", {{"RoleName", "deploy"}}), 404, "NoSuchEntity",
                 "The role with name deploy cannot be found.");
}

TEST_F(IamRolesTest, CheckTheirParameters) {
  EXPECT_EQ(call("CreateRole", {{"RoleName", "r"}}).code, "ValidationError");
  EXPECT_EQ(call("CreateRole",
                 {{"RoleName", "r"}, {"AssumeRolePolicyDocument", kTrustAccount}, {"MaxSessionDuration", "3599"}})
                .code,
            "ValidationError");
  expect_refused(call("CreateRole", {{"RoleName", "r"}, {"AssumeRolePolicyDocument", "nonsense"}}), 400,
                 "MalformedPolicyDocument", "This policy contains invalid Json");
  expect_done(call("CreateRole", {{"RoleName", "r"}, {"AssumeRolePolicyDocument", kTrustAccount}}));
  expect_refused(call("CreateRole", {{"RoleName", "R"}, {"AssumeRolePolicyDocument", kTrustAccount}}), 409,
                 "EntityAlreadyExists", "Role with name R already exists.");
}

TEST_F(IamRolesTest, TrustOnlyPrincipalsThatExist) {
  const auto create = [&](const std::string& principal) {
    return call("CreateRole", {{"RoleName", "r"}, {"AssumeRolePolicyDocument", trust_of(principal)}});
  };
  for (const char* missing :
       {"arn:aws:iam::123456789012:user/nobody", "arn:aws:iam::123456789012:role/none",
        "arn:aws:sts::123456789012:assumed-role/none/x", "arn:aws:iam::123456789012:user/team/ana"}) {
    expect_refused(create(missing), 400, "MalformedPolicyDocument",
                   std::string("Invalid principal in policy: \"AWS\":\"") + missing + "\"");
  }
  for (const char* known : {"arn:aws:iam::123456789012:user/ana", "arn:aws:iam::123456789012:root", "*",
                            "arn:aws:iam::111111111111:user/of-an-account-that-is-not-here"}) {
    expect_done(create(known));
    expect_done(call("DeleteRole", {{"RoleName", "r"}}));
  }
}

TEST_F(IamRolesTest, TrustPoliciesHaveAQuotaThatCountsNoBlanks) {
  const auto padded = [](const std::string& padding) {
    return R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",
            "Condition":{"StringEquals":{"sts:ExternalId":")" +
           std::string(1700, 'x') + R"("}}}})" + padding;
  };
  expect_done(call("CreateRole", {{"RoleName", "r"}, {"AssumeRolePolicyDocument", padded(std::string(3000, ' '))}}));
  const std::string long_id = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",
      "Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":")" +
                              std::string(2048, 'x') + R"("}}}})";
  expect_refused(call("UpdateAssumeRolePolicy", {{"RoleName", "r"}, {"PolicyDocument", long_id}}), 409, "LimitExceeded",
                 "Cannot exceed quota for ACLSizePerRole: 2048");
}

TEST_F(IamRolesTest, TakeANewTrustPolicy) {
  expect_done(call("CreateRole", {{"RoleName", "r"}, {"AssumeRolePolicyDocument", kTrustAccount}}));
  const std::string trust = trust_of("arn:aws:iam::123456789012:user/ana");
  expect_done(call("UpdateAssumeRolePolicy", {{"RoleName", "r"}, {"PolicyDocument", trust}}));
  EXPECT_EQ(world_.roles.find("123456789012/r")->trust_policy, trust);
}

TEST_F(IamRolesTest, AreDeletedLast) {
  expect_done(call("CreateRole", {{"RoleName", "r"}, {"AssumeRolePolicyDocument", kTrustAccount}}));
  expect_done(call("PutRolePolicy", {{"RoleName", "r"}, {"PolicyName", "p"}, {"PolicyDocument", kAllowAll}}));
  expect_refused(call("DeleteRole", {{"RoleName", "r"}}), 409, "DeleteConflict",
                 "Cannot delete entity, must delete policies first.");
}

TEST_F(IamRolesTest, ADeletedRoleIsNotTrustedByItsName) {
  const std::string id =
      text(call("CreateRole", {{"RoleName", "ci"}, {"AssumeRolePolicyDocument", kTrustAccount}}), {"Role", "RoleId"});
  const std::string trust =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/ci"},)"
      R"("Action":"sts:AssumeRole"}})";
  expect_done(call("CreateRole", {{"RoleName", "deploy"}, {"AssumeRolePolicyDocument", trust}}));
  expect_done(call("DeleteRole", {{"RoleName", "ci"}}));
  const std::string after = world_.roles.find(std::string(kAccount) + "/deploy")->trust_policy;
  EXPECT_NE(after.find(R"("AWS":")" + id + R"(")"), std::string::npos) << after;
}

}  // namespace
}  // namespace tollgate::sandbox
