#include "broker/deliver/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "aws/query.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::deliver {
namespace {

using ::testing::HasSubstr;

constexpr const char* kConfig =
    "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/deploy\nsource_profile = base\nexternal_id = ext\n"
    "mfa_serial = arn:aws:iam::111111111111:mfa/ana\nregion = eu-central-1\n"
    "[profile base]\nregion = us-east-1\n";
constexpr const char* kCredentials =
    "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMIK7MDENG\n";

// Answers as AWS does where keys alone are not enough, and remembers what it was asked.
class FakeAws final : public net::Client {
 public:
  explicit FakeAws(const Clock& clock) : clock_(&clock) {}

  tl::expected<net::Response, net::Failure> send(const net::Request& request) override {
    if (unreachable) return tl::unexpected(net::Failure{net::Delivery::not_sent, Error(Code::unavailable, "no route")});
    const net::Headers headers = {{"Date", format_http_date(clock_->now() + skew)}};
    if (request.body.empty()) {
      calls.emplace_back("GET");
      return net::Response{302, headers, ""};
    }
    const auto parameters = aws::parse_query(request.body);
    std::map<std::string, std::string> call(parameters->all().begin(), parameters->all().end());
    const std::string action = call["Action"];
    calls.push_back(action);
    EXPECT_EQ(call.count("TokenCode"), 0u) << "doctor never sends a code";
    EXPECT_EQ(call.count("SerialNumber"), 0u);
    last = call;
    const auto refused = [&](std::string_view code, std::string_view message) {
      return net::Response{
          403, headers,
          fmt::format("<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>", code,
                      message)};
    };
    std::string result;
    if (action == "GetCallerIdentity") {
      if (key_refused) return refused("InvalidClientTokenId", "The security token included in the request is invalid");
      result = fmt::format("<Arn>{}</Arn><UserId>AIDA</UserId><Account>111111111111</Account>", arn);
    } else if (action == "ListMFADevices") {
      if (!may_list) return refused("AccessDenied", "User is not authorized to perform: iam:ListMFADevices");
      result = "<MFADevices>";
      for (const std::string& serial : devices)
        result += fmt::format("<member><UserName>ana</UserName><SerialNumber>{}</SerialNumber></member>", serial);
      result += "</MFADevices><IsTruncated>false</IsTruncated>";
    } else if (action == "AssumeRole") {
      if (!role_refusal.empty()) return refused("AccessDenied", role_refusal);
      result = fmt::format(
          "<Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</"
          "SessionToken>"
          "<Expiration>{}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>a</Arn>"
          "</AssumedRoleUser>",
          format_iso8601(clock_->now() + Duration(900000)));
    }
    return net::Response{200, headers,
                         fmt::format("<{0}Response><{0}Result>{1}</{0}Result></{0}Response>", action, result)};
  }

  Duration skew{0};
  bool unreachable = false;
  bool key_refused = false;
  bool may_list = false;
  std::vector<std::string> devices = {"arn:aws:iam::111111111111:mfa/ana"};
  std::string arn = "arn:aws:iam::111111111111:user/ana";
  std::string role_refusal = "User: x is not authorized to perform: sts:AssumeRole on resource: y";
  std::vector<std::string> calls;
  std::map<std::string, std::string> last;

 private:
  const Clock* clock_;
};

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    environment_.set("PATH", folder_.file("bin"));
    ::mkdir(folder_.file("bin").c_str(), 0755);
    ::mkdir(folder_.file("code").c_str(), 0755);
    for (const char* name : {"terraform", "aws", "tollgate", "tollgate-fetch"})
      test::write_test_file(folder_.file(std::string("bin/") + name), fmt::format("#!/bin/sh\n# {}\n", name), 0755);
    files(kConfig, kCredentials);
  }

  void files(std::string_view config, std::string_view credentials) {
    set_ = aws::merge_profiles({"config", "credentials"}, config, credentials);
  }

  Report examine_profile(const std::string& profile = "prod", bool online = true) {
    os::UserDirectories directories;
    directories.home = folder_.path();
    directories.cache = folder_.file("cache/tollgate");
    directories.data = folder_.file("data/tollgate");
    directories.state = folder_.file("state/tollgate");
    Surroundings around{clock_,
                        environment_,
                        directories,
                        &set_,
                        [this](std::string_view name) { return stored_.count(std::string(name)) != 0; },
                        profile,
                        true,
                        folder_.file("bin/tollgate"),
                        folder_.file("bin/tollgate-fetch"),
                        folder_.file("code"),
                        terminal_,
                        {},
                        Duration(0),
                        [this]() -> Result<std::optional<vault::Protection>> { return protection_; },
                        [this]() -> Result<std::vector<vault::KeySummary>> {
                          std::vector<vault::KeySummary> list;
                          for (const auto& [name, summary] : stored_)
                            list.push_back(summary);
                          return list;
                        },
                        [](const aws::VaultKeys&) -> Result<aws::Credentials> {
                          aws::Credentials keys;
                          keys.access_key_id = "AKIASTORED";
                          keys.secret_access_key = Secret("secret");
                          return keys;
                        },
                        role_limit_};
    if (online) around.network = [this]() -> net::Client& { return aws_; };
    return examine(around);
  }

  static const Check& check(const Report& report, std::string_view id) {
    for (const Check& each : report.checks) {
      if (each.id == id) return each;
    }
    ADD_FAILURE() << "there is no check " << id;
    return report.checks.front();
  }
  // "status: message | place: message -> fix | ..." of one check.
  static std::string text(const Report& report, std::string_view id) {
    const Check& one = check(report, id);
    std::string all = fmt::format("{}: {}", check_status_name(one.status), one.message);
    for (const Finding& finding : one.findings)
      all += fmt::format(" | {}: {} -> {}", finding.place, finding.message, finding.fix);
    return all;
  }

  test::TemporaryDirectory folder_;
  test::ManualClock clock_;
  FakeAws aws_{clock_};
  os::Environment environment_;
  aws::ProfileSet set_;
  bool terminal_ = true;
  std::map<std::string, vault::KeySummary> stored_;
  std::optional<vault::Protection> protection_;
  std::function<std::optional<RoleLimit>(std::string_view)> role_limit_;
};

TEST_F(DoctorTest, AWellSetUpMachine) {
  const Report report = examine_profile();
  EXPECT_FALSE(report.failed());
  for (const Check& each : report.checks) {
    EXPECT_NE(each.status, CheckStatus::fail) << each.id << ": " << each.message;
    EXPECT_NE(each.message, "") << each.id;
    EXPECT_FALSE(each.title.empty());
  }
  EXPECT_GE(report.checks.size(), 15u);
  EXPECT_THAT(text(report, "credentials"), HasSubstr("ok: accepted: arn:aws:iam::111111111111:user/ana"));
  EXPECT_THAT(text(report, "gate"), HasSubstr("ok: arn:aws:iam::222222222222:role/deploy is closed without a code"));
  EXPECT_EQ(aws_.last["ExternalId"], "ext");
  EXPECT_EQ(aws_.last["DurationSeconds"], "900");
  EXPECT_THAT(text(report, "plain-keys"), HasSubstr("credentials:2"));
  EXPECT_THAT(text(report, "plain-keys"), HasSubstr("tollgate keys import base"));
}

TEST_F(DoctorTest, OfflineAsksNobody) {
  const Report report = examine_profile("prod", false);
  EXPECT_FALSE(report.failed());
  for (const std::string_view id : {"endpoint", "clock", "credentials", "user-devices", "gate"})
    EXPECT_EQ(check(report, id).status, CheckStatus::skipped) << id;
  EXPECT_TRUE(aws_.calls.empty());
  EXPECT_THAT(report.trust_policy, HasSubstr("arn:aws:iam::111111111111:root"));
}

TEST_F(DoctorTest, AnOpenGateFails) {
  aws_.role_refusal.clear();
  const Report report = examine_profile();
  EXPECT_TRUE(report.failed());
  EXPECT_THAT(text(report, "gate"),
              HasSubstr("fail: AWS let the bare keys into arn:aws:iam::222222222222:role/deploy"));
  EXPECT_EQ(std::count(aws_.calls.begin(), aws_.calls.end(), "AssumeRole"), 1);
  EXPECT_THAT(report.trust_policy, HasSubstr("\"aws:MultiFactorAuthPresent\": \"true\""));
  EXPECT_THAT(report.trust_policy, HasSubstr("\"sts:ExternalId\": \"ext\""));
  EXPECT_THAT(report.trust_policy, HasSubstr("arn:aws:iam::111111111111:user/ana"));
}

TEST_F(DoctorTest, ARefusalOfAnotherKindProvesNothing) {
  aws_.role_refusal = "with an explicit deny in an identity-based policy: not authorized";
  EXPECT_EQ(check(examine_profile(), "gate").status, CheckStatus::ok);
  aws_.role_refusal = "Cannot call AssumeRole with session credentials";
  EXPECT_EQ(check(examine_profile(), "gate").status, CheckStatus::warn);
}

TEST_F(DoctorTest, DeadKeysFailAndTheGateIsNotTried) {
  aws_.key_refused = true;
  const Report report = examine_profile();
  EXPECT_EQ(check(report, "credentials").status, CheckStatus::fail);
  EXPECT_EQ(check(report, "gate").status, CheckStatus::skipped);
}

TEST_F(DoctorTest, AnUnreachableEndpointFails) {
  aws_.unreachable = true;
  const Report report = examine_profile();
  EXPECT_THAT(text(report, "endpoint"), HasSubstr("fail: no route | https://sts.eu-central-1.amazonaws.com"));
  EXPECT_EQ(check(report, "clock").status, CheckStatus::skipped);
}

TEST_F(DoctorTest, ClockSkew) {
  const struct {
    int seconds;
    CheckStatus status;
  } cases[] = {{0, CheckStatus::ok},     {20, CheckStatus::ok},     {-20, CheckStatus::ok},  {40, CheckStatus::warn},
               {-40, CheckStatus::warn}, {-299, CheckStatus::warn}, {301, CheckStatus::fail}};
  for (const auto& each : cases) {
    aws_.skew = Duration(each.seconds * 1000);
    EXPECT_EQ(check(examine_profile(), "clock").status, each.status) << each.seconds;
  }
  aws_.skew = Duration(3600000);
  EXPECT_THAT(text(examine_profile(), "clock"), HasSubstr("behind AWS"));
}

TEST_F(DoctorTest, DevicesOfTheUser) {
  const struct {
    std::vector<std::string> devices;
    CheckStatus status;
    std::string words;
  } cases[] = {
      {{"arn:aws:iam::111111111111:mfa/ana"}, CheckStatus::ok, "mfa/ana"},
      {{"arn:aws:iam::111111111111:mfa/phone"},
       CheckStatus::fail,
       "mfa_serial = one of: arn:aws:iam::111111111111:mfa/phone"},
      {{"arn:aws:iam::111111111111:u2f/user/ana/key"}, CheckStatus::fail, "security keys only"},
      {{}, CheckStatus::fail, "no MFA device"},
  };
  aws_.may_list = true;
  for (const auto& each : cases) {
    aws_.devices = each.devices;
    const Report report = examine_profile();
    EXPECT_EQ(check(report, "user-devices").status, each.status) << each.words;
    EXPECT_THAT(text(report, "user-devices"), HasSubstr(each.words));
  }
}

TEST_F(DoctorTest, MistakesInFilesHaveTheirLine) {
  files(
      "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/deploy\nsource_profile = base\n"
      "mfa_serial = arn:aws:iam::111111111111:user/ana\nduration_seconds = 7200\n[bare]\nregion = x\n",
      kCredentials);
  const Report report = examine_profile("prod", false);
  EXPECT_THAT(text(report, "mfa-device"), HasSubstr("fail: "));
  EXPECT_THAT(text(report, "mfa-device"), HasSubstr("config:4"));
  EXPECT_THAT(text(report, "files"), HasSubstr("config:6"));
}

TEST_F(DoctorTest, MistakesOfOtherProfilesOnlyWarn) {
  files(std::string(kConfig) + "[profile other]\nrole_arn = r\nsource_profile = nobody\n", kCredentials);
  const Report report = examine_profile("prod", false);
  EXPECT_EQ(check(report, "files").status, CheckStatus::warn) << text(report, "files");
  EXPECT_EQ(check(examine_profile("other", false), "profile").status, CheckStatus::fail);
  EXPECT_EQ(check(examine_profile("nobody", false), "profile").status, CheckStatus::fail);
}

TEST_F(DoctorTest, DurationsAboveTheCapAreNamed) {
  files(
      "[profile first]\nrole_arn = arn:aws:iam::222222222222:role/a\nsource_profile = base\n"
      "mfa_serial = arn:aws:iam::111111111111:mfa/ana\n"
      "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/b\nsource_profile = first\nduration_seconds = 7200\n",
      kCredentials);
  EXPECT_THAT(text(examine_profile("prod", false), "durations"), HasSubstr("config:8"));
}

TEST_F(DoctorTest, WhatAwsHasRefusedOfTheRoleIsARemark) {
  std::string asked;
  role_limit_ = [&](std::string_view role_arn) {
    asked = role_arn;
    return RoleLimit{std::chrono::hours(8), std::chrono::hours(4)};
  };
  const Report report = examine_profile("prod", false);
  EXPECT_FALSE(report.failed());
  EXPECT_THAT(text(report, "durations"), AllOf(HasSubstr("refused a session of 8h"), HasSubstr("becomes 4h")));
  EXPECT_EQ(asked, report.role_arn);
}

TEST_F(DoctorTest, VariablesThatWin) {
  environment_.set("AWS_SESSION_TOKEN", "secrettoken").set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x");
  const Report report = examine_profile("prod", false);
  EXPECT_THAT(text(report, "environment"), HasSubstr("warn: "));
  EXPECT_THAT(text(report, "environment"), HasSubstr("AWS_SESSION_TOKEN"));
  EXPECT_THAT(text(report, "environment"), HasSubstr("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  EXPECT_EQ(json::to_text(to_json(report)).find("secrettoken"), std::string::npos);
  environment_.set("TOLLGATE_PROFILE", "prod");
  EXPECT_EQ(check(examine_profile("prod", false), "environment").status, CheckStatus::ok);
}

TEST_F(DoctorTest, CodeThatPassesTheOverlayBy) {
  test::write_test_file(folder_.file("code/main.tf"),
                        "provider \"aws\" {\n  shared_config_files = [\"x\"]\n}\nprovider \"aws\" {\n"
                        "  profile = \"gone\"\n}\nprovider \"aws\" {\n  profile = \"prod\"\n}\n");
  const Report report = examine_profile("prod", false);
  EXPECT_TRUE(report.failed());
  EXPECT_THAT(text(report, "terraform-code"), HasSubstr("main.tf:2: shared_config_files"));
  EXPECT_THAT(text(report, "terraform-code"), HasSubstr("main.tf:5"));
  EXPECT_EQ(check(report, "terraform-code").findings.size(), 2u);
}

TEST_F(DoctorTest, CodeThatNamesAFileOfKeysIsServedButForThoseKeys) {
  test::write_test_file(folder_.file("code/main.tf"),
                        "provider \"aws\" {\n  shared_credentials_files = [\"~/.aws/config\"]\n}\n");
  const Report report = examine_profile("prod", false);
  EXPECT_EQ(check(report, "terraform-code").status, CheckStatus::warn);
  EXPECT_THAT(text(report, "terraform-code"), HasSubstr("main.tf:2: shared_credentials_files"));
}

TEST_F(DoctorTest, StorageThatOthersMayRead) {
  ::mkdir(folder_.file("cache").c_str(), 0755);
  ::mkdir(folder_.file("cache/tollgate").c_str(), 0755);
  ::chmod(folder_.file("cache/tollgate").c_str(), 0755);
  const Report report = examine_profile("prod", false);
  EXPECT_THAT(text(report, "storage"), HasSubstr("fail: "));
  EXPECT_THAT(text(report, "storage"), HasSubstr("chmod 700"));
}

TEST_F(DoctorTest, ProgramsThatAreMissing) {
  environment_.set("PATH", "/nowhere");
  ::unlink(folder_.file("bin/tollgate-fetch").c_str());
  terminal_ = false;
  const Report report = examine_profile("prod", false);
  EXPECT_EQ(check(report, "programs").status, CheckStatus::warn);
  EXPECT_EQ(check(report, "network-program").status, CheckStatus::fail);
  EXPECT_EQ(check(report, "terminal").status, CheckStatus::warn);
}

TEST_F(DoctorTest, AShimWithNothingBehindIt) {
  ::unlink(folder_.file("bin/terraform").c_str());
  ASSERT_EQ(::symlink(folder_.file("bin/tollgate").c_str(), folder_.file("bin/terraform").c_str()), 0);
  EXPECT_THAT(text(examine_profile("prod", false), "programs"), HasSubstr("no real terraform"));
}

TEST_F(DoctorTest, StoredKeys) {
  vault::KeySummary summary;
  summary.profile = "base";
  summary.last_four = "…MPLE";
  summary.created = clock_.now();
  stored_["base"] = summary;
  EXPECT_THAT(text(examine_profile(), "stored-keys"), HasSubstr("vault-key"));
  protection_ = vault::Protection();
  Report report = examine_profile();
  EXPECT_THAT(text(report, "stored-keys"), HasSubstr("ok: 1, locked with a passphrase"));
  EXPECT_EQ(check(report, "credentials").status, CheckStatus::ok);

  stored_["base"].created = clock_.now() - std::chrono::hours(24 * 91);
  EXPECT_THAT(text(examine_profile(), "stored-keys"), HasSubstr("older than 90 days"));
  stored_["base"].rotation_step = "stored";
  EXPECT_THAT(text(examine_profile(), "stored-keys"), HasSubstr("keys rotate base"));
  stored_["base"].problem = "damaged";
  EXPECT_EQ(check(examine_profile(), "stored-keys").status, CheckStatus::fail);
}

TEST_F(DoctorTest, ALineOfOursWithoutStoredKeys) {
  files("[profile ana]\ncredential_process = /usr/bin/tollgate credential-process --profile ana\n", "");
  EXPECT_THAT(text(examine_profile("ana", false), "stored-keys"), HasSubstr("config:2"));
}

TEST_F(DoctorTest, FilesThatCannotBeRead) {
  os::UserDirectories directories;
  Surroundings around{clock_,      environment_, directories, fail(Code::io, "disk is gone"),
                      {},          "prod",       true,        "/bin/x",
                      "/bin/x",    "/",          true,        {},
                      Duration(0), {},           {},          {},
                      {}};
  const Report report = examine(around);
  EXPECT_TRUE(report.failed());
  EXPECT_THAT(text(report, "files"), HasSubstr("disk is gone"));
}

TEST_F(DoctorTest, JsonHasASchemaAndNoSecret) {
  const json::Value value = to_json(examine_profile());
  EXPECT_EQ(*value.find("schema")->if_string(), "tollgate.doctor.v1");
  EXPECT_EQ(*value.find("status")->if_string(), "ok");
  for (const json::Value& each : *value.find("checks")->if_array()) {
    for (const char* name : {"id", "title", "status", "message", "findings"})
      EXPECT_NE(each.find(name), nullptr) << name;
  }
  EXPECT_NE(value.find("trust_policy")->find("document"), nullptr);
  EXPECT_EQ(json::to_text(value).find("wJalrXUtnFEMIK7MDENG"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::deliver
