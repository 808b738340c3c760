#include "aws/endpoints.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

Environment with(std::map<std::string, std::string> variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

std::string text_of(const json::Value& object, std::string_view key) {
  const json::Value* found = object.find(key);
  return found != nullptr && found->if_string() != nullptr ? *found->if_string() : "";
}
bool true_at(const json::Value& object, std::string_view key) {
  const json::Value* found = object.find(key);
  return found != nullptr && found->if_bool() != nullptr && *found->if_bool();
}

// "https://host region", or the reason of the refusal.
std::string shown(const Result<Endpoint>& endpoint) {
  return endpoint ? endpoint->url + " " + endpoint->signing_region : endpoint.error().reason;
}

TEST(Endpoints, StsSuite) {
  const std::string path = "botocore/sts-endpoint-tests.json";
  TG_SKIP_WITHOUT_REFEREE(path);
  const auto document = test::read_referee_json(path);
  ASSERT_TRUE(document);
  int cases = 0;
  int agreeing = 0;
  for (const json::Value& one : *document->find("testCases")->if_array()) {
    SCOPED_TRACE(json::to_text(one));
    ++cases;
    const json::Value& params = *one.find("params");
    EndpointRequest request;
    request.region = text_of(params, "Region");
    request.use_fips = true_at(params, "UseFIPS");
    request.use_dual_stack = true_at(params, "UseDualStack");
    request.legacy_global = true_at(params, "UseGlobalEndpoint");
    request.endpoint_url = text_of(params, "Endpoint");
    const auto endpoint = resolve_endpoint(request);
    const json::Value& wanted = *one.find("expect");
    bool agrees = false;
    if (wanted.find("error") != nullptr) {
      agrees = !endpoint && endpoint.error().reason == "endpoint_conflict";
    } else {
      const json::Value& found = *wanted.find("endpoint");
      std::string region = request.region;
      if (const json::Value* properties = found.find("properties")) {
        if (const json::Value* schemes = properties->find("authSchemes")) {
          region = text_of(schemes->if_array()->front(), "signingRegion");
        }
      }
      agrees = endpoint && endpoint->url == text_of(found, "url") &&
               (endpoint->signing_region == region || request.region.empty());
    }
    EXPECT_TRUE(agrees) << shown(endpoint);
    if (agrees) ++agreeing;
  }
  EXPECT_EQ(cases, 46);
  EXPECT_EQ(agreeing, 46);
  test::record_agreement("sts-endpoints", cases, agreeing, {});
}

std::string ini_section(const std::string& header, const json::Value& settings) {
  std::string text = "[" + header + "]\n";
  for (const auto& [key, value] : *settings.if_object()) {
    if (value.if_string() != nullptr) {
      text += key + " = " + *value.if_string() + "\n";
      continue;
    }
    text += key + " =\n";
    for (const auto& [inner, inner_value] : *value.if_object())
      text += "  " + inner + " = " + *inner_value.if_string() + "\n";
  }
  return text;
}

TEST(Endpoints, ProfileEndpointSuite) {
  const std::string path = "botocore/profile-endpoint-tests.json";
  TG_SKIP_WITHOUT_REFEREE(path);
  const auto document = test::read_referee_json(path);
  ASSERT_TRUE(document);
  int cases = 0;
  int agreeing = 0;
  for (const json::Value& suite : *document->find("testSuites")->if_array()) {
    std::string config;
    for (const auto& [name, settings] : *suite.find("profiles")->if_object()) {
      config += ini_section("profile " + name, settings);
    }
    for (const auto& [name, settings] : *suite.find("services")->if_object()) {
      config += ini_section("services " + name, settings);
    }
    const ProfileSet set = merge_profiles({"config", "credentials"}, config, "");
    for (const json::Value& one : *suite.find("endpointUrlTests")->if_array()) {
      SCOPED_TRACE(text_of(one, "name"));
      ++cases;
      std::map<std::string, std::string> variables;
      for (const auto& [key, value] : *suite.find("environments")->find(text_of(one, "environment"))->if_object()) {
        variables[key] = *value.if_string();
      }
      const Profile* profile = set.find(text_of(one, "profile"));
      ASSERT_NE(profile, nullptr);
      const json::Value& client = *suite.find("client_configs")->find(text_of(one, "client_config"));
      auto request = endpoint_request(text_of(one, "service"), profile->text("region"), with(variables), set, profile);
      ASSERT_TRUE(request) << request.error().text();
      // What the caller itself asks for stands above all; it is not a matter of files.
      if (true_at(client, "ignore_configured_endpoint_urls")) request->endpoint_url.clear();
      if (client.find("endpoint_url") != nullptr) request->endpoint_url = text_of(client, "endpoint_url");
      const auto endpoint = resolve_endpoint(*request);
      const bool agrees = endpoint && endpoint->url == text_of(*one.find("output"), "endpointUrl");
      EXPECT_TRUE(agrees) << shown(endpoint);
      if (agrees) ++agreeing;
    }
  }
  EXPECT_EQ(cases, 39);
  EXPECT_EQ(agreeing, 39);
  test::record_agreement("profile-endpoints", cases, agreeing, {});
}

TEST(Endpoints, PartitionTableIsThatOfAws) {
  const std::string path = "botocore/partitions.json";
  TG_SKIP_WITHOUT_REFEREE(path);
  const auto document = test::read_referee_json(path);
  ASSERT_TRUE(document);
  const json::Array& wanted = *document->find("partitions")->if_array();
  int cases = 0;
  int agreeing = 0;
  const auto check = [&](bool agrees, const std::string& what) {
    ++cases;
    if (agrees) ++agreeing;
    EXPECT_TRUE(agrees) << what;
  };
  EXPECT_EQ(partitions().size(), wanted.size());
  for (const json::Value& one : wanted) {
    const std::string id = text_of(one, "id");
    const json::Value& outputs = *one.find("outputs");
    const Partition* ours = partition_of_arn("arn:" + id + ":iam::123456789012:role/x");
    ASSERT_NE(ours, nullptr) << id;
    check(ours->id == id && ours->dns_suffix == text_of(outputs, "dnsSuffix") &&
              ours->dual_stack_suffix == text_of(outputs, "dualStackDnsSuffix") &&
              ours->global_region == text_of(outputs, "implicitGlobalRegion") && true_at(outputs, "supportsFIPS") &&
              true_at(outputs, "supportsDualStack"),
          id);
    for (const auto& [region, description] : *one.find("regions")->if_object()) {
      const Partition* found = partition_of_region(region);
      check(found != nullptr && found->id == id, region);
    }
    // Regions that nobody has opened yet: the pattern decides for both.
    const std::regex pattern(text_of(one, "regionRegex"));
    for (const char* region : {"us-west-7", "eu-south-12", "mx-central-2", "cn-south-1", "us-gov-north-3", "us-iso-x-1",
                               "us-isob-x-1", "eu-isoe-x-1", "us-isof-x-1", "eusc-de-west-9", "moon-1", "us-east", "",
                               "us-east-1x", "xx-east-1", "eusc-fr-west-1", "us-east-1-1", "-east-1", "us--1"}) {
      const Partition* found = partition_of_region(region);
      check((found != nullptr && found->id == id) == std::regex_match(region, pattern), id + " " + region);
    }
  }
  EXPECT_EQ(agreeing, cases);
  test::record_agreement("partitions", cases, agreeing, {});
}

// Expected values: the endpoint rule sets of botocore 1.43.
TEST(Endpoints, OtherServices) {
  struct Case {
    const char* service;
    const char* region;
    bool fips;
    bool dual_stack;
    const char* wanted;
  };
  const Case cases[] = {
      {"IAM", "eu-west-1", false, false, "https://iam.amazonaws.com us-east-1"},
      {"IAM", "", false, false, "https://iam.amazonaws.com us-east-1"},
      {"IAM", "aws-global", false, true, "https://iam.global.api.aws us-east-1"},
      {"IAM", "us-east-1", true, false, "https://iam-fips.amazonaws.com us-east-1"},
      {"IAM", "us-east-1", true, true, "https://iam-fips.global.api.aws us-east-1"},
      {"IAM", "cn-northwest-1", false, false, "https://iam.cn-north-1.amazonaws.com.cn cn-north-1"},
      {"IAM", "cn-north-1", false, true, "https://iam.global.api.amazonwebservices.com.cn cn-north-1"},
      {"IAM", "cn-north-1", true, false, "endpoint_not_offered"},
      {"IAM", "us-gov-east-1", false, false, "https://iam.us-gov.amazonaws.com us-gov-west-1"},
      {"IAM", "us-gov-east-1", true, false, "https://iam.us-gov.amazonaws.com us-gov-west-1"},
      {"IAM", "us-gov-east-1", true, true, "https://iam.us-gov.api.aws us-gov-west-1"},
      {"IAM", "us-iso-west-1", false, false, "https://iam.us-iso-east-1.c2s.ic.gov us-iso-east-1"},
      {"IAM", "us-isob-east-1", false, false, "https://iam.us-isob-east-1.sc2s.sgov.gov us-isob-east-1"},
      {"IAM", "eu-isoe-west-1", false, false, "https://iam.eu-isoe-west-1.cloud.adc-e.uk eu-isoe-west-1"},
      {"IAM", "us-isof-east-1", false, false, "https://iam.us-isof-south-1.csp.hci.ic.gov us-isof-south-1"},
      {"IAM", "eusc-de-east-1", false, false, "https://iam.eusc-de-east-1.amazonaws.eu eusc-de-east-1"},
      {"SSO", "eu-west-1", false, false, "https://portal.sso.eu-west-1.amazonaws.com eu-west-1"},
      {"SSO", "eu-west-1", true, true, "https://portal.sso-fips.eu-west-1.api.aws eu-west-1"},
      {"SSO", "us-gov-west-1", true, false, "https://portal.sso.us-gov-west-1.amazonaws.com us-gov-west-1"},
      {"SSO", "us-gov-west-1", true, true, "https://portal.sso-fips.us-gov-west-1.api.aws us-gov-west-1"},
      {"SSO", "", false, false, "region_missing"},
      {"SSO OIDC", "cn-north-1", false, false, "https://oidc.cn-north-1.amazonaws.com.cn cn-north-1"},
      {"SSO OIDC", "eusc-de-east-1", false, true,
       "https://oidc.eusc-de-east-1.api.amazonwebservices.eu eusc-de-east-1"},
      {"S3", "eu-west-1", false, false, "https://s3.eu-west-1.amazonaws.com eu-west-1"},
      {"S3", "eu-west-1", true, false, "endpoint_not_offered"},
      {"STS", "", false, false, "https://sts.amazonaws.com us-east-1"},
      {"STS", "", true, false, "region_missing"},
      {"STS", "", false, true, "region_missing"},
      {"STS", "aws-global", true, false, "region_missing"},
      {"STS", "aws-cn-global", false, false, "https://sts.cn-northwest-1.amazonaws.com.cn cn-northwest-1"},
      {"STS", "eusc-de-east-1", false, false, "https://sts.eusc-de-east-1.amazonaws.eu eusc-de-east-1"},
      {"STS", "eu-isoe-west-1", false, true, "https://sts.eu-isoe-west-1.api.cloud-aws.adc-e.uk eu-isoe-west-1"},
      {"STS", "moon-1", false, false, "https://sts.moon-1.amazonaws.com moon-1"},
      {"STS", "evil.example/x", false, false, "bad_region"},
      {"STS", "us-east-1\n", false, false, "bad_region"},
      {"STS", "US-EAST-1", false, false, "bad_region"},
      {"x/y", "us-east-1", false, false, "endpoint_not_offered"},
  };
  for (const Case& one : cases) {
    EndpointRequest request;
    request.service_id = one.service;
    request.region = one.region;
    request.use_fips = one.fips;
    request.use_dual_stack = one.dual_stack;
    EXPECT_EQ(shown(resolve_endpoint(request)), one.wanted) << one.service << " " << one.region;
  }
}

TEST(Endpoints, LegacyModeIsForOldCommercialRegionsOnly) {
  const auto legacy = [](std::string region, bool fips = false) {
    EndpointRequest request;
    request.region = std::move(region);
    request.legacy_global = true;
    request.use_fips = fips;
    return shown(resolve_endpoint(request));
  };
  EXPECT_EQ(legacy("eu-west-1"), "https://sts.amazonaws.com us-east-1");
  EXPECT_EQ(legacy("af-south-1"), "https://sts.af-south-1.amazonaws.com af-south-1");
  EXPECT_EQ(legacy("cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn cn-north-1");
  EXPECT_EQ(legacy("us-gov-west-1"), "https://sts.us-gov-west-1.amazonaws.com us-gov-west-1");
  EXPECT_EQ(legacy("us-west-2", true), "https://sts-fips.us-west-2.amazonaws.com us-west-2");
}

TEST(Endpoints, ConfiguredUrls) {
  const auto custom = [](std::string url) {
    EndpointRequest request;
    request.region = "eu-west-1";
    request.endpoint_url = std::move(url);
    return shown(resolve_endpoint(request));
  };
  EXPECT_EQ(custom("http://127.0.0.1:5000/"), "http://127.0.0.1:5000 eu-west-1");
  EXPECT_EQ(custom("https://[::1]:8443/sts//"), "https://[::1]:8443/sts eu-west-1");
  for (const char* url : {"ftp://x", "127.0.0.1:5000", "https://", "https:///x", "https://u:p@x", "https://x?y=1",
                          "https://x#y", "https://x y", "http://x\r\nHost: y", "https://x\\y"}) {
    EXPECT_EQ(custom(url), "bad_endpoint_url") << url;
  }
}

TEST(Endpoints, SettingsOfEnvironmentAndProfile) {
  const ProfileSet set = merge_profiles(
      {"config", "credentials"},
      "[profile a]\nuse_fips_endpoint = TRUE\nuse_dualstack_endpoint = yes\nsts_regional_endpoints = legacy\n"
      "[profile b]\nendpoint_url = https://b\nservices = s\nignore_configured_endpoint_urls = true\n"
      "[profile c]\nservices = s\n[profile d]\nservices = gone\nendpoint_url = https://d\n"
      "[services s]\nsts =\n  endpoint_url = https://first\n  endpoint_url = https://last\nsso_oidc =\n  endpoint_url "
      "= https://o\n",
      "");
  const auto a = endpoint_request("STS", "us-east-1", {}, set, set.find("a"));
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->use_fips);
  EXPECT_FALSE(a->use_dual_stack) << "neither true nor false in a file is false";
  EXPECT_TRUE(a->legacy_global);
  const auto a2 = endpoint_request("STS", "us-east-1", with({{"AWS_USE_FIPS_ENDPOINT", "false"}}), set, set.find("a"));
  ASSERT_TRUE(a2);
  EXPECT_FALSE(a2->use_fips) << "the environment wins";
  EXPECT_EQ(endpoint_request("STS", "us-east-1", with({{"AWS_USE_FIPS_ENDPOINT", "yes"}}), set, nullptr).error().place,
            "AWS_USE_FIPS_ENDPOINT");
  EXPECT_EQ(configured_endpoint_url("STS", {}, set, set.find("b")), std::nullopt);
  EXPECT_EQ(
      configured_endpoint_url("STS", with({{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"}}), set, set.find("b")),
      "https://last")
      << "the environment's no beats the profile's yes";
  EXPECT_EQ(configured_endpoint_url("SSO OIDC", {}, set, set.find("c")), "https://o");
  EXPECT_EQ(configured_endpoint_url("IAM", {}, set, set.find("c")), std::nullopt);
  EXPECT_EQ(configured_endpoint_url("IAM", {}, set, set.find("d")), "https://d");
  EXPECT_EQ(configured_endpoint_url("SSO OIDC", with({{"AWS_ENDPOINT_URL_SSO_OIDC", "https://e"}}), set, nullptr),
            "https://e");
  EXPECT_EQ(endpoint_for("STS", "eu-west-1", {}, set, set.find("c"))->url, "https://last");
}

TEST(Endpoints, PartitionOfArn) {
  EXPECT_EQ(partition_of_arn("arn:aws-us-gov:iam::123456789012:mfa/x")->id, "aws-us-gov");
  EXPECT_EQ(partition_of_arn("arn:aws:sts::1:x")->id, "aws");
  EXPECT_EQ(partition_of_arn("arn:nope:iam::1:x"), nullptr);
  EXPECT_EQ(partition_of_arn("aws"), nullptr);
  EXPECT_EQ(partition_of_arn("arn:"), nullptr);
}

}  // namespace
}  // namespace tollgate::aws
