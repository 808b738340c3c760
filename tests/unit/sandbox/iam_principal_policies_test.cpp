#include "sandbox/iam_principal_policies.h"

#include "common/base/encoding.h"
#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

// Everything that exists for users and roles alike, held to both.
struct Names {
  std::string noun;   // User
  std::string lower;  // user
};

class IamPrincipalPoliciesTest : public IamTest, public testing::WithParamInterface<Names> {
 protected:
  void SetUp() override {
    expect_done(call("CreateRole", {{"RoleName", "ana"}, {"AssumeRolePolicyDocument", kTrustAccount}}));
    ASSERT_FALSE(call("CreatePolicy", {{"PolicyName", "m"}, {"PolicyDocument", kAllowAll}}).failed());
  }
  std::string action(const std::string& before, const std::string& after) { return before + GetParam().noun + after; }
  std::string name() { return GetParam().noun + "Name"; }
  static constexpr const char* kArn = "arn:aws:iam::123456789012:policy/m";
};

TEST_P(IamPrincipalPoliciesTest, InlinePolicies) {
  expect_done(call(action("Put", "Policy"), {{name(), "ana"}, {"PolicyName", "b"}, {"PolicyDocument", kAllowAll}}));
  expect_done(call(action("Put", "Policy"), {{name(), "ana"}, {"PolicyName", "a"}, {"PolicyDocument", kAllowAll}}));
  const Answer got = call(action("Get", "Policy"), {{name(), "ana"}, {"PolicyName", "a"}});
  EXPECT_EQ(text(got, {name()}), "ana");
  EXPECT_EQ(percent_decode(text(got, {"PolicyDocument"})), kAllowAll);
  const aws::XmlElement listed = tree(call(action("List", "Policies"), {{name(), "ana"}}));
  ASSERT_EQ(listed.find("PolicyNames")->children.size(), 2U);
  EXPECT_EQ(listed.find("PolicyNames")->children[0].text, "a");
  expect_done(call(action("Delete", "Policy"), {{name(), "ana"}, {"PolicyName", "a"}}));
  for (const char* verb : {"Get", "Delete"}) {
    expect_refused(call(action(verb, "Policy"), {{name(), "ana"}, {"PolicyName", "a"}}), 404, "NoSuchEntity",
                   "The " + GetParam().lower + " policy with name a cannot be found.");
  }
}

TEST_P(IamPrincipalPoliciesTest, InlinePoliciesHaveOneQuotaTogether) {
  const auto document = [](std::size_t size) {
    return R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::)" +
           std::string(size, 'b') + R"("}})";
  };
  const std::size_t quota = GetParam().noun == "User" ? 2048 : 10240;
  expect_done(
      call(action("Put", "Policy"), {{name(), "ana"}, {"PolicyName", "a"}, {"PolicyDocument", document(quota / 2)}}));
  expect_refused(
      call(action("Put", "Policy"), {{name(), "ana"}, {"PolicyName", "b"}, {"PolicyDocument", document(quota / 2)}}),
      409, "LimitExceeded",
      "Maximum policy size of " + std::to_string(quota) + " bytes exceeded for " + GetParam().lower + " ana");
  // Replacing one counts it once.
  expect_done(
      call(action("Put", "Policy"), {{name(), "ana"}, {"PolicyName", "a"}, {"PolicyDocument", document(quota / 2)}}));
}

TEST_P(IamPrincipalPoliciesTest, MalformedInlinePolicy) {
  const std::string with_principal =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}})";
  expect_refused(
      call(action("Put", "Policy"), {{name(), "ana"}, {"PolicyName", "a"}, {"PolicyDocument", with_principal}}), 400,
      "MalformedPolicyDocument", "Policy document should not specify a principal.");
}

TEST_P(IamPrincipalPoliciesTest, AttachedPolicies) {
  expect_done(call(action("Attach", "Policy"), {{name(), "ana"}, {"PolicyArn", kArn}}));
  expect_done(call(action("Attach", "Policy"), {{name(), "ana"}, {"PolicyArn", kArn}}));  // twice is once
  const Answer listed = call(action("ListAttached", "Policies"), {{name(), "ana"}});
  EXPECT_EQ(members(listed, "AttachedPolicies"), 1U);
  EXPECT_EQ(text(listed, {"AttachedPolicies", "member", "PolicyName"}), "m");
  EXPECT_EQ(text(listed, {"AttachedPolicies", "member", "PolicyArn"}), kArn);
  expect_done(call(action("Detach", "Policy"), {{name(), "ana"}, {"PolicyArn", kArn}}));
  expect_refused(call(action("Detach", "Policy"), {{name(), "ana"}, {"PolicyArn", kArn}}), 404, "NoSuchEntity",
                 std::string("Policy ") + kArn + " was not found.");
  expect_refused(call(action("Attach", "Policy"), {{name(), "ana"}, {"PolicyArn", std::string(kArn) + "123"}}), 404,
                 "NoSuchEntity", std::string("Policy ") + kArn + "123 does not exist or is not attachable.");
}

TEST_P(IamPrincipalPoliciesTest, AttachingIsLimitedByConditionAndQuota) {
  permit("ana", R"({"Effect":"Allow","Action":"iam:*","Resource":"*",
                    "Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::*:policy/allowed"}}})");
  EXPECT_EQ(call_as("ana", action("Attach", "Policy"), {{name(), "ana"}, {"PolicyArn", kArn}}).code, "AccessDenied");
  for (int n = 0; n < 10; ++n) {
    const std::string policy = "p" + std::to_string(n);
    expect_done(call("CreatePolicy", {{"PolicyName", policy}, {"PolicyDocument", kAllowAll}}));
    expect_done(call(action("Attach", "Policy"),
                     {{name(), "ana"}, {"PolicyArn", "arn:aws:iam::123456789012:policy/" + policy}}));
  }
  expect_refused(call(action("Attach", "Policy"), {{name(), "ana"}, {"PolicyArn", kArn}}), 409, "LimitExceeded",
                 "Cannot exceed quota for PoliciesPer" + GetParam().noun + ": 10");
}

TEST_P(IamPrincipalPoliciesTest, PermissionsBoundary) {
  expect_done(call(action("Put", "PermissionsBoundary"), {{name(), "ana"}, {"PermissionsBoundary", kArn}}));
  const Answer got = call(action("Get", ""), {{name(), "ana"}});
  EXPECT_EQ(text(got, {GetParam().noun, "PermissionsBoundary", "PermissionsBoundaryArn"}), kArn);
  expect_done(call(action("Delete", "PermissionsBoundary"), {{name(), "ana"}}));
  EXPECT_EQ(call(action("Delete", "PermissionsBoundary"), {{name(), "ana"}}).code, "NoSuchEntity");
  EXPECT_EQ(call(action("Put", "PermissionsBoundary"),
                 {{name(), "ana"}, {"PermissionsBoundary", "arn:aws:iam::123456789012:policy/none"}})
                .code,
            "NoSuchEntity");
}

TEST_P(IamPrincipalPoliciesTest, Tags) {
  expect_done(call(action("Tag", ""), {{name(), "ana"},
                                       {"Tags.member.1.Key", "Team"},
                                       {"Tags.member.1.Value", "x"},
                                       {"Tags.member.2.Key", "cost"},
                                       {"Tags.member.2.Value", ""}}));
  // The same key in another case is the same tag.
  expect_done(call(action("Tag", ""), {{name(), "ana"}, {"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "y"}}));
  const Answer listed = call(action("List", "Tags"), {{name(), "ana"}});
  EXPECT_EQ(members(listed, "Tags"), 2U);
  expect_done(call(action("Untag", ""), {{name(), "ana"}, {"TagKeys.member.1", "team"}, {"TagKeys.member.2", "none"}}));
  EXPECT_EQ(members(call(action("List", "Tags"), {{name(), "ana"}}), "Tags"), 1U);
}

TEST_P(IamPrincipalPoliciesTest, OfNobody) {
  for (const std::string& verb : {action("ListAttached", "Policies"), action("List", "Policies"),
                                  action("List", "Tags"), action("Delete", "PermissionsBoundary")}) {
    expect_refused(call(verb, {{name(), "nobody"}}), 404, "NoSuchEntity",
                   "The " + GetParam().lower + " with name nobody cannot be found.");
  }
}

INSTANTIATE_TEST_SUITE_P(UsersAndRoles, IamPrincipalPoliciesTest,
                         testing::Values(Names{"User", "user"}, Names{"Role", "role"}),
                         [](const auto& test) { return test.param.noun; });

}  // namespace
}  // namespace tollgate::sandbox
