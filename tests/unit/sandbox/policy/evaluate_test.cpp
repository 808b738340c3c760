#include "sandbox/policy/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace tollgate::policy {
namespace {

using testing::HasSubstr;

constexpr const char* kAna = "arn:aws:iam::123456789012:user/ana";
constexpr const char* kAccount = "arn:aws:iam::123456789012:root";
constexpr const char* kSession = "arn:aws:sts::123456789012:assumed-role/ci/build";
constexpr const char* kCiRole = "arn:aws:iam::123456789012:role/ci";
constexpr const char* kForeigner = "arn:aws:iam::999999999999:user/eve";
constexpr const char* kRole = "arn:aws:iam::123456789012:role/deploy";
constexpr const char* kObject = "arn:aws:s3:::bucket/key";

NamedPolicy named(std::string name, const std::string& statements) {
  auto policy = parse_policy(R"({"Version":"2012-10-17","Statement":)" + statements + "}");
  if (!policy) throw std::logic_error(policy.error().text() + " in " + statements);
  return {std::move(name), std::make_shared<const Policy>(std::move(*policy))};
}

// Somebody who wants to read an object of a bucket in account 123456789012.
EvaluationRequest read_object(const std::string& principal) {
  EvaluationRequest request;
  request.principal = principal_from_arn(principal).value();
  request.action = "s3:GetObject";
  request.resource = kObject;
  request.resource_account = "123456789012";
  return request;
}

// Somebody who wants to assume the role deploy.
EvaluationRequest assume(const std::string& principal) {
  EvaluationRequest request;
  request.principal = principal_from_arn(principal).value();
  request.action = "sts:AssumeRole";
  request.resource = kRole;
  request.resource_policy_required = true;
  return request;
}

const std::string kAllowAll = R"({"Effect":"Allow","Action":"*","Resource":"*"})";
const std::string kDenyAll = R"({"Sid":"Never","Effect":"Deny","Action":"*","Resource":"*"})";
const std::string kAllowOther = R"({"Effect":"Allow","Action":"ec2:*","Resource":"*"})";

std::string bucket_allow(const std::string& principal) {
  return R"({"Effect":"Allow","Principal":{"AWS":")" + principal +
         R"("},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"})";
}
std::string trust_allow(const std::string& principal) {
  return R"({"Effect":"Allow","Principal":{"AWS":")" + principal + R"("},"Action":"sts:AssumeRole"})";
}

Outcome outcome(const EvaluationRequest& request) {
  return evaluate(request).outcome;
}

TEST(EvaluateTest, NothingAllowedIsDenied) {
  EXPECT_EQ(outcome(read_object(kAna)), Outcome::implicitly_denied);
}

TEST(EvaluateTest, IdentityPolicyAllows) {
  EvaluationRequest request = read_object(kAna);
  request.identity_policies = {named("all", kAllowAll)};
  EXPECT_EQ(outcome(request), Outcome::allowed);
}

TEST(EvaluateTest, ExplicitDenyWinsWhereverItStands) {
  for (const std::string where : {"identity", "resource", "boundary", "session"}) {
    EvaluationRequest request = read_object(kAna);
    request.identity_policies = {named("all", kAllowAll)};
    request.resource_policy = named("bucket", bucket_allow(kAna));
    request.permissions_boundary = named("boundary", kAllowAll);
    request.session_policies = {named("session", kAllowAll)};
    ASSERT_EQ(outcome(request), Outcome::allowed);
    if (where == "identity") request.identity_policies.push_back(named("no", kDenyAll));
    if (where == "resource") {
      request.resource_policy =
          named("bucket", "[" + bucket_allow(kAna) +
                              R"(,{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::*"}])");
    }
    if (where == "boundary") request.permissions_boundary = named("boundary", "[" + kAllowAll + "," + kDenyAll + "]");
    if (where == "session") request.session_policies.push_back(named("no", kDenyAll));
    EXPECT_EQ(outcome(request), Outcome::explicitly_denied) << where;
  }
}

TEST(EvaluateTest, BoundaryAndSessionPoliciesOnlyNarrow) {
  EvaluationRequest request = read_object(kAna);
  request.identity_policies = {named("all", kAllowAll)};
  request.permissions_boundary = named("boundary", kAllowOther);
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  request.permissions_boundary = named("boundary", kAllowAll);
  EXPECT_EQ(outcome(request), Outcome::allowed);
  request.session_policies = {named("session", kAllowOther)};
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  // Several session policies are one set.
  request.session_policies.push_back(named("session 2", kAllowAll));
  EXPECT_EQ(outcome(request), Outcome::allowed);
  // They give nothing by themselves.
  request.identity_policies.clear();
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
}

TEST(EvaluateTest, RootIsAllowedWithoutPoliciesInItsOwnAccount) {
  EXPECT_EQ(outcome(read_object(kAccount)), Outcome::allowed);
  EvaluationRequest foreign = read_object("arn:aws:iam::999999999999:root");
  EXPECT_EQ(outcome(foreign), Outcome::implicitly_denied);
  foreign.resource_policy = named("bucket", bucket_allow("999999999999"));
  EXPECT_EQ(outcome(foreign), Outcome::allowed);
}

struct ResourceGrant {
  std::string name;
  std::string caller;
  std::string principal;  // in the bucket policy
  bool identity_allows;
  bool boundary_allows;
  bool session_allows;
  Outcome outcome;
};

class ResourceGrantTest : public testing::TestWithParam<ResourceGrant> {};

TEST_P(ResourceGrantTest, OpensWhatItNames) {
  EvaluationRequest request = read_object(GetParam().caller);
  request.resource_policy = named("bucket", bucket_allow(GetParam().principal));
  request.identity_policies = {named("own", GetParam().identity_allows ? kAllowAll : kAllowOther)};
  request.permissions_boundary = named("boundary", GetParam().boundary_allows ? kAllowAll : kAllowOther);
  if (request.principal.type == PrincipalType::role_session) {
    request.session_policies = {named("session", GetParam().session_allows ? kAllowAll : kAllowOther)};
  }
  const Decision decision = evaluate(request);
  EXPECT_EQ(decision.outcome, GetParam().outcome) << decision.reason;
}

INSTANTIATE_TEST_SUITE_P(
    BucketPolicies, ResourceGrantTest,
    testing::Values(
        ResourceGrant{"UserNamedNeedsNothingElse", kAna, kAna, false, false, true, Outcome::allowed},
        ResourceGrant{"EveryoneNamedNeedsNothingElse", kAna, "*", false, false, true, Outcome::allowed},
        ResourceGrant{"AccountNamedDelegates", kAna, kAccount, false, true, true, Outcome::implicitly_denied},
        ResourceGrant{"AccountNumberDelegates", kAna, "123456789012", false, true, true, Outcome::implicitly_denied},
        ResourceGrant{"AccountNamedAndIdentity", kAna, kAccount, true, true, true, Outcome::allowed},
        ResourceGrant{"AccountNamedBoundaryForbids", kAna, kAccount, true, false, true, Outcome::implicitly_denied},
        ResourceGrant{"OtherNamedIdentityIsEnough", kAna, kForeigner, true, true, true, Outcome::allowed},
        ResourceGrant{"SessionNamedNeedsNothingElse", kSession, kSession, false, false, false, Outcome::allowed},
        ResourceGrant{"RoleNamedNeedsNoIdentity", kSession, kCiRole, false, true, true, Outcome::allowed},
        ResourceGrant{"RoleNamedBoundaryForbids", kSession, kCiRole, false, false, true, Outcome::implicitly_denied},
        ResourceGrant{"RoleNamedSessionPolicyForbids", kSession, kCiRole, false, true, false,
                      Outcome::implicitly_denied},
        ResourceGrant{"ForeignerNamedNeedsIdentity", kForeigner, kForeigner, false, true, true,
                      Outcome::implicitly_denied},
        ResourceGrant{"ForeignerNamedAndIdentity", kForeigner, kForeigner, true, true, true, Outcome::allowed},
        ResourceGrant{"ForeignerNamedBoundaryForbids", kForeigner, kForeigner, true, false, true,
                      Outcome::implicitly_denied},
        ResourceGrant{"ForeignAccountAndIdentity", kForeigner, "999999999999", true, true, true, Outcome::allowed},
        ResourceGrant{"ForeignerNotNamed", kForeigner, kAna, true, true, true, Outcome::implicitly_denied},
        ResourceGrant{"ForeignerAndEveryone", kForeigner, "*", true, true, true, Outcome::allowed}),
    [](const auto& test) { return test.param.name; });

TEST(EvaluateTest, IdentityPoliciesAloneOpenNoRole) {
  EvaluationRequest request = assume(kAna);
  request.identity_policies = {named("all", kAllowAll)};
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  request.resource_policy = named("deploy", trust_allow(kForeigner));
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  request.resource_policy = named("deploy", trust_allow(kAccount));
  EXPECT_EQ(outcome(request), Outcome::allowed);
}

TEST(EvaluateTest, PathsBelongToTheName) {
  EvaluationRequest request = assume("arn:aws:iam::123456789012:user/team/ana");
  request.resource_policy = named("deploy", trust_allow(kAna));
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  request.resource_policy = named("deploy", trust_allow("arn:aws:iam::123456789012:user/team/ana"));
  EXPECT_EQ(outcome(request), Outcome::allowed);
}

TEST(EvaluateTest, SessionsAreKnownByTheirRolesPath) {
  EvaluationRequest request = assume(kSession);
  request.principal.role_arn = "arn:aws:iam::123456789012:role/team/ci";
  request.resource_policy = named("deploy", trust_allow(kCiRole));
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  request.resource_policy = named("deploy", trust_allow("arn:aws:iam::123456789012:role/team/ci"));
  EXPECT_EQ(outcome(request), Outcome::allowed);
}

TEST(EvaluateTest, ServicesAreNamedAsServices) {
  EvaluationRequest request = assume("ec2.amazonaws.com");
  request.resource_policy =
      named("deploy", R"({"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"})");
  EXPECT_EQ(outcome(request), Outcome::allowed);
  request.resource_policy =
      named("deploy", R"({"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"})");
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  // A user whose name looks like a service is none.
  request = assume("arn:aws:iam::123456789012:user/s3.amazonaws.com");
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
}

TEST(EvaluateTest, StrangersNeedAPublicResource) {
  EvaluationRequest request = read_object(kAna);
  request.principal = Principal{};
  request.resource_policy = named("bucket", bucket_allow("123456789012"));
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
  request.resource_policy = named("bucket", bucket_allow("*"));
  EXPECT_EQ(outcome(request), Outcome::allowed);
}

TEST(EvaluateTest, NotPrincipalInAllowMeansEveryoneElse) {
  const std::string statement =
      R"({"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/bob"},"Action":"*","Resource":"*"})";
  EvaluationRequest request = read_object(kAna);
  request.resource_policy = named("bucket", statement);
  EXPECT_EQ(outcome(request), Outcome::allowed);
  request.principal = principal_from_arn("arn:aws:iam::123456789012:user/bob").value();
  EXPECT_EQ(outcome(request), Outcome::implicitly_denied);
}

struct NotPrincipalCase {
  std::string name;
  std::string caller;
  std::string listed;  // JSON
  Outcome outcome;
};

class NotPrincipalDenyTest : public testing::TestWithParam<NotPrincipalCase> {};

// IAM User Guide, "AWS JSON policy elements: NotPrincipal": user and account, or session, role and account.
TEST_P(NotPrincipalDenyTest, ExceptsOnlyWhoIsListedWhole) {
  EvaluationRequest request = read_object(GetParam().caller);
  request.identity_policies = {named("all", kAllowAll)};
  request.resource_policy = named(
      "bucket", R"({"Effect":"Deny","NotPrincipal":{"AWS":)" + GetParam().listed + R"(},"Action":"*","Resource":"*"})");
  EXPECT_EQ(outcome(request), GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(
    NotPrincipal, NotPrincipalDenyTest,
    testing::Values(
        NotPrincipalCase{"UserAndAccount", kAna,
                         R"(["arn:aws:iam::123456789012:user/ana","arn:aws:iam::123456789012:root"])",
                         Outcome::allowed},
        NotPrincipalCase{"UserAlone", kAna, R"("arn:aws:iam::123456789012:user/ana")", Outcome::explicitly_denied},
        NotPrincipalCase{"AccountAlone", kAna, R"("123456789012")", Outcome::explicitly_denied},
        NotPrincipalCase{"Other", kAna, R"("arn:aws:iam::123456789012:user/bob")", Outcome::explicitly_denied},
        NotPrincipalCase{"Everyone", kAna, R"("*")", Outcome::allowed},
        NotPrincipalCase{"SessionRoleAndAccount", kSession,
                         R"(["arn:aws:sts::123456789012:assumed-role/ci/build","arn:aws:iam::123456789012:role/ci",
                             "123456789012"])",
                         Outcome::allowed},
        NotPrincipalCase{"RoleAndAccount", kSession, R"(["arn:aws:iam::123456789012:role/ci","123456789012"])",
                         Outcome::explicitly_denied}),
    [](const auto& test) { return test.param.name; });

struct ElementCase {
  std::string name;
  std::string statement;
  bool matches;
};

class ElementTest : public testing::TestWithParam<ElementCase> {};

TEST_P(ElementTest, MatchesActionAndResource) {
  EvaluationRequest request = read_object(kAna);
  request.context.set("aws:username", "bucket");
  request.identity_policies = {named("own", R"({"Effect":"Allow",)" + GetParam().statement + "}")};
  EXPECT_EQ(evaluate(request).allowed(), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Elements, ElementTest,
    testing::Values(
        ElementCase{"ActionCase", R"("Action":"S3:getobject","Resource":"*")", true},
        ElementCase{"ActionPrefix", R"("Action":"s3:Get*","Resource":"*")", true},
        ElementCase{"ActionOther", R"("Action":"s3:GetObjectAcl","Resource":"*")", false},
        ElementCase{"ActionList", R"("Action":["ec2:*","s3:GetObject"],"Resource":"*")", true},
        ElementCase{"ActionVariableIsText", R"("Action":"s3:*${*}","Resource":"*")", false},
        ElementCase{"NotAction", R"("NotAction":"s3:Put*","Resource":"*")", true},
        ElementCase{"NotActionExcluded", R"("NotAction":["ec2:*","s3:*"],"Resource":"*")", false},
        ElementCase{"ResourceOther", R"("Action":"*","Resource":"arn:aws:s3:::bucket")", false},
        ElementCase{"ResourcePrefix", R"("Action":"*","Resource":"arn:aws:s3:::bucket/*")", true},
        ElementCase{"ResourceVariable", R"("Action":"*","Resource":"arn:aws:s3:::${aws:username}/*")", true},
        ElementCase{"ResourceUnknownVariable", R"("Action":"*","Resource":"arn:aws:s3:::${aws:x}*")", false},
        ElementCase{"NotResource", R"("Action":"*","NotResource":"arn:aws:s3:::other/*")", true},
        ElementCase{"NotResourceExcluded", R"("Action":"*","NotResource":"arn:aws:s3:::bucket/*")", false},
        ElementCase{"AllConditionsMustHold",
                    R"("Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"bucket"},
                       "Bool":{"aws:SecureTransport":"true"}})",
                    false}),
    [](const auto& test) { return test.param.name; });

// The MFA pitfalls of the IAM User Guide, "Configuring MFA-protected API access".
struct MfaCase {
  std::string name;
  std::string effect;
  std::string condition;
  std::optional<std::string> mfa_present;
  Outcome outcome;
};

class MfaConditionTest : public testing::TestWithParam<MfaCase> {};

TEST_P(MfaConditionTest, TreatsTheAbsentKeyAsAwsDoes) {
  const MfaCase& one = GetParam();
  EvaluationRequest request = assume(kAna);
  const std::string conditional = R"({"Effect":")" + one.effect + R"(","Principal":{"AWS":")" + kAna +
                                  R"("},"Action":"sts:AssumeRole","Condition":{)" + one.condition + "}}";
  request.resource_policy =
      named("deploy", one.effect == "Allow" ? conditional : "[" + trust_allow(kAna) + "," + conditional + "]");
  if (one.mfa_present) request.context.set("aws:MultiFactorAuthPresent", *one.mfa_present);
  const Decision decision = evaluate(request);
  EXPECT_EQ(decision.outcome, one.outcome) << decision.reason;
}

constexpr const char* kBoolTrue = R"("Bool":{"aws:MultiFactorAuthPresent":"true"})";
constexpr const char* kBoolIfExistsTrue = R"("BoolIfExists":{"aws:MultiFactorAuthPresent":"true"})";
constexpr const char* kBoolFalse = R"("Bool":{"aws:MultiFactorAuthPresent":"false"})";
constexpr const char* kBoolIfExistsFalse = R"("BoolIfExists":{"aws:MultiFactorAuthPresent":"false"})";

INSTANTIATE_TEST_SUITE_P(
    Mfa, MfaConditionTest,
    testing::Values(
        MfaCase{"AllowBoolTrueAbsent", "Allow", kBoolTrue, std::nullopt, Outcome::implicitly_denied},
        MfaCase{"AllowBoolTrueFalse", "Allow", kBoolTrue, "false", Outcome::implicitly_denied},
        MfaCase{"AllowBoolTrueTrue", "Allow", kBoolTrue, "true", Outcome::allowed},
        MfaCase{"AllowBoolIfExistsTrueAbsent", "Allow", kBoolIfExistsTrue, std::nullopt, Outcome::allowed},
        MfaCase{"AllowBoolIfExistsTrueFalse", "Allow", kBoolIfExistsTrue, "false", Outcome::implicitly_denied},
        MfaCase{"DenyBoolIfExistsFalseAbsent", "Deny", kBoolIfExistsFalse, std::nullopt, Outcome::explicitly_denied},
        MfaCase{"DenyBoolIfExistsFalseFalse", "Deny", kBoolIfExistsFalse, "false", Outcome::explicitly_denied},
        MfaCase{"DenyBoolIfExistsFalseTrue", "Deny", kBoolIfExistsFalse, "true", Outcome::allowed},
        MfaCase{"DenyBoolFalseAbsent", "Deny", kBoolFalse, std::nullopt, Outcome::allowed},
        MfaCase{"DenyBoolFalseFalse", "Deny", kBoolFalse, "false", Outcome::explicitly_denied}),
    [](const auto& test) { return test.param.name; });

TEST(PrincipalKeysTest, SayNothingOfMfa) {
  for (const char* caller : {kAna, kSession, kAccount}) {
    Context context;
    add_principal_keys(principal_from_arn(caller).value(), context);
    EXPECT_EQ(context.find("aws:MultiFactorAuthPresent"), nullptr);
    EXPECT_EQ(context.find("aws:MultiFactorAuthAge"), nullptr);
  }
}

TEST(PrincipalKeysTest, FollowFromTheCaller) {
  Context context;
  add_principal_keys(principal_from_arn("arn:aws:iam::123456789012:user/team/ana").value(), context);
  EXPECT_EQ(*context.find("aws:username"), std::vector<std::string>{"ana"});
  EXPECT_EQ(*context.find("aws:principaltype"), std::vector<std::string>{"User"});
  EXPECT_EQ(*context.find("aws:PrincipalAccount"), std::vector<std::string>{"123456789012"});

  Context session;
  session.set("aws:PrincipalAccount", "own");
  add_principal_keys(principal_from_arn(kSession).value(), session);
  EXPECT_EQ(session.find("aws:username"), nullptr);
  EXPECT_EQ(*session.find("aws:PrincipalArn"), std::vector<std::string>{kCiRole});
  EXPECT_EQ(*session.find("aws:PrincipalAccount"), std::vector<std::string>{"own"});
}

TEST(PrincipalFromArnTest, RefusesWhatIsNoPrincipal) {
  for (const char* text : {"", "ana", "arn:aws:iam::123456789012:role/deploy", "arn:aws:iam::12345:user/ana",
                           "arn:aws:iam::123456789012:user/", "arn:aws:sts::123456789012:assumed-role/ci",
                           "arn:aws:sts::123456789012:assumed-role//x", "arn:aws:iam:us-east-1:123456789012:user/ana",
                           "arn:aws:s3:::bucket", ".amazonaws.com"}) {
    EXPECT_FALSE(principal_from_arn(text)) << text;
  }
}

TEST(DecisionTest, NamesPolicyAndStatementThatDecided) {
  EvaluationRequest request = read_object(kAna);
  request.identity_policies = {named("all", kAllowAll), named("no", "[" + kAllowOther + "," + kDenyAll + "]")};
  const Decision decision = evaluate(request);
  EXPECT_EQ(decision.reason, R"(denied by statement 2 "Never" of identity policy "no")");
  EXPECT_EQ(access_denied_message(request, decision),
            "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: s3:GetObject on resource: "
            "arn:aws:s3:::bucket/key with an explicit deny in an identity-based policy");
}

TEST(DecisionTest, NamesTheConditionOfANearMiss) {
  EvaluationRequest request = assume(kAna);
  request.resource_policy = named(
      "deploy", R"([{"Sid":"WithCode","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole",
                   "Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},)" +
                    trust_allow(kForeigner) + "]");
  request.identity_policies = {named("all", kAllowAll)};
  const Decision decision = evaluate(request);
  EXPECT_THAT(decision.reason, HasSubstr("no trust policy allows sts:AssumeRole on " + std::string(kRole)));
  EXPECT_THAT(decision.reason,
              HasSubstr("statement 1 \"WithCode\" of trust policy \"deploy\" would, but for its condition Bool "
                        "aws:MultiFactorAuthPresent \"true\", and the request has no such key"));
  EXPECT_THAT(decision.reason, HasSubstr("statement 2 of trust policy \"deploy\" does not name the caller"));
  EXPECT_EQ(decision.aws_because, "because no role trust policy allows the sts:AssumeRole action");
}

TEST(DecisionTest, NamesEveryKindOfPolicyThatIsMissing) {
  EvaluationRequest request = read_object(kForeigner);
  request.identity_policies = {named("own", kAllowOther)};
  request.permissions_boundary = named("limit", kAllowOther);
  const Decision decision = evaluate(request);
  EXPECT_THAT(decision.reason, HasSubstr("no identity policy allows"));
  EXPECT_THAT(decision.reason, HasSubstr("no resource policy allows"));
  EXPECT_THAT(decision.reason, HasSubstr("no permissions boundary allows"));
  EXPECT_EQ(decision.aws_because, "because no identity-based policy allows the s3:GetObject action");
}

TEST(DecisionTest, NamesWhatAllowed) {
  EvaluationRequest request = assume(kAna);
  request.resource_policy = named("deploy", trust_allow(kAccount));
  request.identity_policies = {named("all", kAllowAll)};
  EXPECT_EQ(evaluate(request).reason,
            R"(allowed by statement 1 of trust policy "deploy" and statement 1 of identity policy "all")");
  EXPECT_EQ(evaluate(read_object(kAccount)).reason, "allowed, being the account's root user");
}

}  // namespace
}  // namespace tollgate::policy
