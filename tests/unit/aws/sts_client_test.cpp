#include "aws/sts_client.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aws/query.h"
#include "aws/sigv4.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/aws/scripted_client.h"

namespace tollgate::aws {
namespace {

using net::Delivery;
using std::chrono::seconds;

const std::string kRole = "arn:aws:iam::123456789012:role/deploy";
const std::string kSerial = "arn:aws:iam::123456789012:mfa/alice";

std::string credentials_xml(const std::string& operation, const std::string& more = "") {
  return "<" + operation + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + operation +
         "Result><Credentials><AccessKeyId>ASIANEW</AccessKeyId><SecretAccessKey>new+secret/=</SecretAccessKey>"
         "<SessionToken>new token</SessionToken><Expiration>2026-01-02T15:04:05Z</Expiration></Credentials>" +
         more + "</" + operation + "Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></" +
         operation + "Response>";
}

std::string error_xml(const std::string& code, const std::string& message = "") {
  return "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error><RequestId>r-1</RequestId></ErrorResponse>";
}

const std::string kWrongCode =
    error_xml("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.");
const std::string kSkew = error_xml("SignatureDoesNotMatch", "Signature expired: a is now earlier than b");
const std::string kThrottled = error_xml("Throttling", "Rate exceeded");

class StsClientTest : public testing::Test {
 protected:
  StsClientTest() {
    keys.access_key_id = "AKIAIOSFODNN7EXAMPLE";
    keys.secret_access_key = Secret("secret");
  }
  StsClient client(const std::string& url = "https://sts.eu-west-1.amazonaws.com", StsOptions options = {}) {
    Endpoint endpoint;
    endpoint.url = url;
    endpoint.signing_region = "eu-west-1";
    return StsClient(http, clock, endpoint, options);
  }
  static MfaCode code(const std::string& digits = "123456") { return {kSerial, Secret(digits)}; }
  static AssumeRoleRequest role_request() {
    AssumeRoleRequest request;
    request.role_arn = kRole;
    request.session_name = "alice-1";
    return request;
  }
  QueryParameters sent(std::size_t index) { return *parse_query(http.requests.at(index).body); }

  ScriptedClient http;
  test::ManualClock clock;
  Credentials keys;
};

TEST_F(StsClientTest, GetCallerIdentity) {
  http.answer(200,
              "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
              "<Arn>arn:aws:iam::123456789012:user/alice</Arn><UserId>AIDAX</UserId><Account>123456789012</Account>"
              "</GetCallerIdentityResult></GetCallerIdentityResponse>");
  const auto identity = client().get_caller_identity(keys);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->account, "123456789012");
  EXPECT_EQ(identity->arn, "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(identity->user_id, "AIDAX");
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(request.body, "Action=GetCallerIdentity&Version=2011-06-15");
  const WireRequest wire{"POST", "/", request.headers, request.body};
  const auto authorization = parse_authorization(wire);
  ASSERT_TRUE(authorization);
  EXPECT_EQ(authorization->scope.region, "eu-west-1");
  EXPECT_EQ(authorization->scope.service, "sts");
  EXPECT_EQ(verify(wire, *authorization, keys.secret_access_key), Verdict::valid);
}

TEST_F(StsClientTest, GetSessionTokenWithCode) {
  http.answer(200, credentials_xml("GetSessionToken"));
  const auto session = client().get_session_token(keys, seconds(43200), code());
  ASSERT_TRUE(session);
  EXPECT_EQ(session->access_key_id, "ASIANEW");
  EXPECT_EQ(session->secret_access_key.reveal(), "new+secret/=");
  EXPECT_EQ(session->session_token.reveal(), "new token");
  EXPECT_EQ(session->expiration, parse_iso8601("2026-01-02T15:04:05Z"));
  EXPECT_EQ(http.requests.at(0).body,
            "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=43200&SerialNumber=arn%3Aaws%3Aiam%3A%3A"
            "123456789012%3Amfa%2Falice&TokenCode=123456");
}

TEST_F(StsClientTest, AssumeRoleSendsEveryParameter) {
  http.answer(200, credentials_xml("AssumeRole",
                                   "<AssumedRoleUser><AssumedRoleId>AROA:alice-1</AssumedRoleId><Arn>arn:aws:sts::"
                                   "123456789012:assumed-role/deploy/alice-1</Arn></AssumedRoleUser><SourceIdentity>"
                                   "alice</SourceIdentity>"));
  auto request = role_request();
  request.duration = seconds(900);
  request.external_id = "ext";
  request.policy = "{}";
  request.policy_arns = {"arn:aws:iam::aws:policy/ReadOnlyAccess"};
  request.tags = {{"team", "a b"}, {"repo", ""}};
  request.transitive_tag_keys = {"team"};
  request.source_identity = "alice";
  request.mfa = code();
  keys.session_token = Secret("old token");
  const auto role = client().assume_role(keys, request);
  ASSERT_TRUE(role);
  EXPECT_EQ(role->arn, "arn:aws:sts::123456789012:assumed-role/deploy/alice-1");
  EXPECT_EQ(role->role_id, "AROA:alice-1");
  EXPECT_EQ(role->source_identity, "alice");
  const auto body = sent(0);
  EXPECT_EQ(*body.find("RoleArn"), kRole);
  EXPECT_EQ(*body.find("RoleSessionName"), "alice-1");
  EXPECT_EQ(*body.find("DurationSeconds"), "900");
  EXPECT_EQ(*body.find("ExternalId"), "ext");
  EXPECT_EQ(*body.find("Policy"), "{}");
  EXPECT_EQ(*body.find("PolicyArns.member.1.arn"), "arn:aws:iam::aws:policy/ReadOnlyAccess");
  EXPECT_EQ(*body.find("Tags.member.2.Key"), "repo");
  EXPECT_EQ(*body.find("Tags.member.2.Value"), "");
  EXPECT_EQ(body.list("TransitiveTagKeys"), std::vector<std::string>{"team"});
  EXPECT_EQ(*body.find("SourceIdentity"), "alice");
  EXPECT_EQ(*body.find("TokenCode"), "123456");
  EXPECT_EQ(*net::find_header(http.requests.at(0).headers, "x-amz-security-token"), "old token");
}

TEST_F(StsClientTest, WebIdentityIsNotSigned) {
  http.answer(200, credentials_xml("AssumeRoleWithWebIdentity"));
  WebIdentityRequest request;
  request.role_arn = kRole;
  request.session_name = "ci";
  request.token = Secret("jwt");
  ASSERT_TRUE(client().assume_role_with_web_identity(request));
  EXPECT_EQ(net::find_header(http.requests.at(0).headers, "Authorization"), nullptr);
  EXPECT_EQ(*sent(0).find("WebIdentityToken"), "jwt");
}

// ---- What happens to a one-time code ----

TEST_F(StsClientTest, ARefusedCodeIsNeverSentAgain) {
  http.answer(403, kWrongCode);
  const auto session = client().get_session_token(keys, std::nullopt, code());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind, MappedKind::mfa_code_refused);
  EXPECT_EQ(session.error().code, CodeFate::spent);
  EXPECT_EQ(session.error().error.reason, "mfa_code_refused");
  EXPECT_NE(session.error().error.message.find(kSerial), std::string::npos);
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(StsClientTest, ACodeIsNotSentAgainWhenNobodyKnowsTheOutcome) {
  struct Case {
    std::string name;
    std::function<void(ScriptedClient&)> outcome;
  };
  const std::vector<Case> cases = {
      {"lost", [](auto& script) { script.failure(Delivery::unknown); }},
      {"500", [](auto& script) { script.answer(500, ""); }},
      {"503", [](auto& script) { script.answer(503, error_xml("ServiceUnavailable")); }},
      {"408", [](auto& script) { script.answer(408, error_xml("RequestTimeout")); }},
      {"torn", [](auto& script) { script.answer(200, credentials_xml("GetSessionToken").substr(0, 120)); }},
      {"empty", [](auto& script) { script.answer(200, ""); }},
      {"another_operation", [](auto& script) { script.answer(200, credentials_xml("AssumeRole")); }},
      {"web_page", [](auto& script) { script.answer(200, "<html><body>Sign in to the Wi-Fi</body></html>"); }},
      {"no_credentials",
       [](auto& script) {
         script.answer(200, "<GetSessionTokenResponse><GetSessionTokenResult/></GetSessionTokenResponse>");
       }},
      {"proxy_page",
       [](auto& script) {
         script.answer(403, "<html></html>", {{"Content-Type", "text/html"}});
       }},
      {"redirect",
       [](auto& script) {
         script.answer(302, "", {{"Location", "https://elsewhere/"}});
       }},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    http.requests.clear();
    one.outcome(http);
    const auto session = client().get_session_token(keys, std::nullopt, code());
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, CodeFate::assume_spent);
    EXPECT_EQ(http.requests.size(), 1U);
    EXPECT_EQ(session.error().error.message.find("123456"), std::string::npos);
  }
}

TEST_F(StsClientTest, AnUnsentCodeIsSentOnceMoreInsideItsStep) {
  for (const bool throttled : {false, true}) {
    http.requests.clear();
    const auto fail_once = [&] {
      if (throttled)
        http.answer(400, kThrottled);
      else
        http.failure(Delivery::not_sent);
    };
    fail_once();
    http.answer(200, credentials_xml("GetSessionToken"));
    EXPECT_TRUE(client().get_session_token(keys, std::nullopt, code()));
    EXPECT_EQ(http.requests.size(), 2U);

    fail_once();
    fail_once();
    const auto twice = client().get_session_token(keys, std::nullopt, code());
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, CodeFate::unspent);
    EXPECT_EQ(twice.error().retry, RetryPolicy::same_code);
    EXPECT_EQ(http.requests.size(), 4U) << "two attempts are all";
  }
}

TEST_F(StsClientTest, AnUnsentCodeIsNotSentInTheNextStep) {
  // 03:04:05 is 25 s before the end of its step.
  clock.advance(seconds(24) + std::chrono::milliseconds(900));
  http.failure(Delivery::not_sent);
  const auto session = client().get_session_token(keys, std::nullopt, code());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, CodeFate::unspent);
  EXPECT_EQ(http.requests.size(), 1U);

  clock.advance(seconds(10));
  http.on_send = [&] { clock.advance(seconds(31)); };  // the attempt to connect itself takes long
  http.failure(Delivery::not_sent);
  EXPECT_FALSE(client().get_session_token(keys, std::nullopt, code()));
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(StsClientTest, ACodeGoesOnlyOverHttpsOrToThisMachine) {
  for (const std::string url : {"http://sts.eu-west-1.amazonaws.com", "http://10.0.0.1:5555",
                                "http://localhost.evil.com", "ftp://127.0.0.1", "sts.amazonaws.com"}) {
    const auto session = client(url).get_session_token(keys, std::nullopt, code());
    ASSERT_FALSE(session) << url;
    EXPECT_EQ(session.error().kind, MappedKind::refused_before_sending);
    EXPECT_EQ(session.error().code, CodeFate::unspent);
    auto request = role_request();
    request.mfa = code();
    EXPECT_EQ(client(url).assume_role(keys, request).error().kind, MappedKind::refused_before_sending);
  }
  EXPECT_TRUE(http.requests.empty());
  for (const std::string url :
       {"http://127.0.0.1:5555", "http://localhost:1", "http://[::1]:5555", "https://10.0.0.1"}) {
    http.answer(200, credentials_xml("GetSessionToken"));
    EXPECT_TRUE(client(url).get_session_token(keys, std::nullopt, code())) << url;
  }
  http.answer(200, credentials_xml("GetSessionToken"));
  EXPECT_TRUE(client("http://10.0.0.1:5555").get_session_token(keys, std::nullopt)) << "without a code it may";
}

TEST_F(StsClientTest, WhatIsNoCodeIsNotSent) {
  for (const std::string digits : {"12345", "1234567", "12345a", "12 456", "１２３４５６"}) {
    const auto session = client().get_session_token(keys, std::nullopt, code(digits));
    ASSERT_FALSE(session) << digits;
    EXPECT_EQ(session.error().kind, MappedKind::validation);
    EXPECT_EQ(session.error().error.message.find(digits), std::string::npos);
  }
  EXPECT_EQ(client().get_session_token(keys, std::nullopt, MfaCode{"", Secret("123456")}).error().kind,
            MappedKind::mfa_incomplete);
  EXPECT_EQ(client().get_session_token(keys, std::nullopt, code("")).error().kind, MappedKind::mfa_incomplete);
  EXPECT_TRUE(http.requests.empty());
}

// ---- The clock ----

TEST_F(StsClientTest, FollowsTheClockOfAwsOnceAlsoWithACode) {
  const TimePoint real = clock.now() + std::chrono::hours(2);
  http.answer(403, kSkew, {{"Date", format_http_date(real)}});
  http.answer(200, credentials_xml("GetSessionToken"));
  auto sts = client();
  ASSERT_TRUE(sts.get_session_token(keys, std::nullopt, code()));
  EXPECT_EQ(sts.clock_offset(), std::chrono::hours(2));
  EXPECT_EQ(*net::find_header(http.requests.at(0).headers, "X-Amz-Date"), "20260102T030405Z");
  EXPECT_EQ(*net::find_header(http.requests.at(1).headers, "X-Amz-Date"), "20260102T050405Z");
  EXPECT_EQ(*sent(1).find("TokenCode"), "123456");

  http.answer(200, credentials_xml("GetSessionToken"));
  ASSERT_TRUE(sts.get_session_token(keys, std::nullopt));
  EXPECT_EQ(*net::find_header(http.requests.at(2).headers, "X-Amz-Date"), "20260102T050405Z") << "it is remembered";

  http.answer(403, kSkew, {{"Date", format_http_date(real)}});
  http.answer(403, kSkew, {{"Date", format_http_date(real)}});
  const auto again = client().get_session_token(keys, std::nullopt, code());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, MappedKind::clock_skew);
  EXPECT_EQ(again.error().code, CodeFate::unspent);
}

TEST_F(StsClientTest, StartsWithTheOffsetOfTheLastRun) {
  StsOptions options;
  options.clock_offset = std::chrono::minutes(-30);
  http.answer(200, credentials_xml("GetSessionToken"));
  ASSERT_TRUE(client("https://sts.amazonaws.com", options).get_session_token(keys, std::nullopt));
  EXPECT_EQ(*net::find_header(http.requests.at(0).headers, "X-Amz-Date"), "20260102T023405Z");
}

TEST_F(StsClientTest, WithoutADateTheClockIsLeftAlone) {
  http.answer(403, kSkew);
  auto sts = client();
  EXPECT_EQ(sts.get_session_token(keys, std::nullopt).error().kind, MappedKind::clock_skew);
  EXPECT_EQ(sts.clock_offset(), Duration(0));
}

// ---- Repeating calls without a code ----

TEST_F(StsClientTest, RepeatsWithGrowingWaitsAndGivesUp) {
  http.failure(Delivery::unknown).answer(500, "").answer(503, "");
  const TimePoint start = clock.now();
  const auto role = client().assume_role(keys, role_request());
  ASSERT_FALSE(role);
  EXPECT_EQ(role.error().kind, MappedKind::outcome_unknown);
  EXPECT_EQ(role.error().code, CodeFate::unspent);
  EXPECT_EQ(http.requests.size(), 3U);
  EXPECT_EQ(clock.now() - start, std::chrono::milliseconds(600)) << "200 and 400 ms";
}

TEST_F(StsClientTest, HeedsRetryAfterWithinReason) {
  http.answer(429, "", {{"Retry-After", "3"}}).answer(200, credentials_xml("AssumeRole"));
  const TimePoint start = clock.now();
  ASSERT_TRUE(client().assume_role(keys, role_request()));
  EXPECT_EQ(clock.now() - start, seconds(3));
  http.answer(429, "", {{"Retry-After", "600"}});
  EXPECT_EQ(client().assume_role(keys, role_request()).error().kind, MappedKind::throttled);
}

TEST_F(StsClientTest, ARefusalIsNotRepeated) {
  http.answer(403, error_xml("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole"));
  const auto role = client().assume_role(keys, role_request());
  ASSERT_FALSE(role);
  EXPECT_EQ(role.error().kind, MappedKind::not_authorized);
  EXPECT_NE(role.error().error.message.find(kRole), std::string::npos);
  http.answer(400, error_xml("ValidationError",
                             "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
                             "chaining."));
  EXPECT_EQ(client().assume_role(keys, role_request()).error().kind, MappedKind::chaining_limit);
  EXPECT_TRUE(http.exhausted());
}

}  // namespace
}  // namespace tollgate::aws
