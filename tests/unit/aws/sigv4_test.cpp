#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tollgate::aws {
namespace {

const Secret kSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

Credentials example_credentials() {
  Credentials credentials;
  credentials.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  credentials.secret_access_key = kSecret;
  return credentials;
}

TimePoint example_time() {
  return *parse_amz_date("20130524T000000Z");
}

std::string signature_in(const net::Request& request) {
  const std::string& header = *net::find_header(request.headers, "Authorization");
  return header.substr(header.find("Signature=") + 10);
}

// The worked examples of the S3 API Reference, "Authenticating Requests: Using the Authorization Header".
TEST(SigV4, SignsTheExamplesOfS3) {
  struct Case {
    std::string name;
    std::string method;
    std::string target;
    net::Headers headers;
    std::string body;
    std::string signature;
  };
  const std::vector<Case> cases = {
      {"get_object",
       "GET",
       "/test.txt",
       {{"Range", "bytes=0-9"}},
       "",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"put_object",
       "PUT",
       "/test%24file.text",
       {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
       "Welcome to Amazon S3.",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"get_bucket_lifecycle",
       "GET",
       "/?lifecycle",
       {},
       "",
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"list_objects",
       "GET",
       "/?max-keys=2&prefix=J",
       {},
       "",
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    net::Request request;
    request.method = one.method;
    request.url = "https://examplebucket.s3.amazonaws.com" + one.target;
    request.headers = one.headers;
    request.body = one.body;
    sign(request, example_credentials(), {"us-east-1", "s3"}, example_time());
    EXPECT_EQ(signature_in(request), one.signature);

    const WireRequest wire{request.method, one.target, request.headers, request.body};
    const auto parsed = parse_authorization(wire);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(verify(wire, *parsed, kSecret), Verdict::valid);
    const WireRequest other{request.method, one.target, request.headers, "another body"};
    EXPECT_EQ(verify(other, *parsed, kSecret), Verdict::content_differs);
  }
}

// "Authenticating Requests: Using Query Parameters".
TEST(SigV4, PresignsTheExampleOfS3) {
  net::Request request;
  request.url = "https://examplebucket.s3.amazonaws.com/test.txt";
  presign(request, example_credentials(), {"us-east-1", "s3"}, example_time(), std::chrono::seconds(86400),
          SigningOptions::for_service("s3"));
  EXPECT_EQ(request.url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
            "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
            "X-Amz-SignedHeaders=host&X-Amz-Expires=86400&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, S3PathsAreEncodedOnceAndKeptAsTheyAre) {
  const net::Headers none;
  const auto path_of = [&](std::string_view target, std::string_view service) {
    const std::string text = canonical_request({"GET", target, none, ""}, {}, "", CanonicalRules::for_service(service));
    return text.substr(4, text.find('\n', 4) - 4);
  };
  EXPECT_EQ(path_of("/a%20b/../c//d", "s3"), "/a%20b/../c//d");
  EXPECT_EQ(path_of("/a(b)", "s3"), "/a%28b%29") << "both spellings of a byte are the same key";
  EXPECT_EQ(path_of("/a%28b%29", "s3"), "/a%28b%29");
  EXPECT_EQ(path_of("/100%", "s3"), "/100%25") << "a bare % is no escape";
  EXPECT_EQ(path_of("/a%20b/../c//d", "iam"), "/c/d");
  EXPECT_EQ(path_of("/a%20b", "iam"), "/a%2520b");
  EXPECT_EQ(path_of("", "iam"), "/");
}

TEST(SigV4, SigningAgainReplacesTheOldSignature) {
  net::Request request;
  request.method = "POST";
  request.url = "https://sts.eu-west-1.amazonaws.com";
  request.body = "Action=GetCallerIdentity&Version=2011-06-15";
  auto credentials = example_credentials();
  credentials.session_token = Secret("token");
  const Scope scope{"eu-west-1", "sts"};
  sign(request, credentials, scope, example_time());
  net::Request again = request;
  sign(again, credentials, scope, example_time());
  EXPECT_EQ(again.headers, request.headers);
  credentials.session_token = Secret();
  sign(again, credentials, scope, example_time() + std::chrono::hours(1));
  EXPECT_EQ(net::find_header(again.headers, "X-Amz-Security-Token"), nullptr);
  EXPECT_EQ(*net::find_header(again.headers, "X-Amz-Date"), "20130524T010000Z");
  EXPECT_EQ(*net::find_header(again.headers, "Host"), "sts.eu-west-1.amazonaws.com");
}

TEST(SigV4, LeavesOutWhatProxiesChange) {
  net::Request request;
  request.url = "https://sts.eu-west-1.amazonaws.com";
  request.headers = {{"User-Agent", "x"}, {"X-Amzn-Trace-Id", "x"}, {"Connection", "close"}, {"Accept", "*/*"}};
  sign(request, example_credentials(), {"eu-west-1", "sts"}, example_time());
  EXPECT_NE(net::find_header(request.headers, "Authorization")->find("SignedHeaders=accept;host;x-amz-date,"),
            std::string::npos);
}

net::Headers signed_headers(const std::string& authorization, const std::string& date = "20130524T000000Z") {
  net::Headers headers = {{"Host", "h"}};
  if (!date.empty()) headers.emplace_back("X-Amz-Date", date);
  if (!authorization.empty()) headers.emplace_back("Authorization", authorization);
  return headers;
}

TEST(SigV4, RefusesWithTheCodeOfAws) {
  const std::string good =
      "AWS4-HMAC-SHA256 Credential=AKID/20130524/r/s/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
  const std::string query =
      "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20130524%2Fr%2Fs%2Faws4_request&"
      "X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
  struct Case {
    std::string name;
    std::string target;
    net::Headers headers;
    std::string reason;  // empty: it parses
  };
  const std::vector<Case> cases = {
      {"good", "/", signed_headers(good), ""},
      {"no_blanks", "/",
       signed_headers(
           "AWS4-HMAC-SHA256 Credential=AKID/20130524/r/s/aws4_request,SignedHeaders=host;x-amz-date,Signature=00"),
       ""},
      {"date_header", "/", {{"Host", "h"}, {"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"Authorization", good}}, ""},
      {"unsigned", "/", signed_headers(""), "MissingAuthenticationToken"},
      {"basic", "/", signed_headers("Basic abc"), "IncompleteSignature"},
      {"version_2", "/", signed_headers("AWS AKID:sig"), "IncompleteSignature"},
      {"no_signature", "/",
       signed_headers("AWS4-HMAC-SHA256 Credential=AKID/20130524/r/s/aws4_request, SignedHeaders=host"),
       "IncompleteSignature"},
      {"no_credential", "/", signed_headers("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00"),
       "IncompleteSignature"},
      {"short_credential", "/",
       signed_headers("AWS4-HMAC-SHA256 Credential=AKID/20130524/r, SignedHeaders=host, Signature=00"),
       "IncompleteSignature"},
      {"no_date", "/", signed_headers(good, ""), "IncompleteSignature"},
      {"bad_date", "/", signed_headers(good, "yesterday"), "IncompleteSignature"},
      {"other_day", "/", signed_headers(good, "20130525T000000Z"), "SignatureDoesNotMatch"},
      {"both", query + "&X-Amz-Expires=60", signed_headers(good), "InvalidArgument"},
      {"query", query + "&X-Amz-Expires=60", {{"Host", "h"}}, ""},
      {"query_without_expires", query, {{"Host", "h"}}, "AuthorizationQueryParametersError"},
      {"query_too_long", query + "&X-Amz-Expires=604801", {{"Host", "h"}}, "AuthorizationQueryParametersError"},
      {"query_negative", query + "&X-Amz-Expires=-1", {{"Host", "h"}}, "AuthorizationQueryParametersError"},
      {"query_algorithm", "/?X-Amz-Algorithm=none", {{"Host", "h"}}, "AuthorizationQueryParametersError"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    const auto parsed = parse_authorization({"GET", one.target, one.headers, ""});
    if (one.reason.empty()) {
      ASSERT_TRUE(parsed) << parsed.error().message;
      EXPECT_EQ(parsed->access_key_id, "AKID");
      EXPECT_EQ(parsed->scope.region, "r");
      EXPECT_EQ(parsed->scope.service, "s");
    } else {
      ASSERT_FALSE(parsed);
      EXPECT_EQ(parsed.error().reason, one.reason);
    }
  }
}

TEST(SigV4, HostAndAmzHeadersMustBeSigned) {
  net::Request request;
  request.url = "https://h/";
  sign(request, example_credentials(), {"r", "s"}, example_time());
  auto headers = request.headers;
  const auto parsed = parse_authorization({"GET", "/", headers, ""});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(verify({"GET", "/", headers, ""}, *parsed, kSecret), Verdict::valid);
  auto without_host = *parsed;
  without_host.signed_headers = {"x-amz-date"};
  EXPECT_EQ(verify({"GET", "/", headers, ""}, without_host, kSecret), Verdict::header_unsigned);
  headers.emplace_back("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  EXPECT_EQ(verify({"GET", "/", headers, ""}, *parsed, kSecret), Verdict::header_unsigned);
}

TEST(SigV4, OnlyS3MayLeaveABodyUnsigned) {
  for (const std::string service : {"s3", "sts"}) {
    net::Request request;
    request.method = "POST";
    request.url = "https://h/";
    request.body = "body";
    SigningOptions options = SigningOptions::for_service(service);
    options.payload_hash = kUnsignedPayload;
    options.content_sha256_header = true;
    sign(request, example_credentials(), {"r", service}, example_time(), options);
    const WireRequest wire{request.method, "/", request.headers, request.body};
    const auto parsed = parse_authorization(wire);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(verify(wire, *parsed, kSecret), service == "s3" ? Verdict::valid : Verdict::signature_differs) << service;
  }
}

TEST(SigV4, TheClockMayBeFifteenMinutesOff) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  Authorization authorization;
  authorization.time = example_time();
  const auto at = [&](auto offset) { return check_time(authorization, example_time() + offset); };
  EXPECT_EQ(at(minutes(15)), TimeVerdict::valid);
  EXPECT_EQ(at(minutes(15) + seconds(1)), TimeVerdict::expired);
  EXPECT_EQ(at(-minutes(15)), TimeVerdict::valid);
  EXPECT_EQ(at(-minutes(15) - seconds(1)), TimeVerdict::not_yet_valid);
  authorization.expires = seconds(60);
  EXPECT_EQ(at(seconds(60)), TimeVerdict::valid);
  EXPECT_EQ(at(seconds(61)), TimeVerdict::expired);
  authorization.expires = std::chrono::hours(24 * 7);
  EXPECT_EQ(at(std::chrono::hours(24 * 6)), TimeVerdict::valid);
}

}  // namespace
}  // namespace tollgate::aws
