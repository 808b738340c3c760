#include "sandbox/sts.h"

#include <gtest/gtest.h>

#include "tests/support/agreement.h"
#include "tests/support/referees.h"
#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

using test::element_text;
using test::kAnaSerial;
using test::kBobSerial;

class Sts : public ::testing::Test {
 protected:
  test::SandboxWorld sandbox_;
  Principal ana_ = sandbox_.user("ana");

  Parameters with_code(Parameters more = {}) {
    more["SerialNumber"] = kAnaSerial;
    more["TokenCode"] = sandbox_.code(kAnaSerial);
    return more;
  }
};

#define EXPECT_REFUSED(answer, http_status, error_code, text) \
  do {                                                        \
    const Answer expect_refused = (answer);                   \
    EXPECT_EQ(expect_refused.status, http_status);            \
    EXPECT_EQ(expect_refused.code, error_code);               \
    EXPECT_EQ(expect_refused.message, text);                  \
  } while (false)

constexpr const char* kWrongCode = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
constexpr const char* kWrongSerial =
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and "
    "associated with this user.";
constexpr const char* kHalf =
    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";

TEST_F(Sts, CallerIdentityNeedsNoPermission) {
  const Answer answer = sandbox_.sts(ana_, "GetCallerIdentity");
  EXPECT_EQ(element_text(answer.result, "Arn"), "arn:aws:iam::111111111111:user/ana");
  EXPECT_EQ(element_text(answer.result, "Account"), "111111111111");
  EXPECT_EQ(element_text(answer.result, "UserId"), ana_.id);
}

TEST_F(Sts, SessionTokenWithACodeCarriesMfa) {
  const Answer answer = sandbox_.sts(ana_, "GetSessionToken", with_code({{"DurationSeconds", "7200"}}));
  ASSERT_FALSE(answer.failed()) << answer.message;
  const Session* session = sandbox_.world.sessions.find(element_text(answer.result, "AccessKeyId"));
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->mfa_at, sandbox_.clock.now());
  EXPECT_EQ(session->expires, sandbox_.clock.now() + std::chrono::hours(2));
  EXPECT_EQ(element_text(answer.result, "Expiration"), "2026-01-02T05:04:05Z");
  EXPECT_EQ(session->access_key_id.substr(0, 4), "ASIA");
}

TEST_F(Sts, SessionTokenWithoutACodeCarriesNone) {
  const Principal caller = sandbox_.session("ana", false);
  EXPECT_TRUE(caller.has_mfa_key());
  EXPECT_FALSE(caller.mfa_present());
  EXPECT_EQ(caller.session->expires - caller.session->issued, std::chrono::hours(12));
}

TEST_F(Sts, LifetimesAreDivided) {
  sandbox_.world.lifetime_divisor = 720;
  const Principal caller = sandbox_.session("ana", true);
  EXPECT_EQ(caller.session->expires - caller.session->issued, std::chrono::minutes(1));
}

TEST_F(Sts, CodesAreCheckedAsAwsDoes) {
  const std::string code = sandbox_.code(kAnaSerial);
  EXPECT_REFUSED(sandbox_.sts(ana_, "GetSessionToken", {{"SerialNumber", kAnaSerial}}), 403, "AccessDenied", kHalf);
  EXPECT_REFUSED(sandbox_.sts(ana_, "GetSessionToken", {{"TokenCode", code}}), 403, "AccessDenied", kHalf);
  EXPECT_REFUSED(sandbox_.sts(ana_, "GetSessionToken", {{"SerialNumber", kBobSerial}, {"TokenCode", code}}), 403,
                 "AccessDenied", kWrongSerial);
  EXPECT_REFUSED(sandbox_.sts(ana_, "GetSessionToken",
                              {{"SerialNumber", "arn:aws:iam::111111111111:user/ana"}, {"TokenCode", code}}),
                 403, "AccessDenied", kWrongSerial);
  const std::string wrong = code == "000000" ? "000001" : "000000";
  EXPECT_REFUSED(sandbox_.sts(ana_, "GetSessionToken", {{"SerialNumber", kAnaSerial}, {"TokenCode", wrong}}), 403,
                 "AccessDenied", kWrongCode);
  EXPECT_FALSE(sandbox_.sts(ana_, "GetSessionToken", with_code()).failed());
  EXPECT_REFUSED(sandbox_.sts(ana_, "GetSessionToken", with_code()), 403, "AccessDenied", kWrongCode);
  EXPECT_REFUSED(sandbox_.sts(ana_, "AssumeRole", with_code({{"RoleArn", test::kAudit}, {"RoleSessionName", "work"}})),
                 403, "AccessDenied", kWrongCode);
}

TEST_F(Sts, ADeviceWithoutAUserOpensNothing) {
  MfaDevice device = *sandbox_.world.devices.find(kAnaSerial);
  device.user.clear();
  sandbox_.world.devices.put(device);
  EXPECT_REFUSED(sandbox_.sts(ana_, "GetSessionToken", with_code()), 403, "AccessDenied", kWrongSerial);
}

TEST_F(Sts, ConstraintsAreWordedAsAwsDoes) {
  struct Case {
    const char* name;
    const char* action;
    Parameters parameters;
    const char* message;
  };
  const Parameters role = {{"RoleArn", test::kAudit}, {"RoleSessionName", "work"}};
  const auto role_with = [&](const char* name, const char* value) {
    Parameters parameters = role;
    parameters[name] = value;
    return parameters;
  };
  for (
      const auto& c : std::vector<Case>{
          {"short session",
           "GetSessionToken",
           {{"DurationSeconds", "899"}},
           "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must "
           "have value greater than or equal to 900"},
          {"long session",
           "GetSessionToken",
           {{"DurationSeconds", "129601"}},
           "1 validation error detected: Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must "
           "have value less than or equal to 129600"},
          {"short code",
           "GetSessionToken",
           {{"SerialNumber", kAnaSerial}, {"TokenCode", "12345"}},
           "1 validation error detected: Value '12345' at 'tokenCode' failed to satisfy constraint: Member must have "
           "length greater than or equal to 6"},
          {"letters",
           "GetSessionToken",
           {{"SerialNumber", kAnaSerial}, {"TokenCode", "12345a"}},
           "1 validation error detected: Value '12345a' at 'tokenCode' failed to satisfy constraint: Member must "
           "satisfy regular expression pattern: [\\d]*"},
          {"two faults",
           "GetSessionToken",
           {{"SerialNumber", "short"}, {"TokenCode", "1"}},
           "2 validation errors detected: Value 'short' at 'serialNumber' failed to satisfy constraint: Member must "
           "have length greater than or equal to 9; Value '1' at 'tokenCode' failed to satisfy constraint: Member must "
           "have length greater than or equal to 6"},
          {"long role", "AssumeRole", role_with("DurationSeconds", "43201"),
           "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must "
           "have value less than or equal to 43200"},
          {"no name",
           "AssumeRole",
           {{"RoleArn", test::kAudit}},
           "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not "
           "be null"},
          {"one letter",
           "AssumeRole",
           {{"RoleArn", test::kAudit}, {"RoleSessionName", "w"}},
           "1 validation error detected: Value 'w' at 'roleSessionName' failed to satisfy constraint: Member must have "
           "length greater than or equal to 2"},
          {"external id", "AssumeRole", role_with("ExternalId", "a b"),
           "1 validation error detected: Value 'a b' at 'externalId' failed to satisfy constraint: Member must satisfy "
           "regular expression pattern: [\\w+=,.@:\\/-]*"},
      }) {
    const Answer answer = sandbox_.sts(ana_, c.action, c.parameters);
    EXPECT_EQ(answer.status, 400) << c.name;
    EXPECT_EQ(answer.code, "ValidationError") << c.name;
    EXPECT_EQ(answer.message, c.message) << c.name;
    EXPECT_EQ(answer.reason.find("12345"), std::string::npos) << "codes stay out of the log";
  }
}

TEST_F(Sts, SessionCredentialsGetNoSessionToken) {
  for (const Principal& caller :
       {sandbox_.session("ana", true), sandbox_.session("ana", false), sandbox_.role_session(test::kDeploy)}) {
    EXPECT_REFUSED(sandbox_.sts(caller, "GetSessionToken"), 403, "AccessDenied",
                   "Cannot call GetSessionToken with session credentials");
    EXPECT_REFUSED(sandbox_.sts(caller, "GetFederationToken", {{"Name", "fed"}}), 403, "AccessDenied",
                   "Cannot call GetFederationToken with session credentials");
  }
}

TEST_F(Sts, SessionsWithoutACodeMayCallNoIam) {
  const Principal without = sandbox_.session("ana", false);
  const Principal with = sandbox_.session("ana", true);
  const auto refused = session_restriction(without, "iam", "ListUsers");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->code, "InvalidClientTokenId");
  EXPECT_EQ(refused->message, "The security token included in the request is invalid");
  EXPECT_FALSE(session_restriction(with, "iam", "ListUsers"));
  for (const Principal& caller : {with, without}) {
    EXPECT_FALSE(session_restriction(caller, "sts", "AssumeRole"));
    EXPECT_FALSE(session_restriction(caller, "sts", "GetCallerIdentity"));
    EXPECT_EQ(session_restriction(caller, "sts", "DecodeAuthorizationMessage")->code, "InvalidClientTokenId");
    EXPECT_FALSE(session_restriction(caller, "s3", "ListBuckets"));
  }
  EXPECT_FALSE(session_restriction(ana_, "iam", "ListUsers"));
  EXPECT_FALSE(session_restriction(sandbox_.role_session(test::kDeploy), "iam", "ListUsers"));
}

TEST_F(Sts, RootSessionsLastOneHour) {
  const Principal root = sandbox_.root("111111111111");
  ASSERT_FALSE(sandbox_.sts(root, "GetSessionToken", {{"DurationSeconds", "36000"}}).failed());
  const Principal caller = sandbox_.last_session();
  EXPECT_EQ(caller.session->expires - caller.session->issued, std::chrono::hours(1));
  EXPECT_REFUSED(sandbox_.sts(root, "AssumeRole", {{"RoleArn", test::kAudit}, {"RoleSessionName", "work"}}), 403,
                 "AccessDenied", "Roles may not be assumed by root accounts.");
}

TEST_F(Sts, FederationNeedsPermissionAndASessionPolicyToBeOfUse) {
  EXPECT_EQ(sandbox_.sts(ana_, "GetFederationToken", {{"Name", "fed"}}).code, "AccessDenied");
  User bob = *sandbox_.world.users.find("111111111111/bob");
  bob.policies.push_back(
      {"federate",
       R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"*"}]})"});
  sandbox_.world.users.put(bob);
  const Answer answer = sandbox_.sts(sandbox_.user("bob"), "GetFederationToken", {{"Name", "fed"}});
  ASSERT_FALSE(answer.failed()) << answer.message;
  EXPECT_EQ(element_text(element_text(answer.result, "FederatedUser"), "Arn"),
            "arn:aws:sts::111111111111:federated-user/fed");
  const Principal fed = sandbox_.last_session();
  EXPECT_EQ(session_restriction(fed, "sts", "AssumeRole")->code, "InvalidClientTokenId");
  EXPECT_EQ(session_restriction(fed, "iam", "ListUsers")->code, "InvalidClientTokenId");
}

TEST_F(Sts, AnUnknownActionIsNamed) {
  EXPECT_REFUSED(sandbox_.sts(ana_, "Juggle"), 400, "InvalidAction",
                 "Could not find operation Juggle for version 2011-06-15");
}

// What AWS answered when LocalStack's authors asked it.
TEST_F(Sts, AgreesWithRecordedAnswers) {
  TG_SKIP_WITHOUT_REFEREE("localstack/sts.snapshot.json");
  const auto document = tollgate::test::read_referee_json("localstack/sts.snapshot.json");
  const auto recorded = [&](const char* test, const char* name) {
    const std::string key = std::string("tests/aws/services/sts/test_sts.py::") + test;
    return *json::Reader(*document).member(key)->member("recorded-content")->member(name);
  };
  int cases = 0;
  const auto compare = [&](const char* test, const char* name, const Answer& answer) {
    const json::Reader expected = recorded(test, name);
    ++cases;
    EXPECT_EQ(answer.code, *expected.member("Error")->text("Code")) << name;
    EXPECT_EQ(answer.message, *expected.member("Error")->text("Message")) << name;
    EXPECT_EQ(answer.status, *expected.member("ResponseMetadata")->integer("HTTPStatusCode")) << name;
  };
  constexpr const char* kInvalid = "TestSTSIntegrations::test_sts_invalid_parameters";
  const auto assume = [&](const char* arn, const char* name = "Session1") {
    return sandbox_.sts(ana_, "AssumeRole", {{"RoleArn", arn}, {"RoleSessionName", name}});
  };
  compare(kInvalid, "malformed-arn", assume("nothing-valid-in-here"));
  compare(kInvalid, "no-partition", assume("arn::b:::something/test-role"));
  compare(kInvalid, "no-service", assume("arn:a::::something/test-role"));
  compare(kInvalid, "not-enough-colons", assume("arn:a:::something/test-role"));
  compare(kInvalid, "no-resource", assume("arn:a:a::aaaaaaaaaa:"));
  compare(kInvalid, "invalid-session-name", assume(test::kAudit, "Session1:2"));
  constexpr const char* kTags = "TestSTSAssumeRoleTagging::test_assume_role_tag_validation";
  compare(kTags, "invalid-transitive-tag-keys",
          sandbox_.sts(ana_, "AssumeRole",
                       {{"RoleArn", test::kAudit},
                        {"RoleSessionName", "work"},
                        {"Tags.member.1.Key", "a"},
                        {"Tags.member.1.Value", "1"},
                        {"TransitiveTagKeys.member.1", "b"}}));
  compare(kTags, "duplicate-tag-keys-different-casing",
          sandbox_.sts(ana_, "AssumeRole",
                       {{"RoleArn", test::kAudit},
                        {"RoleSessionName", "work"},
                        {"Tags.member.1.Key", "name"},
                        {"Tags.member.1.Value", "1"},
                        {"Tags.member.2.Key", "NAME"},
                        {"Tags.member.2.Value", "2"}}));
  constexpr const char* kChain = "TestSTSAssumeRoleTagging::test_iam_role_chaining_override_transitive_tags";
  Principal chained = ana_;
  chained.kind = Principal::Kind::role_session;
  chained.session.emplace();
  chained.session->kind = Session::Kind::role;
  chained.session->tags = {{"team", "x"}};
  chained.session->transitive = {"team"};
  for (const char* key : {"team", "TEAM"}) {
    compare(kChain,
            std::string(key) == "team" ? "override-transitive-tag-error" : "override-transitive-tag-case-ignore-error",
            sandbox_.sts(chained, "AssumeRole",
                         {{"RoleArn", test::kAudit},
                          {"RoleSessionName", "work"},
                          {"Tags.member.1.Key", key},
                          {"Tags.member.1.Value", "y"}}));
  }
  // And the shapes of successes: the same elements in the answer.
  const auto shape = [&](const Answer& answer, const json::Reader& expected) {
    ++cases;
    const auto members = expected.members();
    for (const auto& [name, value] : *members) {
      if (name == "ResponseMetadata") continue;
      EXPECT_NE(answer.result.find("<" + name + ">"), std::string::npos) << name;
      if (!value.value().is_object()) continue;
      const auto inner = value.members();
      for (const auto& [inner_name, text] : *inner) {
        EXPECT_NE(element_text(element_text(answer.result, name), inner_name), "") << name << "/" << inner_name;
      }
    }
  };
  const Principal mfa = sandbox_.session("ana", true);
  shape(sandbox_.sts(mfa, "AssumeRole", {{"RoleArn", test::kAudit}, {"RoleSessionName", "work"}}),
        recorded("TestSTSIntegrations::test_assume_role", "assume-role"));
  User bob = *sandbox_.world.users.find("111111111111/bob");
  bob.policies.push_back(
      {"federate",
       R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"*"}]})"});
  sandbox_.world.users.put(bob);
  shape(sandbox_.sts(sandbox_.user("bob"), "GetFederationToken", {{"Name", "fed"}}),
        recorded("TestSTSIntegrations::test_get_federation_token", "get-federation-token"));
  tollgate::test::record_agreement("localstack-sts", cases, cases, {});
}

// What AWS answered to people, word for word.
TEST_F(Sts, AgreesWithErrorsThatPeopleMet) {
  TG_SKIP_WITHOUT_REFEREE("observed/aws-error-strings.json");
  const auto document = tollgate::test::read_referee_json("observed/aws-error-strings.json");
  const std::string code = sandbox_.code(kAnaSerial);
  const Principal role = sandbox_.role_session(test::kDeploy);
  const Principal without = sandbox_.session("ana", false);
  const Parameters audit = {{"RoleArn", test::kAudit}, {"RoleSessionName", "work"}};
  Parameters wrong_code = audit;
  wrong_code["SerialNumber"] = kAnaSerial;
  wrong_code["TokenCode"] = sandbox_.code(kAnaSerial) == "000000" ? "000001" : "000000";
  Parameters too_long = audit;
  too_long["DurationSeconds"] = "7200";
  Answer not_authorized = sandbox_.sts(
      ana_, "AssumeRole", {{"RoleArn", "arn:aws:iam::222222222222:role/none"}, {"RoleSessionName", "work"}});
  const std::string by = "User: " + ana_.arn;
  not_authorized.message.replace(0, by.size(), "User: <caller-arn>");
  const std::string arn = "arn:aws:iam::222222222222:role/none";
  not_authorized.message.replace(not_authorized.message.find(arn), arn.size(), "<role-arn>");
  const std::vector<std::pair<std::string, Answer>> answers = {
      {"invalid MFA one time", sandbox_.sts(ana_, "AssumeRole", wrong_code)},
      {"unable to validate",
       sandbox_.sts(ana_, "GetSessionToken", {{"SerialNumber", kBobSerial}, {"TokenCode", code}})},
      {"must provide both", sandbox_.sts(ana_, "GetSessionToken", {{"TokenCode", code}})},
      {"Cannot call GetSessionToken", sandbox_.sts(role, "GetSessionToken")},
      {"Cannot call GetFederationToken", sandbox_.sts(role, "GetFederationToken", {{"Name", "fed"}})},
      {"1 hour session limit", sandbox_.sts(without, "AssumeRole", too_long)},
      {"is not authorized to perform", not_authorized},
      {"IAM calls with", *session_restriction(without, "iam", "ListUsers")},
  };
  int agreeing = 0;
  const auto strings = json::Reader(*document).member("strings")->items();
  for (const json::Reader& item : *strings) {
    const std::string message = *item.text("message");
    const std::string op = *item.text("op");
    for (const auto& [key, answer] : answers) {
      if (message.find(key) == std::string::npos && op.find(key) == std::string::npos) continue;
      ++agreeing;
      EXPECT_EQ(answer.message, message);
      EXPECT_EQ(answer.code, *item.text("code"));
      EXPECT_EQ(answer.status, *item.integer("http"));
    }
  }
  // ExpiredToken and InvalidClientTokenId for any call are authentication_test's.
  EXPECT_EQ(agreeing, 8);
}

}  // namespace
}  // namespace tollgate::sandbox
