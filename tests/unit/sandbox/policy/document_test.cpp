#include "sandbox/policy/document.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tollgate::policy {
namespace {

// The document with this one statement.
std::string with(const std::string& statement) {
  return R"({"Version":"2012-10-17","Statement":)" + statement + "}";
}

TEST(ParsePolicyTest, ReadsEveryElement) {
  const auto policy = parse_policy(R"({
    "Version": "2012-10-17", "Id": "example",
    "Statement": [
      {"Sid": "One", "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "arn:aws:s3:::b/*",
       "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*", "b"]}, "Bool": {"aws:SecureTransport": true},
                     "NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}},
      {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "*"}]})",
                                   Kind::identity);
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_EQ(policy->id, "example");
  EXPECT_TRUE(policy->variables);
  ASSERT_EQ(policy->statements.size(), 2U);
  const Statement& one = policy->statements[0];
  EXPECT_EQ(one.sid, "One");
  EXPECT_EQ(one.effect, Effect::allow);
  EXPECT_EQ(one.actions, (std::vector<std::string>{"s3:Get*", "s3:List*"}));
  EXPECT_FALSE(one.not_action);
  ASSERT_EQ(one.conditions.size(), 3U);
  EXPECT_EQ(one.conditions[0].operator_name, "StringLike");
  EXPECT_EQ(one.conditions[0].set_operator, SetOperator::for_any_value);
  EXPECT_TRUE(one.conditions[0].if_exists);
  EXPECT_EQ(one.conditions[0].operator_text(), "ForAnyValue:StringLikeIfExists");
  EXPECT_EQ(one.conditions[1].values, std::vector<std::string>{"true"});
  EXPECT_EQ(one.conditions[2].values, std::vector<std::string>{"3600"});
  const Statement& two = policy->statements[1];
  EXPECT_EQ(two.effect, Effect::deny);
  EXPECT_TRUE(two.not_action);
  EXPECT_TRUE(two.not_resource);
}

TEST(ParsePolicyTest, ReadsPrincipals) {
  const auto policy = parse_policy(with(R"([
    {"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},
    {"Effect":"Allow","Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:user/ana"],"Service":"ec2.amazonaws.com",
     "Federated":"accounts.google.com"},"Action":["sts:AssumeRole","sts:TagSession"]},
    {"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:*"}])"),
                                   Kind::trust);
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_TRUE(policy->statements[0].principal->everyone);
  const PrincipalElement& second = *policy->statements[1].principal;
  EXPECT_FALSE(second.everyone);
  EXPECT_EQ(second.aws, (std::vector<std::string>{"123456789012", "arn:aws:iam::123456789012:user/ana"}));
  EXPECT_EQ(second.services, std::vector<std::string>{"ec2.amazonaws.com"});
  EXPECT_EQ(second.federated, std::vector<std::string>{"accounts.google.com"});
  EXPECT_TRUE(policy->statements[2].principal->everyone);
}

TEST(ParsePolicyTest, OldVersionsKnowNoVariables) {
  for (const std::string version : {"", R"("Version":"2008-10-17",)"}) {
    const auto policy =
        parse_policy("{" + version + R"("Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})", Kind::identity);
    ASSERT_TRUE(policy);
    EXPECT_FALSE(policy->variables);
  }
}

TEST(ParsePolicyTest, ReadsWhatStandsForArnAsArn) {
  const auto policy = parse_policy(with(R"({"Effect":"Allow","Action":"s3:*","Resource":"x:aws:s3:::b"})"));
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->statements[0].resources.front(), "arn:aws:s3:::b");
}

struct Refused {
  std::string name;
  Kind kind;
  std::string document;
  std::string message;
  std::string place;
};

class RefusedPolicyTest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedPolicyTest, SaysWhatIamSaysAndWhere) {
  const auto policy = parse_policy(GetParam().document, GetParam().kind);
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, Code::invalid);
  EXPECT_EQ(policy.error().reason, "MalformedPolicyDocument");
  EXPECT_EQ(policy.error().message, GetParam().message);
  EXPECT_EQ(policy.error().place, GetParam().place);
}

constexpr const char* kSyntax = "Syntax errors in policy.";
constexpr const char* kLegacy = "The policy failed legacy parsing";

Refused identity(std::string name, const std::string& statement, std::string message, std::string place) {
  return {std::move(name), Kind::identity, with(statement), std::move(message), std::move(place)};
}

INSTANTIATE_TEST_SUITE_P(
    Shape, RefusedPolicyTest,
    testing::Values(
        Refused{"NoJson", Kind::identity, "nonsense", kSyntax, ""}, Refused{"Empty", Kind::identity, "", kSyntax, ""},
        Refused{"List", Kind::identity, "[]", kSyntax, ""},
        Refused{"NoStatement", Kind::identity, R"({"Version":"2012-10-17"})", kSyntax, ""},
        Refused{"DuplicateMember", Kind::identity,
                with(R"({"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"})"), kSyntax, ""},
        Refused{"UnknownVersion", Kind::identity,
                R"({"Version":"2013-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})", kSyntax,
                "/Version"},
        Refused{"UnknownElement", Kind::identity,
                R"({"Versoin":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})", kSyntax,
                "/Versoin"},
        identity("NoStatements", "[]", kSyntax, "/Statement"),
        identity("StatementIsText", R"(["x"])", kSyntax, "/Statement/0"),
        identity("UnknownStatementElement", R"([{"Effect":"Allow","Action":"*","Resource":"*","Resources":"*"}])",
                 kSyntax, "/Statement/0/Resources"),
        identity("NoEffect", R"({"Action":"*","Resource":"*"})", kSyntax, "/Statement"),
        identity("WrongEffect", R"({"Effect":"Permit","Action":"*","Resource":"*"})", kSyntax, "/Statement/Effect"),
        identity("SidIsList", R"({"Sid":[],"Effect":"Allow","Action":"*","Resource":"*"})", kSyntax, "/Statement/Sid"),
        identity("ActionIsObject", R"({"Effect":"Allow","Action":{},"Resource":"*"})", kSyntax, "/Statement/Action"),
        identity("ActionHoldsNumber", R"({"Effect":"Allow","Action":["*",1],"Resource":"*"})", kSyntax,
                 "/Statement/Action/1"),
        identity("ActionAndNotAction", R"({"Effect":"Allow","Action":"*","NotAction":[],"Resource":"*"})", kSyntax,
                 "/Statement/NotAction"),
        identity("ResourceAndNotResource", R"({"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"})",
                 kSyntax, "/Statement/NotResource"),
        identity("ConditionIsList", R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":[]})", kSyntax,
                 "/Statement/Condition"),
        identity("ConditionWithoutKey", R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":"x"}})",
                 kSyntax, "/Statement/Condition/Bool"),
        identity("UnknownOperator",
                 R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"a":"b"}}})", kSyntax,
                 "/Statement/Condition/StringIs"),
        identity("NullIfExists",
                 R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NullIfExists":{"a":"true"}}})", kSyntax,
                 "/Statement/Condition/NullIfExists"),
        identity("ConditionValueIsObject",
                 R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:RequestTag/a~b":[{}]}}})",
                 kSyntax, "/Statement/Condition/Bool/aws:RequestTag~1a~0b/0"),
        identity("ConditionValueIsNull",
                 R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":null}}})", kSyntax,
                 "/Statement/Condition/Bool/a")),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Identity, RefusedPolicyTest,
    testing::Values(
        Refused{"ManagedNeedsVersion", Kind::managed, R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})",
                "Policy document must be version 2012-10-17 or greater.", "/Version"},
        Refused{"ManagedNeedsNewVersion", Kind::managed,
                R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})",
                "Policy document must be version 2012-10-17 or greater.", "/Version"},
        identity("Principal", R"({"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"})",
                 "Policy document should not specify a principal.", "/Statement"),
        identity("EffectCase", R"({"Effect":"allow","Action":"*","Resource":"*"})", kLegacy, "/Statement/Effect"),
        identity("NoDate",
                 R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"a":"tomorrow"}}})",
                 kLegacy, "/Statement/Condition/DateLessThan/a"),
        identity("ArnTooShort", R"({"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3::bucket"})", kLegacy,
                 "/Statement/Resource"),
        identity("ArnWithoutService", R"({"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws::::bucket"})",
                 kLegacy, "/Statement/NotResource"),
        identity("DuplicateSid",
                 R"([{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
                     {"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}])",
                 "Statement IDs (SID) in a single policy must be unique.", "/Statement/1/Sid"),
        identity("SidWithBlank", R"({"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"})",
                 "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
                 "[0-9A-Za-z]*",
                 "/Statement/Sid"),
        identity("NoAction", R"({"Effect":"Allow","Resource":"*"})", "Policy statement must contain actions.",
                 "/Statement"),
        identity("EmptyActions", R"({"Effect":"Allow","Action":[],"Resource":"*"})",
                 "Policy statement must contain actions.", "/Statement"),
        identity("NoResource", R"({"Effect":"Allow","Action":"*"})", "Policy statement must contain resources.",
                 "/Statement"),
        identity("ResourceIsNoArn", R"({"Effect":"Allow","Action":"*","Resource":"bucket"})",
                 R"(Resource bucket must be in ARN format or "*".)", "/Statement/Resource"),
        identity("UnknownPartition", R"({"Effect":"Allow","Action":"*","Resource":"arn:azure:s3"})",
                 R"(Partition "azure" is not valid for resource "arn:azure:s3:*:*:*".)", "/Statement/Resource"),
        identity("OnlyPartition", R"({"Effect":"Allow","Action":"*","Resource":"arn:aws"})",
                 "Resource vendor must be fully qualified and cannot contain regexes.", "/Statement/Resource"),
        identity("IamWithRegion", R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:iam:us-east-1:1:user/a"})",
                 "IAM resource arn:aws:iam:us-east-1:1:user/a cannot contain region information.",
                 "/Statement/Resource"),
        identity("BucketWithRegion", R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:us-east-1::b"})",
                 "Resource arn:aws:s3:us-east-1::b can not contain region information.", "/Statement/Resource"),
        identity("IamPath", R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::123456789012:ana"})",
                 "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, "
                 "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, "
                 "report/, access-report/.",
                 "/Statement/Resource"),
        identity("ActionWithoutService", R"({"Effect":"Allow","Action":"GetObject","Resource":"*"})",
                 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", "/Statement/Action"),
        identity("ActionWithTwoColons", R"({"Effect":"Allow","NotAction":"s3:Get:Object","Resource":"*"})",
                 "Actions/Condition can contain only one colon.", "/Statement/NotAction"),
        identity("ActionOfStrangeService", R"({"Effect":"Allow","Action":"s 3:Get","Resource":"*"})",
                 "Vendor s 3 is not valid", "/Statement/Action")),
    [](const auto& test) { return test.param.name; });

Refused trust(std::string name, const std::string& statement, std::string message, std::string place) {
  return {std::move(name), Kind::trust, with(statement), std::move(message), std::move(place)};
}

INSTANTIATE_TEST_SUITE_P(
    Trust, RefusedPolicyTest,
    testing::Values(
        Refused{"NoJson", Kind::trust, "{", "This policy contains invalid Json", ""},
        trust("NoEffect", R"({"Principal":"*","Action":"sts:AssumeRole"})", "Missing required field Effect",
              "/Statement"),
        trust("EffectCase", R"({"Effect":"allow","Principal":"*","Action":"sts:AssumeRole"})", "Invalid effect: allow",
              "/Statement/Effect"),
        trust("NoPrincipal", R"({"Effect":"Allow","Action":"sts:AssumeRole"})", "Missing required field Principal",
              "/Statement"),
        trust("EmptyPrincipal", R"({"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"})",
              "Missing required field Principal cannot be empty!", "/Statement/Principal"),
        trust("AllowNotPrincipal",
              R"({"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"})",
              "Allow with NotPrincipal is not allowed.", "/Statement/NotPrincipal"),
        trust("DenyNotPrincipal",
              R"({"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"})",
              "AssumeRole policy must not contain NotPrincipal field.", "/Statement/NotPrincipal"),
        trust("PrincipalIsName", R"({"Effect":"Allow","Principal":{"AWS":"ana"},"Action":"sts:AssumeRole"})",
              R"(Invalid principal in policy: "AWS":"ana")", "/Statement/Principal/AWS"),
        trust("PrincipalWithWildcard",
              R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/*"},"Action":"sts:AssumeRole"})",
              R"(Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*")", "/Statement/Principal/AWS"),
        trust("UnknownPrincipalKind", R"({"Effect":"Allow","Principal":{"User":"ana"},"Action":"sts:AssumeRole"})",
              R"(Invalid principal in policy: "User")", "/Statement/Principal/User"),
        trust("NoAction", R"({"Effect":"Allow","Principal":"*"})", "Missing required field Action", "/Statement"),
        trust("ForeignAction", R"({"Effect":"Allow","Principal":"*","Action":["sts:AssumeRole","s3:GetObject"]})",
              "AssumeRole policy may only specify STS AssumeRole actions.", "/Statement/Action"),
        trust("EveryAction", R"({"Effect":"Allow","Principal":"*","Action":"*"})",
              "AssumeRole policy may only specify STS AssumeRole actions.", "/Statement/Action"),
        trust("Resource", R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"})",
              "Has prohibited field Resource", "/Statement/Resource"),
        trust("NotResource", R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","NotResource":"*"})",
              "AssumeRole policy must not contain resources.", "/Statement/NotResource"),
        trust("DuplicateSid",
              R"([{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},
                  {"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}])",
              "The Statement Ids in the policy are not unique", "/Statement/1/Sid")),
    [](const auto& test) { return test.param.name; });

class AcceptedPolicyTest : public testing::TestWithParam<std::string> {};

TEST_P(AcceptedPolicyTest, IsRead) {
  const auto policy = parse_policy(with(GetParam()), Kind::managed);
  EXPECT_TRUE(policy) << policy.error().text();
}

INSTANTIATE_TEST_SUITE_P(
    Statements, AcceptedPolicyTest,
    testing::Values(R"({"Effect":"Allow","Action":"*:*","Resource":"*"})",
                    R"({"Effect":"Allow","Action":"no-such.service:Do It","Resource":"*"})",
                    R"({"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"})",
                    R"({"Effect":"Allow","Action":"s3:*","Resource":"arn:aws-us-gov:s3:::b"})",
                    R"({"Effect":"Allow","Action":"s3:*","Resource":"arn:*:s3:::b"})",
                    R"({"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:*"})",
                    R"({"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::123456789012:root"})",
                    R"({"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}"})",
                    R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{}})",
                    R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NoOperator":{}}})",
                    R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a":[]}}})",
                    R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"a":1767225600}}})"));

TEST(ParsePolicyTest, HostileTextIsAnErrorAndNoMore) {
  EXPECT_FALSE(parse_policy(std::string(100000, '[')));
  EXPECT_FALSE(parse_policy(std::string("{\"Version\":\"2012-10-17\",\"Statement\":\0{}}", 40)));
  std::string deep = "\"x\"";
  for (int i = 0; i < 90; ++i)
    deep = "[" + deep + "]";
  EXPECT_FALSE(parse_policy(with(R"({"Effect":"Allow","Action":)" + deep + R"(,"Resource":"*"})")));
}

}  // namespace
}  // namespace tollgate::policy
