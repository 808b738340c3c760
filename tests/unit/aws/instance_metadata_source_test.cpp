#include "aws/instance_metadata_source.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/manual_clock.h"
#include "tests/unit/aws/scripted_client.h"

namespace tollgate::aws {
namespace {

const std::string kGood =
    R"({"Code":"Success","LastUpdated":"2026-01-02T03:00:00Z","Type":"AWS-HMAC","AccessKeyId":"ASIAX",)"
    R"("SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T09:00:00Z"})";

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

TEST(InstanceMetadata, OptionsFromTheEnvironment) {
  EXPECT_EQ(instance_metadata_options(environment_of({}))->endpoint, "http://169.254.169.254");
  const auto options =
      instance_metadata_options(environment_of({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://[::1]:9/"},
                                                {"AWS_METADATA_SERVICE_TIMEOUT", "5"},
                                                {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2"}}));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->endpoint, "http://[::1]:9");
  EXPECT_EQ(options->timeout, std::chrono::seconds(5));
  EXPECT_EQ(options->attempts, 2U);
  EXPECT_EQ(instance_metadata_options(environment_of({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}}))->endpoint,
            "http://[fd00:ec2::254]");
  for (const auto& bad : std::map<std::string, std::string>{{"AWS_EC2_METADATA_DISABLED", "True"},
                                                            {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "nowhere"},
                                                            {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"},
                                                            {"AWS_METADATA_SERVICE_TIMEOUT", "x"},
                                                            {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "0"}}) {
    const auto refused = instance_metadata_options(environment_of({bad}));
    ASSERT_FALSE(refused) << bad.first;
    EXPECT_EQ(refused.error().code, Code::config);
  }
}

TEST(InstanceMetadata, FetchesWithAToken) {
  ScriptedClient http;
  http.answer(200, "TOKEN").answer(200, "my-role\n").answer(200, kGood);
  const auto credentials = fetch_instance_credentials(http, test::ManualClock(), {});
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->access_key_id, "ASIAX");
  EXPECT_EQ(credentials->expiration, parse_iso8601("2026-01-02T09:00:00Z"));
  ASSERT_EQ(http.requests.size(), 3U);
  EXPECT_EQ(http.requests[0].method, "PUT");
  EXPECT_EQ(http.requests[0].url, "http://169.254.169.254/latest/api/token");
  EXPECT_EQ(*net::find_header(http.requests[0].headers, "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(http.requests[2].url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role");
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(*net::find_header(http.requests[i].headers, "x-aws-ec2-metadata-token"), "TOKEN");
    EXPECT_FALSE(http.requests[i].use_proxy);
  }
}

TEST(InstanceMetadata, RenewsAnExpiredTokenOnce) {
  ScriptedClient http;
  http.answer(200, "OLD").answer(401, "").answer(200, "NEW").answer(200, "eu-west-1");
  EXPECT_EQ(*fetch_instance_region(http, test::ManualClock(), {}), "eu-west-1");
  http.answer(200, "OLD").answer(401, "").answer(200, "NEW").answer(401, "");
  EXPECT_EQ(fetch_instance_region(http, test::ManualClock(), {}).error().code, Code::forbidden);
  EXPECT_TRUE(http.exhausted());
}

TEST(InstanceMetadata, NeverFallsBackToVersion1) {
  for (const int status : {403, 404, 405}) {
    ScriptedClient http;
    http.answer(status, "");
    EXPECT_EQ(fetch_instance_credentials(http, test::ManualClock(), {}).error().code, Code::forbidden);
    EXPECT_EQ(http.requests.size(), 1U);
  }
}

TEST(InstanceMetadata, SaysWhatIsMissing) {
  ScriptedClient http;
  const test::ManualClock clock;
  http.failure(net::Delivery::not_sent);
  EXPECT_EQ(fetch_instance_credentials(http, clock, {}).error().code, Code::unavailable);
  http.answer(200, "T").answer(404, "");
  EXPECT_EQ(fetch_instance_credentials(http, clock, {}).error().code, Code::not_found);
  http.answer(200, "T").answer(200, "role").answer(200, R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"m"})");
  EXPECT_NE(fetch_instance_credentials(http, clock, {}).error().message.find("AssumeRoleUnauthorizedAccess"),
            std::string::npos);
  http.answer(200, "T").answer(200, "role").answer(200, R"({"Code":"Success","AccessKeyId":"A"})");
  EXPECT_EQ(fetch_instance_credentials(http, clock, {}).error().code, Code::unknown);
  http.answer(200, "evil\r\nHeader: x");
  EXPECT_FALSE(fetch_instance_credentials(http, clock, {}));
  InstanceMetadataOptions patient;
  patient.attempts = 2;
  http.answer(500, "").answer(200, "T").answer(200, "eu-west-1");
  EXPECT_TRUE(fetch_instance_region(http, clock, patient));
  EXPECT_TRUE(http.exhausted());
}

}  // namespace
}  // namespace tollgate::aws
