#include "runner/protocol/bundle.h"

#include <gtest/gtest.h>

#include "common/json/value.h"

namespace tollgate::runner {
namespace {

Bundle full() {
  Bundle bundle;
  bundle.run_id = "run-1";
  bundle.phase = Phase::apply;
  bundle.phase_id = "apply-1";
  bundle.workspace = "network";
  bundle.terraform = "/opt/terraform/1.11.4/terraform";
  bundle.terraform_version = "1.11.4";
  bundle.working_directory = "live/prod";
  bundle.variables = {{"region", Secret("eu-west-1"), false, false, false},
                      {"list", Secret("[1, 2]"), false, true, true},
                      {"TF_LOG", Secret("debug"), true, false, false}};
  bundle.environment = {{"AWS_SESSION_TOKEN", Secret("token"), true}};
  bundle.aws.emplace();
  bundle.aws->keys = {"ASIA1", Secret("secret"), Secret("token")};
  bundle.aws->expires_at = from_unix_seconds(1800000000);
  bundle.aws->renewal = RoleRenewal{{"ASIA2", Secret("secret 2"), Secret("token 2")},
                                    "eu-west-1",
                                    "arn:aws:iam::111122223333:role/apply",
                                    "external",
                                    "run-1-ana",
                                    std::chrono::hours(1),
                                    {"http://127.0.0.1:1", "/ca.pem", "http://p:1", "http://p:2", "*"}};
  bundle.options = {true, false, true, true, {"a.b[\"c\"]"}, {"d.e"}};
  bundle.log_format = LogFormat::json;
  bundle.plan_sha256 = std::string(64, 'a');
  bundle.provider_mirrors = {"/srv/mirror"};
  bundle.plugin_cache_directory = "/srv/cache";
  bundle.cli_configuration = Secret("credentials \"h\" {}");
  bundle.schema_cache_directory = "/var/cache/schemas";
  bundle.work_directory = "/run/work";
  bundle.network = {NetworkMode::none, {8080, 65535}};
  bundle.limits = {10, 1, 2, 3, 4, 5, 6};
  bundle.uid = 62001;
  bundle.gid = 62002;
  bundle.redact.emplace_back("known");
  bundle.unsandboxed = true;
  return bundle;
}

// The text of full() with one member replaced.
std::string with(std::string_view key, json::Value value) {
  json::Value document = *json::parse(to_text(full()).reveal());
  document.set(std::string(key), std::move(value));
  return json::to_text(document);
}

std::string with_variable(json::Value value) {
  return with("variables", json::Value::array({std::move(value)}));
}

TEST(Bundle, IsTheSameAfterWritingAndReading) {
  const auto read = parse_bundle(to_text(full()).reveal());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_text(*read), to_text(full()));
  EXPECT_EQ(read->variables.size(), 3U);
  EXPECT_TRUE(read->variables[1].hcl);
  EXPECT_EQ(read->network.loopback_ports, (std::vector<std::uint16_t>{8080, 65535}));
  EXPECT_EQ(read->uid, 62001);
}

TEST(Bundle, EveryMissingMemberIsAnError) {
  const json::Value document = *json::parse(to_text(full()).reveal());
  int required = 0;
  for (const auto& [key, value] : *document.if_object()) {
    json::Value less = json::Value::object();
    for (const auto& [other, kept] : *document.if_object())
      if (other != key) less.set(other, kept);
    if (key == "uid" || key == "gid" || key == "aws") continue;
    EXPECT_FALSE(parse_bundle(json::to_text(less))) << key;
    ++required;
  }
  EXPECT_EQ(required, 21);
}

TEST(Bundle, ACutTextIsRefused) {
  const Secret text = to_text(full());
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse_bundle(text.reveal().substr(0, size))) << size;
}

TEST(Bundle, WorkingDirectoryStaysInside) {
  for (const char* path : {"/etc", "..", "../x", "a/../../b", "a/.."})
    EXPECT_FALSE(parse_bundle(with("working-directory", path))) << path;
  for (const char* path : {"", "a", "a/b/", "..a", "a./b"})
    EXPECT_TRUE(parse_bundle(with("working-directory", path))) << path;
}

TEST(Bundle, NamesThatWouldMeanSomethingElseAreRefused) {
  const auto variable = [](const char* key, bool environment, const char* value) {
    return json::Value::object(
        {{"key", key}, {"value", value}, {"environment", environment}, {"hcl", false}, {"sensitive", false}});
  };
  EXPECT_FALSE(parse_bundle(with_variable(variable("A=B", true, "x"))));
  EXPECT_FALSE(parse_bundle(with_variable(variable("", true, "x"))));
  EXPECT_FALSE(parse_bundle(with_variable(variable("a = 1\nb", false, "x"))));
  EXPECT_FALSE(parse_bundle(with_variable(variable("1a", false, "x"))));
  EXPECT_TRUE(parse_bundle(with_variable(variable("a-b_1", false, "x"))));
  EXPECT_FALSE(parse_bundle(with("workspace", "a/b")));
  EXPECT_FALSE(parse_bundle(with("workspace", "..")));
  EXPECT_FALSE(parse_bundle(with("terraform", "terraform")));
  EXPECT_FALSE(parse_bundle(with("phase", "destroy")));
  EXPECT_FALSE(parse_bundle(with("plan-sha256", "")));
  EXPECT_FALSE(parse_bundle(with("uid", 0)));
}

}  // namespace
}  // namespace tollgate::runner
