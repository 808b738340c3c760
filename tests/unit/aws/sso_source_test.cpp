#include "aws/sso_source.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace tollgate::aws {
namespace {

class OneAnswer final : public net::Client {
 public:
  explicit OneAnswer(int status, std::string body = "") : response_{status, {}, std::move(body)} {}
  tl::expected<net::Response, net::Failure> send(const net::Request& request) override {
    url = request.url;
    token = *net::find_header(request.headers, "x-amz-sso_bearer_token");
    return response_;
  }
  std::string url;
  std::string token;

 private:
  net::Response response_;
};

Sso corp() {
  Sso sso;
  sso.profile = "dev";
  sso.session = "corp";
  sso.account_id = "123456789012";
  sso.role_name = "Power User";
  sso.place = "config:4";
  return sso;
}

FileReader file_with(std::optional<std::string> text) {
  return [text](const std::string&) -> Result<std::optional<std::string>> { return text; };
}

TEST(SsoSource, FindsTheTokenWhereTheAwsCliPutsIt) {
  // The names as botocore computes them: hashlib.sha1(b"corp") and of the start URL.
  EXPECT_EQ(sso_token_file(corp(), "/home/ana"),
            "/home/ana/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
}

TEST(SsoSource, SaysWhichLoginToRun) {
  const TimePoint now = test::ManualClock().now();
  for (const auto& text :
       {std::optional<std::string>(), std::optional<std::string>("{"), std::optional<std::string>("{}"),
        std::optional<std::string>(R"({"accessToken":"t","expiresAt":"2026-01-02T03:04:05Z"})")}) {
    const auto token = read_sso_token(corp(), "/home/ana", file_with(text), now);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().next, "run `aws sso login --sso-session corp`");
    EXPECT_EQ(exit_status(token.error().code), 77);
  }
  const auto token =
      read_sso_token(corp(), "/h", file_with(R"({"accessToken":"t","expiresAt":"2026-01-02T03:04:06Z"})"), now);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->reveal(), "t");
}

TEST(SsoSource, AsksThePortal) {
  OneAnswer client(
      200,
      R"({"roleCredentials":{"accessKeyId":"ASIA","secretAccessKey":"s","sessionToken":"t","expiration":1767323045000}})");
  const auto credentials = fetch_sso_credentials(
      client, {"https://portal.sso.eu-west-1.amazonaws.com", "eu-west-1", false}, corp(), Secret("token"));
  ASSERT_TRUE(credentials) << credentials.error().text();
  EXPECT_EQ(client.url,
            "https://portal.sso.eu-west-1.amazonaws.com/federation/"
            "credentials?role_name=Power%20User&account_id=123456789012");
  EXPECT_EQ(client.token, "token");
  EXPECT_EQ(format_iso8601(*credentials->expiration), "2026-01-02T03:04:05Z");
}

TEST(SsoSource, MapsRefusals) {
  const Endpoint portal{"https://portal.sso.eu-west-1.amazonaws.com", "eu-west-1", false};
  for (const auto& [status, code] :
       {std::pair(401, Code::unauthorized), std::pair(403, Code::forbidden), std::pair(500, Code::unavailable)}) {
    OneAnswer client(status);
    EXPECT_EQ(fetch_sso_credentials(client, portal, corp(), Secret("t")).error().code, code) << status;
  }
  OneAnswer garbage(200, "<html>");
  EXPECT_FALSE(fetch_sso_credentials(garbage, portal, corp(), Secret("t")));
}

}  // namespace
}  // namespace tollgate::aws
