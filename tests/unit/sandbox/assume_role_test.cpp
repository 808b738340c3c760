#include "sandbox/assume_role.h"

#include <gtest/gtest.h>

#include "sandbox/authorize.h"
#include "sandbox/iam_principals.h"
#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

using test::element_text;
using test::kAnaSerial;
using test::kDeploy;

class AssumeRole : public ::testing::Test {
 protected:
  test::SandboxWorld sandbox_;
  Principal ana_ = sandbox_.user("ana");

  static Parameters deploy(Parameters more = {}) {
    more.insert({{"RoleArn", kDeploy}, {"RoleSessionName", "work"}, {"ExternalId", test::kExternalId}});
    return more;
  }
  Parameters with_code(Parameters more) {
    more["SerialNumber"] = kAnaSerial;
    more["TokenCode"] = sandbox_.code(kAnaSerial);
    return more;
  }
  std::string denied(const Principal& caller, Parameters parameters) {
    const Answer answer = sandbox_.sts(caller, "AssumeRole", std::move(parameters));
    EXPECT_EQ(answer.code, "AccessDenied");
    EXPECT_EQ(answer.status, 403);
    return answer.message;
  }
  void set_trust(const char* document) {
    Role role = *sandbox_.world.role_by_arn(kDeploy);
    role.trust_policy = document;
    sandbox_.world.roles.put(role);
  }
};

TEST_F(AssumeRole, TheClassicQuestion) {
  const std::string refusal =
      "User: arn:aws:iam::111111111111:user/ana is not authorized to perform: sts:AssumeRole on resource: ";
  EXPECT_EQ(denied(ana_, deploy()), refusal + kDeploy + " with an explicit deny in an identity-based policy");
  const Answer direct = sandbox_.sts(ana_, "AssumeRole", with_code(deploy({{"DurationSeconds", "14400"}})));
  ASSERT_FALSE(direct.failed()) << direct.message;
  EXPECT_EQ(element_text(element_text(direct.result, "AssumedRoleUser"), "Arn"),
            "arn:aws:sts::222222222222:assumed-role/deploy/work");
  const Principal session = sandbox_.session("ana", true);
  EXPECT_FALSE(sandbox_.sts(session, "AssumeRole", deploy()).failed());
  const Principal without = sandbox_.session("ana", false);
  EXPECT_EQ(denied(without, deploy()), refusal + kDeploy + " with an explicit deny in an identity-based policy");
}

TEST_F(AssumeRole, TheTrustPolicyDecides) {
  const Principal session = sandbox_.session("ana", true);
  const Principal bob = sandbox_.session("bob", true);
  Parameters no_external_id = deploy();
  no_external_id.erase("ExternalId");
  Parameters wrong_external_id = deploy();
  wrong_external_id["ExternalId"] = "another";
  const std::string tail = fmt::format(" is not authorized to perform: sts:AssumeRole on resource: {}", kDeploy);
  EXPECT_EQ(denied(session, no_external_id), "User: arn:aws:iam::111111111111:user/ana" + tail);
  EXPECT_EQ(denied(session, wrong_external_id), "User: arn:aws:iam::111111111111:user/ana" + tail);
  EXPECT_EQ(denied(bob, deploy()), "User: arn:aws:iam::111111111111:user/bob" + tail);
}

TEST_F(AssumeRole, TheTrustPolicySeesTheAgeOfTheCode) {
  const Parameters audit = {{"RoleArn", test::kAudit}, {"RoleSessionName", "work"}};
  const Principal session = sandbox_.session("ana", true);
  sandbox_.clock.advance(std::chrono::seconds(3599));
  EXPECT_FALSE(sandbox_.sts(session, "AssumeRole", audit).failed());
  sandbox_.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(sandbox_.sts(session, "AssumeRole", audit).code, "AccessDenied");
  EXPECT_FALSE(sandbox_.sts(session, "AssumeRole", with_code(audit)).failed()) << "a code in the call itself is fresh";
}

TEST_F(AssumeRole, ARoleOfAnotherPathOrNoRoleIsNotAuthorized) {
  const Principal session = sandbox_.session("ana", true);
  for (const char* arn : {"arn:aws:iam::222222222222:role/deploy", "arn:aws:iam::222222222222:role/team/none",
                          "arn:aws:iam::999999999999:role/x", "arn:aws:s3:::tollgate-state"}) {
    Parameters parameters = deploy();
    parameters["RoleArn"] = arn;
    EXPECT_EQ(denied(session, parameters),
              fmt::format("User: arn:aws:iam::111111111111:user/ana is not authorized to perform: sts:AssumeRole on "
                          "resource: {}",
                          arn));
  }
}

TEST_F(AssumeRole, ARoleSessionCarriesNoMfa) {
  const Principal role = sandbox_.role_session(kDeploy);
  EXPECT_FALSE(role.has_mfa_key());
  const ContextKeys keys = request_context(sandbox_.world, sandbox_.call(role, "AssumeRole"));
  EXPECT_EQ(keys.count("aws:MultiFactorAuthPresent"), 0U);
  EXPECT_EQ(keys.count("aws:MultiFactorAuthAge"), 0U);
  const ContextKeys of_user = request_context(sandbox_.world, sandbox_.call(ana_, "AssumeRole"));
  EXPECT_EQ(of_user.count("aws:MultiFactorAuthPresent"), 0U);
  const ContextKeys of_session =
      request_context(sandbox_.world, sandbox_.call(sandbox_.session("ana", false), "AssumeRole"));
  EXPECT_EQ(of_session.at("aws:MultiFactorAuthPresent"), std::vector<std::string>{"false"});
}

TEST_F(AssumeRole, DurationsHaveTheirLimits) {
  const Principal session = sandbox_.session("ana", true);
  const Answer chained = sandbox_.sts(session, "AssumeRole", deploy({{"DurationSeconds", "3601"}}));
  EXPECT_EQ(chained.code, "ValidationError");
  EXPECT_EQ(chained.message,
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  sandbox_.clock.advance(std::chrono::seconds(kTotpPeriod));
  const Answer over_role = sandbox_.sts(ana_, "AssumeRole", with_code(deploy({{"DurationSeconds", "14401"}})));
  EXPECT_EQ(over_role.code, "ValidationError");
  EXPECT_EQ(over_role.message, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  EXPECT_FALSE(sandbox_.sts(ana_, "AssumeRole", with_code(deploy())).failed()) << "the code was not spent";
  const Principal role = sandbox_.last_session();
  EXPECT_EQ(role.session->expires - role.session->issued, std::chrono::hours(1));
}

TEST_F(AssumeRole, ACodeIsSpentBeforeTrustIsAsked) {
  Parameters wrong = deploy();
  wrong["ExternalId"] = "another";
  EXPECT_NE(denied(ana_, with_code(wrong)).find("sts:AssumeRole"), std::string::npos);
  EXPECT_EQ(denied(ana_, with_code(deploy())), "MultiFactorAuthentication failed with invalid MFA one time pass code.");
}

TEST_F(AssumeRole, TagsAndSourceIdentityNeedTheirOwnTrust) {
  const Principal session = sandbox_.session("ana", true);
  const Parameters tagged = deploy({{"Tags.member.1.Key", "run"}, {"Tags.member.1.Value", "7"}});
  const Parameters named = deploy({{"SourceIdentity", "ana"}});
  EXPECT_EQ(denied(session, tagged),
            fmt::format("User: {} is not authorized to perform: sts:TagSession on resource: {}", ana_.arn, kDeploy));
  EXPECT_EQ(
      denied(session, named),
      fmt::format("User: {} is not authorized to perform: sts:SetSourceIdentity on resource: {}", ana_.arn, kDeploy));
  set_trust(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::111111111111:user/ana"},
    "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]})");
  User ana = *sandbox_.world.users.find("111111111111/ana");
  ana.policies.push_back({"sts", R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"sts:*","Resource":"*"}]})"});
  sandbox_.world.users.put(ana);
  EXPECT_FALSE(sandbox_.sts(session, "AssumeRole", tagged).failed());
  sandbox_.clock.advance(std::chrono::seconds(1));
  const Answer answer = sandbox_.sts(session, "AssumeRole", named);
  EXPECT_EQ(element_text(answer.result, "SourceIdentity"), "ana");
  EXPECT_EQ(sandbox_.last_session().session->source_identity, "ana");
}

TEST_F(AssumeRole, TransitiveTagsAndSourceIdentityFollowTheChain) {
  set_trust(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},
    "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]})");
  Role role = *sandbox_.world.role_by_arn(kDeploy);
  role.policies.push_back({"sts", R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"sts:*","Resource":"*"}]})"});
  sandbox_.world.roles.put(role);
  User ana = *sandbox_.world.users.find("111111111111/ana");
  ana.policies = {{"sts", R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"sts:*","Resource":"*"}]})"}};
  sandbox_.world.users.put(ana);
  ASSERT_FALSE(sandbox_
                   .sts(ana_, "AssumeRole",
                        deploy({{"Tags.member.1.Key", "team"},
                                {"Tags.member.1.Value", "x"},
                                {"Tags.member.2.Key", "own"},
                                {"Tags.member.2.Value", "y"},
                                {"TransitiveTagKeys.member.1", "team"},
                                {"SourceIdentity", "ana"}}))
                   .failed());
  const Principal first = sandbox_.last_session();
  sandbox_.clock.advance(std::chrono::seconds(1));
  const Answer again = sandbox_.sts(first, "AssumeRole", deploy());
  ASSERT_FALSE(again.failed()) << again.message;
  const Principal second = sandbox_.last_session();
  EXPECT_EQ(second.session->tags, (Tags{{"team", "x"}}));
  EXPECT_EQ(second.session->source_identity, "ana");
  EXPECT_EQ(
      denied(first, deploy({{"SourceIdentity", "bob"}})),
      fmt::format("User: {} is not authorized to perform: sts:SetSourceIdentity on resource: {}", first.arn, kDeploy));
}

TEST_F(AssumeRole, SessionPoliciesOnlyTakeAway) {
  const Principal narrow = sandbox_.role_session(kDeploy, {{"Policy", R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["s3:ListBucket","ec2:*"],"Resource":"*"}]})"}});
  const Call call = sandbox_.call(narrow, "x");
  EXPECT_FALSE(authorize(sandbox_.world, call, "s3:ListBucket", "arn:aws:s3:::tollgate-state"));
  EXPECT_TRUE(authorize(sandbox_.world, call, "s3:PutObject", "arn:aws:s3:::tollgate-state/x"));
  EXPECT_TRUE(authorize(sandbox_.world, call, "ec2:RunInstances", "*"));
  const Answer bad = sandbox_.sts(sandbox_.session("ana", true), "AssumeRole", deploy({{"Policy", "{}x"}}));
  EXPECT_EQ(bad.code, "MalformedPolicyDocument");
  EXPECT_EQ(bad.status, 400);
}

TEST_F(AssumeRole, RefusalsOfIamActionsSayWhy) {
  const auto refused = authorize(sandbox_.world, sandbox_.call(sandbox_.session("ana", true), "x"), "iam:CreateUser",
                                 "arn:aws:iam::111111111111:user/eve");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message,
            "User: arn:aws:iam::111111111111:user/ana is not authorized to perform: iam:CreateUser on resource: "
            "arn:aws:iam::111111111111:user/eve because no identity-based policy allows the iam:CreateUser action");
}

TEST_F(AssumeRole, ATrustedUserWhoIsMadeAnewIsAStranger) {
  User bob = *sandbox_.world.users.find("111111111111/bob");
  set_trust(R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":)"
            R"("arn:aws:iam::111111111111:user/bob"},"Action":"sts:AssumeRole"}})");
  const Principal before = sandbox_.session("bob", true);
  ASSERT_FALSE(sandbox_.sts(before, "AssumeRole", deploy()).failed());
  rename_in_principals(sandbox_.world, bob.arn(), bob.id);
  EXPECT_NE(denied(before, deploy()).find("sts:AssumeRole"), std::string::npos);
}

TEST_F(AssumeRole, ABoundaryThatIsMissingPermitsNothing) {
  const Principal session = sandbox_.session("ana", true);
  ASSERT_FALSE(sandbox_.sts(session, "AssumeRole", deploy()).failed());
  User ana = *sandbox_.world.users.find("111111111111/ana");
  ana.permissions_boundary = "arn:aws:iam::111111111111:policy/gone";
  sandbox_.world.users.put(ana);
  EXPECT_NE(denied(session, deploy()).find("permissions boundary"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::sandbox
