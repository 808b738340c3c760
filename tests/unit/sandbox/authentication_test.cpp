#include "sandbox/authentication.h"

#include <gtest/gtest.h>

#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

using Fault = AuthenticationFault;

class Authentication : public ::testing::Test {
 protected:
  test::SandboxWorld sandbox_;

  aws::Credentials keys_of(const std::string& user) const {
    for (const auto& [id, key] : sandbox_.world.access_keys.all()) {
      if (key.user == user) return {id, key.secret, Secret(), std::nullopt};
    }
    throw std::runtime_error("no such user");
  }
  static aws::Credentials keys_of(const Principal& caller) {
    return {caller.session->access_key_id, caller.session->secret, Secret(caller.session->token), std::nullopt};
  }
  net::Request request(const aws::Credentials& credentials, TimePoint at, const std::string& service = "sts") const {
    net::Request request;
    request.method = "POST";
    request.url = "http://127.0.0.1:4777/";
    request.body = "Action=GetCallerIdentity&Version=2011-06-15";
    aws::sign(request, credentials, {"eu-central-1", service}, at);
    return request;
  }
  tl::expected<Authenticated, AuthenticationFailure> check(const net::Request& request,
                                                           const std::string& target = "/") const {
    return authenticate(sandbox_.world, {request.method, target, request.headers, request.body}, sandbox_.clock.now());
  }
  Answer refusal(const net::Request& request) const {
    const auto checked = check(request);
    return checked ? Answer() : query_refusal(checked.error());
  }
};

void set_header(net::Request& request, const std::string& name, const std::string& value) {
  for (auto& [key, present] : request.headers) {
    if (key == name) present = value;
  }
}

TEST_F(Authentication, RecognisesAUser) {
  const auto checked = check(request(keys_of("ana"), sandbox_.clock.now()));
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->principal.arn, "arn:aws:iam::111111111111:user/ana");
  EXPECT_FALSE(checked->principal.temporary());
}

TEST_F(Authentication, RecognisesSessions) {
  const Principal role = sandbox_.role_session(test::kDeploy);
  const auto checked = check(request(keys_of(role), sandbox_.clock.now()));
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->principal.arn, "arn:aws:sts::222222222222:assumed-role/deploy/work");
  EXPECT_FALSE(checked->principal.has_mfa_key());
  const Principal mfa = sandbox_.session("bob", true);
  const auto session = check(request(keys_of(mfa), sandbox_.clock.now()));
  ASSERT_TRUE(session);
  EXPECT_TRUE(session->principal.mfa_present());
}

TEST_F(Authentication, NoSignatureAtAll) {
  net::Request bare;
  bare.method = "POST";
  bare.body = "Action=GetCallerIdentity&Version=2011-06-15";
  const Answer answer = refusal(bare);
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code, "MissingAuthenticationToken");
  EXPECT_EQ(answer.message, "Request is missing Authentication Token");
}

TEST_F(Authentication, UnknownInactiveOrOrphanedKeys) {
  aws::Credentials unknown = keys_of("ana");
  unknown.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  const Answer answer = refusal(request(unknown, sandbox_.clock.now()));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code, "InvalidClientTokenId");
  EXPECT_EQ(answer.message, "The security token included in the request is invalid.");
  const aws::Credentials ana = keys_of("ana");
  AccessKey key = *sandbox_.world.access_keys.find(ana.access_key_id);
  key.active = false;
  sandbox_.world.access_keys.put(key);
  EXPECT_EQ(refusal(request(ana, sandbox_.clock.now())).code, "InvalidClientTokenId");
  const aws::Credentials bob = keys_of("bob");
  sandbox_.world.users.erase("111111111111/bob");
  EXPECT_EQ(refusal(request(bob, sandbox_.clock.now())).code, "InvalidClientTokenId");
}

TEST_F(Authentication, ATokenBelongsToItsKey) {
  const aws::Credentials one = keys_of(sandbox_.session("ana", true));
  sandbox_.clock.advance(std::chrono::seconds(1));
  const aws::Credentials other = keys_of(sandbox_.session("bob", true));
  for (const auto& [name, mixed] : std::vector<std::pair<const char*, aws::Credentials>>{
           {"another's token", {one.access_key_id, one.secret_access_key, other.session_token, std::nullopt}},
           {"no token", {one.access_key_id, one.secret_access_key, Secret(), std::nullopt}},
           {"token with a long-term key",
            {keys_of("ana").access_key_id, keys_of("ana").secret_access_key, one.session_token, std::nullopt}}}) {
    EXPECT_EQ(refusal(request(mixed, sandbox_.clock.now())).code, "InvalidClientTokenId") << name;
  }
}

TEST_F(Authentication, ATokenExpires) {
  const Principal caller = sandbox_.session("ana", true);
  sandbox_.clock.advance(std::chrono::hours(12) - std::chrono::seconds(1));
  EXPECT_TRUE(check(request(keys_of(caller), sandbox_.clock.now())));
  sandbox_.clock.advance(std::chrono::seconds(1));
  const Answer answer = refusal(request(keys_of(caller), sandbox_.clock.now()));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code, "ExpiredToken");
  EXPECT_EQ(answer.message, "The security token included in the request is expired");
}

TEST_F(Authentication, ClocksMayDifferByFifteenMinutes) {
  const TimePoint now = sandbox_.clock.now();  // 2026-01-02T03:04:05Z
  using std::chrono::seconds;
  EXPECT_TRUE(check(request(keys_of("ana"), now - seconds(899))));
  EXPECT_TRUE(check(request(keys_of("ana"), now + seconds(899))));
  const Answer old = refusal(request(keys_of("ana"), now - seconds(901)));
  EXPECT_EQ(old.status, 403);
  EXPECT_EQ(old.code, "SignatureDoesNotMatch");
  EXPECT_EQ(old.message,
            "Signature expired: 20260102T024904Z is now earlier than 20260102T024905Z (20260102T030405Z - 15 min.)");
  const Answer early = refusal(request(keys_of("ana"), now + seconds(901)));
  EXPECT_EQ(early.code, "SignatureDoesNotMatch");
  EXPECT_EQ(early.message,
            "Signature not yet current: 20260102T031906Z is still later than 20260102T031905Z (20260102T030405Z + 15 "
            "min.)");
}

TEST_F(Authentication, WhatIsSignedCannotBeChanged) {
  const TimePoint now = sandbox_.clock.now();
  net::Request changed_body = request(keys_of("ana"), now);
  changed_body.body += "&DurationSeconds=900";
  aws::Credentials wrong_secret = keys_of("ana");
  wrong_secret.secret_access_key = Secret(std::string(40, 'x'));
  for (const auto& [name, sent] : std::vector<std::pair<const char*, net::Request>>{
           {"body", changed_body}, {"secret", request(wrong_secret, now)}}) {
    const Answer answer = refusal(sent);
    EXPECT_EQ(answer.status, 403) << name;
    EXPECT_EQ(answer.code, "SignatureDoesNotMatch") << name;
    EXPECT_EQ(answer.message.find("The request signature we calculated does not match"), 0U) << name;
  }
  net::Request moved = request(keys_of("ana"), now);
  EXPECT_FALSE(check(moved, "/?x=1"));
}

TEST_F(Authentication, TornHeadersAreIncomplete) {
  for (const char* header :
       {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=AKIA/x", "AWS4-HMAC-SHA256 Credential="}) {
    net::Request torn = request(keys_of("ana"), sandbox_.clock.now());
    set_header(torn, "Authorization", header);
    const Answer answer = refusal(torn);
    EXPECT_EQ(answer.code, "IncompleteSignature") << header;
    EXPECT_EQ(answer.status, 400) << header;
  }
}

TEST_F(Authentication, PresignedLinksHaveAnEnd) {
  net::Request link;
  link.method = "GET";
  link.url = "http://127.0.0.1:4777/tollgate-state/a%20b";
  aws::presign(link, keys_of("ana"), {"eu-central-1", "s3"}, sandbox_.clock.now(), std::chrono::seconds(60),
               aws::SigningOptions::for_service("s3"));
  const std::string target = link.url.substr(link.url.find("/tollgate-state"));
  ASSERT_TRUE(check(link, target));
  sandbox_.clock.advance(std::chrono::seconds(61));
  const auto late = check(link, target);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::link_expired);
  EXPECT_EQ(s3_refusal(late.error()).code, "AccessDenied");
  EXPECT_EQ(s3_refusal(late.error()).message, "Request has expired");
}

TEST_F(Authentication, S3ShowsItsCalculation) {
  aws::Credentials wrong = keys_of("ana");
  wrong.secret_access_key = Secret(std::string(40, 'x'));
  const auto checked = check(request(wrong, sandbox_.clock.now(), "s3"));
  ASSERT_FALSE(checked);
  const Answer answer = s3_refusal(checked.error());
  EXPECT_EQ(test::element_text(answer.result, "AWSAccessKeyId"), wrong.access_key_id);
  EXPECT_EQ(test::element_text(answer.result, "StringToSign").substr(0, 17), "AWS4-HMAC-SHA256\n");
  EXPECT_EQ(test::element_text(answer.result, "CanonicalRequest").substr(0, 7), "POST\n/\n");
  EXPECT_EQ(test::element_text(answer.result, "SignatureProvided").size(), 64U);
}

TEST(AuthenticationWords, S3HasItsOwn) {
  struct Case {
    Fault fault;
    int status;
    const char* code;
  };
  for (const auto& [fault, status, code] : std::vector<Case>{
           {Fault::missing, 403, "AccessDenied"},
           {Fault::incomplete, 400, "AuthorizationHeaderMalformed"},
           {Fault::bad_query, 400, "AuthorizationQueryParametersError"},
           {Fault::unknown_key, 403, "InvalidAccessKeyId"},
           {Fault::wrong_token, 400, "InvalidToken"},
           {Fault::expired_token, 400, "ExpiredToken"},
           {Fault::too_old, 403, "RequestTimeTooSkewed"},
           {Fault::too_early, 403, "RequestTimeTooSkewed"},
           {Fault::wrong_content_hash, 400, "XAmzContentSHA256Mismatch"},
           {Fault::wrong_signature, 403, "SignatureDoesNotMatch"},
       }) {
    AuthenticationFailure failure;
    failure.fault = fault;
    EXPECT_EQ(s3_refusal(failure).status, status) << code;
    EXPECT_EQ(s3_refusal(failure).code, code);
  }
}

}  // namespace
}  // namespace tollgate::sandbox
