#include "tests/unit/sandbox/sandbox_world.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "sandbox/example_world.h"
#include "sandbox/query_service.h"

namespace tollgate::sandbox::test {
namespace {

WorldFile example_world(RandomSource& random, TimePoint now) {
  auto file = read_world(example_files(random, kDefaultPort).world_toml, "world.toml", now);
  if (!file) throw std::runtime_error(file.error().text());
  return std::move(*file);
}

}  // namespace

SandboxWorld::SandboxWorld() : file(example_world(random, clock.now())), world(file.world) {}

Call SandboxWorld::call(const Principal& principal, std::string action, Parameters parameters) {
  Call call;
  call.principal = principal;
  call.service = "sts";
  call.action = std::move(action);
  call.parameters = std::move(parameters);
  call.region = "eu-central-1";
  call.source_ip = "127.0.0.1";
  call.now = clock.now();
  call.random = &random;
  return call;
}

Answer SandboxWorld::sts(const Principal& principal, std::string action, Parameters parameters) {
  return run_operation(world, call(principal, std::move(action), std::move(parameters)));
}

Principal SandboxWorld::user(const std::string& name) const {
  const User& row = *world.users.find("111111111111/" + name);
  Principal principal;
  principal.kind = Principal::Kind::user;
  principal.account = row.account;
  principal.name = row.name;
  principal.arn = row.arn();
  principal.id = row.id;
  return principal;
}

Principal SandboxWorld::root(const std::string& account) const {
  Principal principal;
  principal.kind = Principal::Kind::root;
  principal.account = account;
  principal.arn = "arn:aws:iam::" + account + ":root";
  principal.id = account;
  return principal;
}

Principal SandboxWorld::last_session() const {
  const Session* newest = nullptr;
  for (const auto& [key, session] : world.sessions.all()) {
    if (newest == nullptr || session.issued >= newest->issued) newest = &session;
  }
  Principal principal;
  principal.kind = newest->kind == Session::Kind::role         ? Principal::Kind::role_session
                   : newest->kind == Session::Kind::federation ? Principal::Kind::federated
                                                               : Principal::Kind::user;
  principal.account = newest->account;
  principal.name = newest->name;
  principal.arn = newest->principal_arn;
  principal.id = newest->principal_id;
  principal.access_key_id = newest->access_key_id;
  principal.session = *newest;
  return principal;
}

std::string SandboxWorld::code(const std::string& serial) const {
  return totp(world.devices.find(serial)->seed, clock.now());
}

Principal SandboxWorld::session(const std::string& user_name, bool mfa) {
  const std::string serial = "arn:aws:iam::111111111111:mfa/" + user_name;
  clock.advance(std::chrono::seconds(kTotpPeriod));
  Parameters parameters;
  if (mfa) parameters = {{"SerialNumber", serial}, {"TokenCode", code(serial)}};
  const Answer answer = sts(user(user_name), "GetSessionToken", parameters);
  if (answer.failed()) throw std::runtime_error(answer.message);
  return last_session();
}

Principal SandboxWorld::role_session(const std::string& role_arn, Parameters more) {
  const Principal ana = session("ana", true);
  clock.advance(std::chrono::seconds(1));
  more.insert({{"RoleArn", role_arn}, {"RoleSessionName", "work"}, {"ExternalId", kExternalId}});
  const Answer answer = sts(ana, "AssumeRole", std::move(more));
  if (answer.failed()) throw std::runtime_error(answer.message);
  return last_session();
}

std::string element_text(const std::string& xml, const std::string& name) {
  const std::size_t begin = xml.find("<" + name + ">");
  const std::size_t end = xml.find("</" + name + ">");
  if (begin == std::string::npos || end == std::string::npos) return "";
  return xml.substr(begin + name.size() + 2, end - begin - name.size() - 2);
}

TEST(ExampleWorld, IsReadAndHasWhatItSays) {
  const SandboxWorld example;
  EXPECT_EQ(example.world.accounts.all().size(), 2U);
  EXPECT_NE(example.world.role_by_arn(kDeploy), nullptr);
  EXPECT_NE(example.world.role_by_arn(kReadOnly), nullptr);
  EXPECT_NE(example.world.role_by_arn(kAudit), nullptr);
  EXPECT_EQ(example.world.role_by_arn("arn:aws:iam::222222222222:role/deploy"), nullptr) << "the path is part of it";
  EXPECT_TRUE(example.world.buckets.has("tollgate-state"));
  EXPECT_EQ(example.world.access_keys.all().size(), 2U);
  EXPECT_EQ(example.file.port, kDefaultPort);
}

TEST(ExampleWorld, KeysLookLikeAwsKeys) {
  const SandboxWorld example;
  for (const auto& [id, key] : example.world.access_keys.all()) {
    EXPECT_EQ(id.size(), 20U);
    EXPECT_EQ(id.substr(0, 4), "AKIA");
    EXPECT_EQ(key.secret.size(), 40U);
  }
}

TEST(ExampleWorld, FilesOfTwoWorldsShareNoKey) {
  CountingRandom random;
  const ExampleFiles first = example_files(random, 1);
  const ExampleFiles second = example_files(random, 1);
  EXPECT_NE(first.credentials, second.credentials);
  EXPECT_NE(first.world_toml, second.world_toml);
  EXPECT_EQ(first.config, second.config);
}

TEST(ExampleWorld, ProfilesHaveTheKeysThatTheWorldHas) {
  CountingRandom random;
  const ExampleFiles files = example_files(random, 1);
  const auto parsed = read_world(files.world_toml, "world.toml", TimePoint());
  ASSERT_TRUE(parsed);
  for (const auto& [id, key] : parsed->world.access_keys.all()) {
    EXPECT_NE(files.credentials.find(id), std::string::npos);
    EXPECT_NE(files.credentials.find(key.secret.reveal()), std::string::npos);
  }
  EXPECT_NE(files.config.find(std::string("external_id = ") + kExternalId), std::string::npos);
}

TEST(ExampleWorld, EnvironmentFileSurvivesOddPaths) {
  const std::string text = env_file("/tmp/it's $HOME `x`", 4777);
  EXPECT_NE(text.find("AWS_CONFIG_FILE='/tmp/it'\\''s $HOME `x`/aws/config'\n"), std::string::npos) << text;
}

}  // namespace tollgate::sandbox::test
