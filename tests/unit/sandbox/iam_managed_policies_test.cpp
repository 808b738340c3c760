#include "sandbox/iam_managed_policies.h"

#include "common/base/encoding.h"
#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

class IamManagedPoliciesTest : public IamTest {
 protected:
  static constexpr const char* kArn = "arn:aws:iam::123456789012:policy/team/reader";
  Answer create() {
    return call("CreatePolicy", {{"PolicyName", "reader"},
                                 {"Path", "/team/"},
                                 {"PolicyDocument", kAllowAll},
                                 {"Description", "reads"},
                                 {"Tags.member.1.Key", "team"},
                                 {"Tags.member.1.Value", "x"}});
  }
  Answer add_version(const char* as_default = "true") {
    return call("CreatePolicyVersion",
                {{"PolicyArn", kArn}, {"PolicyDocument", kAllowAll}, {"SetAsDefault", as_default}});
  }
};

TEST_F(IamManagedPoliciesTest, LiveFromCreateToDelete) {
  const Answer created = create();
  EXPECT_EQ(text(created, {"Policy", "Arn"}), kArn);
  EXPECT_EQ(text(created, {"Policy", "DefaultVersionId"}), "v1");
  EXPECT_EQ(text(created, {"Policy", "PolicyId"}).substr(0, 4), "ANPA");
  const Answer got = call("GetPolicy", {{"PolicyArn", kArn}});
  EXPECT_EQ(text(got, {"Policy", "Description"}), "reads");
  EXPECT_EQ(text(got, {"Policy", "AttachmentCount"}), "0");
  EXPECT_EQ(text(got, {"Policy", "Tags", "member", "Key"}), "team");
  const Answer version = call("GetPolicyVersion", {{"PolicyArn", kArn}, {"VersionId", "v1"}});
  EXPECT_EQ(percent_decode(text(version, {"PolicyVersion", "Document"})), kAllowAll);
  EXPECT_EQ(members(call("ListPolicies", {{"Scope", "Local"}}), "Policies"), 1U);
  expect_done(call("DeletePolicy", {{"PolicyArn", kArn}}));
  expect_refused(call("GetPolicy", {{"PolicyArn", kArn}}), 404, "NoSuchEntity",
                 std::string("Policy ") + kArn + " was not found.");
}

TEST_F(IamManagedPoliciesTest, NamesAreUniqueAcrossPaths) {
  create();
  expect_refused(call("CreatePolicy", {{"PolicyName", "Reader"}, {"PolicyDocument", kAllowAll}}), 409,
                 "EntityAlreadyExists", "A policy called Reader already exists. Duplicate names are not allowed.");
}

TEST_F(IamManagedPoliciesTest, RefuseMalformedAndOverlongDocuments) {
  expect_refused(call("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", "{}"}}), 400, "MalformedPolicyDocument",
                 "Syntax errors in policy.");
  const std::string old = R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
  expect_refused(call("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", old}}), 400, "MalformedPolicyDocument",
                 "Policy document must be version 2012-10-17 or greater.");
  const std::string overlong =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::)" +
      std::string(6144, 'b') + R"("}})";
  expect_refused(call("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", overlong}}), 409, "LimitExceeded",
                 "Cannot exceed quota for PolicySize: 6144");
}

TEST_F(IamManagedPoliciesTest, KeepFiveVersionsAndNeverUseANumberAgain) {
  create();
  for (int n = 2; n <= 5; ++n) {
    EXPECT_EQ(text(add_version(), {"PolicyVersion", "VersionId"}), "v" + std::to_string(n));
  }
  expect_refused(add_version(), 409, "LimitExceeded",
                 "A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
                 "existing version.");
  expect_done(call("DeletePolicyVersion", {{"PolicyArn", kArn}, {"VersionId", "v2"}}));
  EXPECT_EQ(text(add_version("false"), {"PolicyVersion", "VersionId"}), "v6");
  EXPECT_EQ(members(call("ListPolicyVersions", {{"PolicyArn", kArn}}), "Versions"), 5U);
  EXPECT_EQ(text(call("GetPolicy", {{"PolicyArn", kArn}}), {"Policy", "DefaultVersionId"}), "v5");
  expect_refused(call("GetPolicyVersion", {{"PolicyArn", kArn}, {"VersionId", "v2"}}), 404, "NoSuchEntity",
                 std::string("Policy ") + kArn + " version v2 does not exist or is not attachable.");
}

TEST_F(IamManagedPoliciesTest, TheDefaultVersionDecidesAndStays) {
  create();
  const char* deny = R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})";
  expect_done(call("CreatePolicyVersion", {{"PolicyArn", kArn}, {"PolicyDocument", deny}}));
  expect_done(call("AttachUserPolicy", {{"UserName", "ana"}, {"PolicyArn", kArn}}));
  expect_done(call_as("ana", "ListUsers"));
  expect_done(call("SetDefaultPolicyVersion", {{"PolicyArn", kArn}, {"VersionId", "v2"}}));
  EXPECT_EQ(call_as("ana", "ListUsers").code, "AccessDenied");
  expect_refused(call("DeletePolicyVersion", {{"PolicyArn", kArn}, {"VersionId", "v2"}}), 409, "DeleteConflict",
                 "Cannot delete the default version of a policy.");
}

TEST_F(IamManagedPoliciesTest, AreDeletedOnlyWhenUnused) {
  create();
  add_version();
  expect_refused(call("DeletePolicy", {{"PolicyArn", kArn}}), 409, "DeleteConflict",
                 "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                 "versions. The default version is deleted with the policy.");
  expect_done(call("DeletePolicyVersion", {{"PolicyArn", kArn}, {"VersionId", "v1"}}));
  expect_done(call("AttachUserPolicy", {{"UserName", "ana"}, {"PolicyArn", kArn}}));
  EXPECT_EQ(text(call("GetPolicy", {{"PolicyArn", kArn}}), {"Policy", "AttachmentCount"}), "1");
  EXPECT_EQ(text(call("ListEntitiesForPolicy", {{"PolicyArn", kArn}}), {"PolicyUsers", "member", "UserName"}), "ana");
  expect_refused(call("DeletePolicy", {{"PolicyArn", kArn}}), 409, "DeleteConflict",
                 "Cannot delete a policy attached to entities.");
  expect_done(call("DetachUserPolicy", {{"UserName", "ana"}, {"PolicyArn", kArn}}));
  expect_done(call("PutUserPermissionsBoundary", {{"UserName", "ana"}, {"PermissionsBoundary", kArn}}));
  EXPECT_EQ(call("DeletePolicy", {{"PolicyArn", kArn}}).code, "DeleteConflict");
  expect_done(call("DeleteUserPermissionsBoundary", {{"UserName", "ana"}}));
  expect_done(call("DeletePolicy", {{"PolicyArn", kArn}}));
}

TEST_F(IamManagedPoliciesTest, NobodyChangesThoseOfAws) {
  ManagedPolicy policy;
  policy.account = "aws";
  policy.name = "AdministratorAccess";
  policy.versions = {kAllowAll};
  world_.managed.put(policy);
  expect_done(call("GetPolicy", {{"PolicyArn", policy.arn()}}));
  EXPECT_EQ(call("DeletePolicy", {{"PolicyArn", policy.arn()}}).code, "AccessDenied");
  EXPECT_EQ(call("CreatePolicyVersion", {{"PolicyArn", policy.arn()}, {"PolicyDocument", kAllowAll}}).code,
            "AccessDenied");
  EXPECT_EQ(members(call("ListPolicies", {{"Scope", "AWS"}}), "Policies"), 1U);
}

TEST_F(IamManagedPoliciesTest, ThoseOfOtherAccountsAreOutOfReach) {
  create();
  add_user("eve", kAllowAll, "999999999999");
  EXPECT_EQ(call_as(principal("eve", "999999999999"), "GetPolicy", {{"PolicyArn", kArn}}).code, "NoSuchEntity");
  EXPECT_EQ(
      call_as(principal("eve", "999999999999"), "AttachUserPolicy", {{"UserName", "eve"}, {"PolicyArn", kArn}}).code,
      "NoSuchEntity");
}

TEST_F(IamManagedPoliciesTest, HaveTags) {
  create();
  expect_done(call("TagPolicy", {{"PolicyArn", kArn}, {"Tags.member.1.Key", "b"}, {"Tags.member.1.Value", "2"}}));
  expect_done(call("UntagPolicy", {{"PolicyArn", kArn}, {"TagKeys.member.1", "team"}}));
  const Answer tags = call("ListPolicyTags", {{"PolicyArn", kArn}});
  EXPECT_EQ(members(tags, "Tags"), 1U);
  EXPECT_EQ(text(tags, {"Tags", "member", "Key"}), "b");
}

}  // namespace
}  // namespace tollgate::sandbox
