#include "aws/container_source.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/json/value.h"
#include "tests/support/agreement.h"
#include "tests/support/manual_clock.h"
#include "tests/support/referees.h"
#include "tests/unit/aws/scripted_client.h"

namespace tollgate::aws {
namespace {

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

TEST(ContainerSourceReferee, FindsTheEndpointAsTheSdksDo) {
  TG_SKIP_WITHOUT_REFEREE("smithy-rs/ecs-tests.json");
  const auto file = *test::read_referee_json("smithy-rs/ecs-tests.json");
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviations;
  const auto& tests = *file.find("tests")->if_array();
  for (const auto& one : tests) {
    const std::string name = *one.find("docs")->if_string();
    std::map<std::string, std::string> variables;
    for (const auto& [key, value] : *one.find("env")->if_object())
      variables[key] = *value.if_string();
    const auto url = container_endpoint(environment_of(variables));
    const json::Value* expected = one.find("result")->find("Ok");
    const bool agrees = expected != nullptr ? url && *url == *expected->if_string() : !url;
    EXPECT_TRUE(agrees) << name;
    if (agrees)
      ++agreeing;
    else
      deviations.emplace_back(name, url ? *url : url.error().message);
  }
  EXPECT_EQ(tests.size(), 11U);
  test::record_agreement("ecs", static_cast<int>(tests.size()), agreeing, deviations);
}

TEST(ContainerSource, PlainHttpStaysNear) {
  for (const std::string url : {"http://127.0.0.1:1/c", "http://[::1]/c", "http://169.254.170.2/c",
                                "http://169.254.170.23/c", "http://[fd00:ec2::23]/c", "https://example.com/c"}) {
    EXPECT_TRUE(container_endpoint(environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}}))) << url;
  }
  for (const std::string url :
       {"http://10.1.2.3/c", "http://example.com/c", "http://169.254.169.254/c", "ftp://localhost/"}) {
    const auto endpoint = container_endpoint(environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}}));
    ASSERT_FALSE(endpoint) << url;
    EXPECT_EQ(endpoint.error().code, Code::config);
    EXPECT_EQ(endpoint.error().place, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  }
  EXPECT_FALSE(container_endpoint(environment_of({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ".evil.com/"}})));
}

TEST(ContainerSource, TokenFileWinsAndHoldsNoLineBreak) {
  const FileReader reader = [](const std::string& path) -> Result<std::optional<std::string>> {
    if (path == "/token") return std::optional<std::string>("from file");
    if (path == "/broken") return std::optional<std::string>("a\nb");
    return std::optional<std::string>();
  };
  const auto token = [&](std::map<std::string, std::string> variables) {
    return container_token(environment_of(std::move(variables)), reader);
  };
  EXPECT_TRUE(token({})->empty());
  EXPECT_EQ(token({{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer x"}})->reveal(), "Bearer x");
  EXPECT_EQ(token({{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "x"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"}})
                ->reveal(),
            "from file");
  EXPECT_FALSE(token({{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/broken"}}));
  EXPECT_FALSE(token({{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/missing"}}));
  EXPECT_FALSE(token({{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "x\r\nEvil: y"}}));
}

const std::string kGood =
    R"({"AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T04:04:05Z","RoleArn":"r"})";

TEST(ContainerSource, FetchesCredentials) {
  ScriptedClient http;
  const test::ManualClock clock;
  http.answer(200, kGood);
  const auto credentials = fetch_container_credentials(http, clock, "http://127.0.0.1:1/c", Secret("token"));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->access_key_id, "ASIAX");
  EXPECT_EQ(credentials->session_token.reveal(), "t");
  EXPECT_EQ(credentials->expiration, clock.now() + std::chrono::hours(1));
  EXPECT_EQ(*net::find_header(http.requests.at(0).headers, "authorization"), "token");
  EXPECT_FALSE(http.requests.at(0).use_proxy);
}

TEST(ContainerSource, RepeatsServerErrorsOnly) {
  ScriptedClient http;
  const test::ManualClock clock;
  http.failure(net::Delivery::unknown).answer(500, "").answer(200, kGood);
  EXPECT_TRUE(fetch_container_credentials(http, clock, "http://127.0.0.1:1/c", Secret()));
  http.answer(401, R"({"Code":"AccessDenied","Message":"bad token"})");
  const auto refused = fetch_container_credentials(http, clock, "http://127.0.0.1:1/c", Secret("x"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("AccessDenied: bad token"), std::string::npos);
  http.answer(503, "").answer(503, "").answer(503, "");
  EXPECT_FALSE(fetch_container_credentials(http, clock, "http://127.0.0.1:1/c", Secret()));
  EXPECT_TRUE(http.exhausted());
}

TEST(ContainerSource, RefusesUnusableAnswers) {
  for (const std::string body :
       {"", "null", "[]", "not json", R"({"AccessKeyId":"A"})", R"({"AccessKeyId":"A","SecretAccessKey":"s3cr3t"})",
        R"({"AccessKeyId":"A","SecretAccessKey":"s3cr3t","Token":"t","Expiration":"soon"})"}) {
    ScriptedClient http;
    http.answer(200, body);
    const auto credentials = fetch_container_credentials(http, test::ManualClock(), "http://127.0.0.1:1/c", Secret());
    ASSERT_FALSE(credentials) << body;
    EXPECT_EQ(credentials.error().message.find("s3cr3t"), std::string::npos);
  }
}

}  // namespace
}  // namespace tollgate::aws
