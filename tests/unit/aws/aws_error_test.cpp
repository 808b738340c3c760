#include "aws/aws_error.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "aws/xml.h"
#include "tests/support/agreement.h"
#include "tests/support/manual_clock.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

using Kind = MappedKind;

net::Response sts_answer(int status, const std::string& code, const std::string& message) {
  net::Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/xml"}, {"Date", "Fri, 02 Jan 2026 03:21:05 GMT"}};
  response.body =
      "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    "
      "<Code>" +
      code + "</Code>\n    <Message>" + xml_escape(message) +
      "</Message>\n  </Error>\n  <RequestId>r-1234</RequestId>\n</ErrorResponse>\n";
  return response;
}

CallContext assume_role_with_code() {
  CallContext context;
  context.operation = "AssumeRole";
  context.role_arn = "arn:aws:iam::123456789012:role/deploy";
  context.serial_number = "arn:aws:iam::123456789012:mfa/alice";
  context.region = "eu-west-1";
  context.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  context.carried_code = true;
  context.now = test::ManualClock().now();
  return context;
}

struct MapCase {
  std::string name;
  int status;
  std::string code;
  std::string message;
  Kind kind;
  CodeFate fate;
  RetryPolicy retry;
};

// The table of what STS answers, row by row.
const std::vector<MapCase>& map_cases() {
  static const std::vector<MapCase> cases = {
      {"wrong_code", 403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
       Kind::mfa_code_refused, CodeFate::spent, RetryPolicy::with_next_code},
      {"foreign_serial", 403, "AccessDenied",
       "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid "
       "and "
       "associated with this user.",
       Kind::mfa_device_unknown, CodeFate::assume_spent, RetryPolicy::never},
      {"half", 403, "AccessDenied",
       "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
       Kind::mfa_incomplete, CodeFate::unspent, RetryPolicy::never},
      {"mfa_in_new_words", 403, "AccessDenied", "MultiFactorAuthentication failed for another reason.",
       Kind::mfa_code_refused, CodeFate::assume_spent, RetryPolicy::with_next_code},
      {"trust_policy", 403, "AccessDenied",
       "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: "
       "arn:aws:iam::123456789012:role/deploy",
       Kind::not_authorized, CodeFate::assume_spent, RetryPolicy::never},
      {"explicit_deny", 403, "AccessDenied",
       "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: x with an "
       "explicit deny in an identity-based policy",
       Kind::explicit_deny, CodeFate::assume_spent, RetryPolicy::never},
      {"session_key", 403, "AccessDenied", "Cannot call GetSessionToken with session credentials",
       Kind::session_credentials_refused, CodeFate::unspent, RetryPolicy::never},
      {"unknown_key", 403, "InvalidClientTokenId", "The security token included in the request is invalid.",
       Kind::key_unknown, CodeFate::unspent, RetryPolicy::never},
      {"wrong_secret", 403, "SignatureDoesNotMatch",
       "The request signature we calculated does not match the signature you provided.", Kind::signature_wrong,
       CodeFate::unspent, RetryPolicy::never},
      {"clock_behind", 403, "SignatureDoesNotMatch",
       "Signature expired: 20260102T030405Z is now earlier than 20260102T030605Z (20260102T032105Z - 15 min.)",
       Kind::clock_skew, CodeFate::unspent, RetryPolicy::after_clock_sync},
      {"clock_ahead", 403, "SignatureDoesNotMatch",
       "Signature not yet current: 20260102T040405Z is still later than 20260102T033605Z (20260102T032105Z + 15 min.)",
       Kind::clock_skew, CodeFate::unspent, RetryPolicy::after_clock_sync},
      {"token_code_pattern", 400, "ValidationError",
       "2 validation errors detected: Value '12345' at 'tokenCode' failed to satisfy constraint: Member must have "
       "length "
       "greater than or equal to 6; Value '12345' at 'tokenCode' failed to satisfy constraint: Member must satisfy "
       "regular expression pattern: [\\d]*",
       Kind::validation, CodeFate::unspent, RetryPolicy::never},
      {"duration", 400, "ValidationError",
       "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have "
       "value "
       "greater than or equal to 900",
       Kind::validation, CodeFate::unspent, RetryPolicy::never},
      {"chaining", 400, "ValidationError",
       "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
       Kind::chaining_limit, CodeFate::unspent, RetryPolicy::with_shorter_duration},
      {"role_maximum", 400, "ValidationError",
       "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", Kind::role_max_duration,
       CodeFate::unspent, RetryPolicy::with_shorter_duration},
      {"throttled_400", 400, "Throttling", "Rate exceeded", Kind::throttled, CodeFate::unspent, RetryPolicy::same_code},
      {"throttled_503", 503, "TooManyRequestsException", "", Kind::throttled, CodeFate::unspent,
       RetryPolicy::same_code},
      {"throttled_429", 429, "Anything", "", Kind::throttled, CodeFate::unspent, RetryPolicy::same_code},
      {"region", 403, "RegionDisabledException",
       "STS is not activated in this region for account:123456789012. Your account administrator can activate STS in "
       "this "
       "region using the IAM Console.",
       Kind::region_disabled, CodeFate::unspent, RetryPolicy::never},
      {"expired", 403, "ExpiredToken", "The security token included in the request is expired", Kind::expired_token,
       CodeFate::unspent, RetryPolicy::never},
      {"packed_policy", 400, "PackedPolicyTooLarge",
       "Packed policy consumes 104% of allotted space, please use smaller policy.", Kind::policy_too_large,
       CodeFate::unspent, RetryPolicy::never},
      {"web_identity", 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account",
       Kind::web_identity_refused, CodeFate::unspent, RetryPolicy::never},
      {"malformed_policy", 400, "MalformedPolicyDocument", "Syntax errors in policy.", Kind::validation,
       CodeFate::unspent, RetryPolicy::never},
      {"stripped_header", 403, "MissingAuthenticationToken", "Request is missing Authentication Token",
       Kind::signature_wrong, CodeFate::unspent, RetryPolicy::never},
      {"internal", 500, "InternalFailure", "", Kind::outcome_unknown, CodeFate::assume_spent,
       RetryPolicy::with_next_code},
      {"unavailable", 503, "ServiceUnavailable", "", Kind::outcome_unknown, CodeFate::assume_spent,
       RetryPolicy::with_next_code},
      {"new_code", 400, "BrandNewError", "Something new happened", Kind::other, CodeFate::assume_spent,
       RetryPolicy::never},
  };
  return cases;
}

TEST(AwsError, MapsEveryRow) {
  for (const auto& one : map_cases()) {
    SCOPED_TRACE(one.name);
    const ErrorAnswer answer = parse_error_answer(sts_answer(one.status, one.code, one.message));
    EXPECT_EQ(answer.code, one.code);
    EXPECT_EQ(answer.request_id, "r-1234");
    const MappedError mapped = map_sts_error(answer, assume_role_with_code());
    EXPECT_EQ(mapped_kind_name(mapped.kind), mapped_kind_name(one.kind));
    EXPECT_EQ(mapped.error.reason, mapped_kind_name(one.kind));
    EXPECT_EQ(mapped.code, one.fate);
    EXPECT_EQ(mapped.retry, one.retry);
    EXPECT_NE(mapped.error.message.find("r-1234"), std::string::npos);
    EXPECT_EQ(mapped.error.message.find('<'), std::string::npos) << "no raw XML";
    EXPECT_EQ(mapped.error.message.find("12345'"), std::string::npos) << "no code";
    EXPECT_EQ(mapped.answer.message.find("'12345'"), std::string::npos) << "no code in what AWS said either";
    EXPECT_FALSE(mapped.error.message.ends_with('.'));
    if (one.kind != Kind::other) {
      EXPECT_FALSE(mapped.error.next.empty());
    }

    auto without_code = assume_role_with_code();
    without_code.carried_code = false;
    const MappedError plain = map_sts_error(answer, without_code);
    EXPECT_EQ(plain.code, CodeFate::unspent);
    EXPECT_NE(plain.retry, RetryPolicy::same_code);
  }
}

TEST(AwsError, SaysWhatThePersonCanUse) {
  const auto text = [](const std::string& code, const std::string& message, const CallContext& context) {
    const auto mapped = map_sts_error(parse_error_answer(sts_answer(403, code, message)), context);
    return mapped.error.message + " | " + mapped.error.next;
  };
  auto context = assume_role_with_code();
  EXPECT_EQ(
      text("SignatureDoesNotMatch", "Signature expired: x is now earlier than y", context),
      "AWS refused the time of the request: this machine's clock is 17m 00s behind AWS's [request r-1234] | set the "
      "clock (timedatectl set-ntp true), then try again");
  context.now += std::chrono::hours(1);
  EXPECT_NE(text("SignatureDoesNotMatch", "Signature not yet current", context).find("43m 00s ahead of"),
            std::string::npos);
  context.serial_number = "arn:aws:iam::123456789012:user/alice";
  EXPECT_NE(text("AccessDenied", "unable to validate MFA code", context).find("a device reads"), std::string::npos);
  context.access_key_id = "ASIAIOSFODNN7EXAMPLE";
  EXPECT_NE(text("InvalidClientTokenId", "invalid", context).find("session"), std::string::npos);
  EXPECT_NE(text("AccessDenied", "User: u is not authorized to perform: sts:AssumeRole on resource: r", context)
                .find("(AWS: User: u is not authorized"),
            std::string::npos);
}

TEST(AwsError, ReadsEveryShapeOfAnswer) {
  struct Case {
    std::string name;
    net::Response response;
    std::string code;
    std::string message;
    std::string request_id;
    bool html = false;
  };
  const std::vector<Case> cases = {
      {"query_without_namespace",
       {400,
        {},
        "<ErrorResponse><Error><Code>A</Code><Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>"},
       "A",
       "m",
       "r"},
      {"s3",
       {403,
        {},
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>m</Message><RequestId>r"
        "</RequestId><HostId>h</HostId></Error>"},
       "NoSuchKey",
       "m",
       "r"},
      {"ec2",
       {400,
        {},
        "<Response><Errors><Error><Code>A</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></"
        "Response>"},
       "A",
       "m",
       "r"},
      {"json",
       {400, {{"x-amzn-RequestId", "r"}}, "{\"__type\":\"com.amazonaws.x#UnauthorizedException\",\"message\":\"m\"}"},
       "UnauthorizedException",
       "m",
       "r"},
      {"container",
       {401, {}, "{\"Code\":\"AccessDenied\",\"Message\":\"bad token\"}"},
       "AccessDenied",
       "bad token",
       ""},
      {"oidc",
       {400, {}, "{\"error\":\"authorization_pending\",\"error_description\":\"m\"}"},
       "authorization_pending",
       "m",
       ""},
      {"error_type_header",
       {403, {{"X-Amzn-ErrorType", "ForbiddenException:http://x"}}, "{\"message\":null}"},
       "ForbiddenException",
       "",
       ""},
      {"html", {502, {{"Content-Type", "text/html"}}, "<html><body>Bad Gateway</body></html>"}, "", "", "", true},
      {"html_without_type", {403, {}, "\n<!DOCTYPE html><html></html>"}, "", "", "", true},
      {"empty", {500, {{"x-amz-request-id", "r"}}, ""}, "", "", "r"},
      {"torn", {403, {}, "<ErrorResponse><Error><Code>AccessDenied</Code><Mess"}, "", "", ""},
      {"torn_json", {403, {}, "{\"Code\":\"A"}, "", "", ""},
      {"json_array", {403, {}, "[1]"}, "", "", ""},
      {"terminal_controls",
       {403, {}, "{\"Code\":\"A\\u001b[2J\",\"Message\":\"x\\u001b]0;t\\u0007\\n\"}"},
       "A [2J",
       "x ]0;t",
       ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    const ErrorAnswer answer = parse_error_answer(one.response);
    EXPECT_EQ(answer.status, one.response.status);
    EXPECT_EQ(answer.code, one.code);
    EXPECT_EQ(answer.message, one.message);
    EXPECT_EQ(answer.request_id, one.request_id);
    EXPECT_EQ(answer.html, one.html);
    EXPECT_FALSE(map_sts_error(answer, {}).error.message.empty());
  }
}

TEST(AwsError, WhatIsShownIsHarmlessOnATerminal) {
  EXPECT_EQ(displayable("\n a\tb\x1b[0m\x7f \r\n"), "a b [0m");
  EXPECT_EQ(displayable("a\xc2\x9b"
                        "31mb\xc2\xa0"
                        "\xc3\xa9"),
            "a 31mb\xc2\xa0\xc3\xa9")
      << "U+009B is CSI";
  EXPECT_EQ(displayable(std::string(1000, 'x')).size(), 500U);
  EXPECT_EQ(displayable(" \n"), "");
}

TEST(AwsError, ReadsDateAndRetryAfter) {
  net::Response response;
  response.headers = {{"date", "Fri, 02 Jan 2026 03:04:05 GMT"}, {"Retry-After", "7"}};
  EXPECT_EQ(parse_error_answer(response).date, test::ManualClock().now());
  EXPECT_EQ(parse_error_answer(response).retry_after, std::chrono::seconds(7));
  for (const std::string bad : {"", "x", "-1", "99999999", "7 s", "Fri, 02 Jan 2026 03:04:05 GMT"}) {
    response.headers = {{"Retry-After", bad}, {"Date", "soon"}};
    EXPECT_FALSE(parse_error_answer(response).retry_after) << bad;
    EXPECT_FALSE(parse_error_answer(response).date);
  }
}

TEST(AwsError, FailuresWithoutAnAnswer) {
  auto context = assume_role_with_code();
  net::Failure failure;
  failure.delivery = net::Delivery::not_sent;
  failure.error = Error(Code::unavailable, "sts.eu-west-1.amazonaws.com refused the connection");
  MappedError mapped = map_failure(failure, context);
  EXPECT_EQ(mapped.kind, Kind::network_unsent);
  EXPECT_EQ(mapped.code, CodeFate::unspent);
  EXPECT_EQ(mapped.retry, RetryPolicy::same_code);
  failure.delivery = net::Delivery::unknown;
  mapped = map_failure(failure, context);
  EXPECT_EQ(mapped.kind, Kind::outcome_unknown);
  EXPECT_EQ(mapped.code, CodeFate::assume_spent);
  EXPECT_EQ(mapped.retry, RetryPolicy::with_next_code);
  EXPECT_NE(mapped.error.message.find("counts as used"), std::string::npos);
  context.carried_code = false;
  mapped = map_failure(failure, context);
  EXPECT_EQ(mapped.code, CodeFate::unspent);
  EXPECT_EQ(mapped.retry, RetryPolicy::after_backoff);
}

TEST(AwsErrorReferee, MapsWhatAwsGaveUsers) {
  TG_SKIP_WITHOUT_REFEREE("observed/aws-error-strings.json");
  const auto file = *test::read_referee_json("observed/aws-error-strings.json");
  const std::vector<std::pair<std::string, Kind>> expected = {
      {"invalid MFA one time pass code", Kind::mfa_code_refused},
      {"unable to validate MFA code", Kind::mfa_device_unknown},
      {"must provide both", Kind::mfa_incomplete},
      {"with session credentials", Kind::session_credentials_refused},
      {"role chaining", Kind::chaining_limit},
      {"is not authorized to perform", Kind::not_authorized},
      {"is expired", Kind::expired_token},
      {"is invalid", Kind::key_unknown},
  };
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviations;
  const auto& strings = *file.find("strings")->if_array();
  for (const auto& one : strings) {
    const json::Reader reader(one);
    const std::string message = *reader.text("message");
    const ErrorAnswer answer =
        parse_error_answer(sts_answer(static_cast<int>(*reader.integer("http")), *reader.text("code"), message));
    const MappedError mapped = map_sts_error(answer, assume_role_with_code());
    bool agrees = false;
    for (const auto& [fragment, kind] : expected) {
      if (message.find(fragment) != std::string::npos) agrees = agrees || mapped.kind == kind;
    }
    EXPECT_TRUE(agrees) << message << " became " << mapped_kind_name(mapped.kind);
    if (agrees)
      ++agreeing;
    else
      deviations.emplace_back(message, mapped_kind_name(mapped.kind));
  }
  test::record_agreement("aws-error-strings", static_cast<int>(strings.size()), agreeing, deviations);
}

// What the real service answered when it was asked wrongly: every refusal has a code and words.
TEST(AwsErrorReferee, MapsTheRecordedRefusalsOfSts) {
  TG_SKIP_WITHOUT_REFEREE("localstack/sts.snapshot.json");
  const auto file = *test::read_referee_json("localstack/sts.snapshot.json");
  int refusals = 0;
  for (const auto& [test_name, record] : *file.if_object()) {
    for (const auto& [step, content] : *record.find("recorded-content")->if_object()) {
      const json::Value* error = content.find("Error");
      if (error == nullptr || !error->is_object()) continue;
      ++refusals;
      const json::Reader reader(*error);
      const auto mapped = map_sts_error(
          parse_error_answer(sts_answer(400, *reader.text("Code"), *reader.text("Message"))), assume_role_with_code());
      EXPECT_EQ(mapped.kind, Kind::validation) << step;
      EXPECT_EQ(mapped.code, CodeFate::unspent) << step;
    }
  }
  EXPECT_EQ(refusals, 10);
}

}  // namespace
}  // namespace tollgate::aws
