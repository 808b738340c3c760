#include "broker/deliver/credential_broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <set>

#include "aws/query.h"
#include "broker/deliver/role_limits.h"
#include "common/crypto/sealed_box.h"
#include "tests/support/manual_clock.h"

namespace tollgate::deliver {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kConfig =
    "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/team/deploy\nsource_profile = base\n"
    "external_id = ext\nmfa_serial = arn:aws:iam::111111111111:mfa/ana\nregion = eu-central-1\n"
    "[profile audit]\nrole_arn = arn:aws:iam::111111111111:role/audit\nsource_profile = base\n"
    "mfa_serial = arn:aws:iam::111111111111:mfa/ana\nregion = us-east-1\n"
    "[profile deep]\nrole_arn = arn:aws:iam::333333333333:role/deep\nsource_profile = prod\n"
    "[profile long]\nrole_arn = arn:aws:iam::222222222222:role/long\nsource_profile = base\n"
    "mfa_serial = arn:aws:iam::111111111111:mfa/ana\nduration_seconds = 14400\n"
    "[profile script]\ncredential_process = get-keys\nregion = us-east-1\n"
    "[profile base]\nregion = us-east-1\n";
constexpr const char* kCredentials = "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret\n";

// Answers as STS does, and remembers what it was asked.
class FakeSts final : public net::Client {
 public:
  explicit FakeSts(const Clock& clock) : clock_(&clock) {}

  tl::expected<net::Response, net::Failure> send(const net::Request& request) override {
    const auto parameters = aws::parse_query(request.body);
    EXPECT_TRUE(parameters) << request.body;
    std::map<std::string, std::string> call(parameters->all().begin(), parameters->all().end());
    const std::string action = call["Action"];
    calls.push_back(action + (call.count("TokenCode") != 0 ? "+code" : ""));
    last = call;
    last_url = request.url;
    if (!failing.empty()) return refusal(403, failing, failing_message);
    const auto life = call.count("DurationSeconds") != 0 ? std::stoll(call["DurationSeconds"]) : 3600;
    if (call.count("TokenCode") != 0 && spent_.count(call["TokenCode"]) != 0) {
      return refusal(403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.");
    }
    const bool too_long = action == "AssumeRole" && seconds(life) > longest_role_session;
    if (!too_long || refusals_spend_codes) spent_.insert(call["TokenCode"]);
    if (too_long) {
      return refusal(400, "ValidationError",
                     "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    }
    const std::string end = format_iso8601(clock_->now() + seconds(life));
    const std::string credentials = fmt::format(
        "<Credentials><AccessKeyId>ASIA{0}</AccessKeyId><SecretAccessKey>s{0}</SecretAccessKey>"
        "<SessionToken>t{0}</SessionToken><Expiration>{1}</Expiration></Credentials>",
        calls.size(), end);
    const std::string extra =
        action == "AssumeRole"
            ? fmt::format("<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
                          call["RoleArn"])
            : "";
    return net::Response{
        200, {}, fmt::format("<{0}Response><{0}Result>{1}{2}</{0}Result></{0}Response>", action, credentials, extra)};
  }

  std::vector<std::string> calls;
  std::map<std::string, std::string> last;
  std::string last_url;
  std::string failing;
  std::string failing_message;
  seconds longest_role_session = hours(12);
  bool refusals_spend_codes = false;

 private:
  static net::Response refusal(int status, std::string_view code, std::string_view message) {
    return net::Response{status,
                         {},
                         fmt::format("<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error>"
                                     "<RequestId>r-1</RequestId></ErrorResponse>",
                                     code, message)};
  }

  std::set<std::string> spent_;
  const Clock* clock_;
};

// A person whose device shows a new code at each look.
class FakePerson final : public mfa::CodeSource {
 public:
  Kind kind() const override { return Kind::person; }
  Result<Secret> ask(const mfa::CodePrompt& prompt) override {
    prompts.push_back(prompt);
    return Secret(fmt::format("{:06}", 100000 + prompts.size()));
  }
  Result<void> wait(Duration, std::string_view) override { return {}; }
  std::vector<mfa::CodePrompt> prompts;
};

class CredentialBrokerTest : public ::testing::Test {
 protected:
  CredentialBrokerTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "broker-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    directory_.emplace(*os::PrivateDirectory::create(folder_ + "/cache"));
    const Secret key = crypto::generate_seal_key(random_);
    sessions_.emplace(*vault::SessionCache::open(*directory_, key, random_));
    used_.emplace(*directory_, key, clock_);
    gate_.emplace(*directory_, person_, *used_, clock_);
    profiles_ = aws::merge_profiles({"config", "credentials"}, kConfig, kCredentials);
  }
  ~CredentialBrokerTest() override { std::filesystem::remove_all(folder_); }

  CredentialBroker broker() {
    Ports ports{clock_,    random_,    [](std::string_view) { return std::nullopt; },
                profiles_, *sessions_, {},
                {},        {},         {},
                {},        {},         {},
                {},        {},         {}};
    ports.locks = [this]() -> Result<const os::PrivateDirectory*> { return &*directory_; };
    ports.gate = [this]() -> Result<mfa::DeviceGate*> { return &*gate_; };
    ports.network = [this]() -> net::Client& { return sts_; };
    ports.run_process = [this](const std::string& command, seconds) -> Result<aws::ProcessOutcome> {
      processes_.push_back(command);
      return aws::ProcessOutcome{0, Secret(process_output_), ""};
    };
    ports.asked_by = [] { return std::string("terraform plan"); };
    ports.user_name = [] { return std::string("ana b"); };
    ports.load_clock_offset = [] { return Duration(0); };
    return CredentialBroker(std::move(ports));
  }

  Obtained obtain(std::string_view profile, const ObtainOptions& options = {}) {
    auto obtained = broker().obtain(profile, options);
    EXPECT_TRUE(obtained) << (obtained ? "" : obtained.error().text());
    return obtained ? std::move(*obtained) : Obtained();
  }

  std::string folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  FakeSts sts_{clock_};
  FakePerson person_;
  std::optional<os::PrivateDirectory> directory_;
  std::optional<vault::SessionCache> sessions_;
  std::optional<mfa::UsedCodes> used_;
  std::optional<mfa::DeviceGate> gate_;
  aws::ProfileSet profiles_;
  std::vector<std::string> processes_;
  std::string process_output_;
};

TEST_F(CredentialBrokerTest, OneCodeServesEveryRoleInEveryRegionForHalfADay) {
  obtain("prod");
  EXPECT_THAT(sts_.calls, ElementsAre("GetSessionToken+code", "AssumeRole"));
  EXPECT_EQ(sts_.last["ExternalId"], "ext");
  EXPECT_EQ(sts_.last_url, "https://sts.eu-central-1.amazonaws.com/");
  obtain("audit");
  EXPECT_EQ(sts_.last_url, "https://sts.us-east-1.amazonaws.com/");
  EXPECT_THAT(sts_.calls, ElementsAre("GetSessionToken+code", "AssumeRole", "AssumeRole"));
  EXPECT_TRUE(obtain("prod").from_cache);
  EXPECT_EQ(sts_.calls.size(), 3U);
  EXPECT_EQ(person_.prompts.size(), 1U);
  EXPECT_EQ(person_.prompts[0].profile, "prod");
  EXPECT_EQ(person_.prompts[0].asked_by, "terraform plan");
}

TEST_F(CredentialBrokerTest, RolesRenewSilentlyWithAQuarterOfTheirLifeLeftAndKeepTheirName) {
  obtain("prod");
  const std::string name = sts_.last["RoleSessionName"];
  EXPECT_THAT(name, ::testing::MatchesRegex("ana-b-[A-Za-z0-9]{8}"));
  clock_.advance(minutes(44));
  EXPECT_TRUE(obtain("prod").from_cache);
  clock_.advance(minutes(2));
  EXPECT_FALSE(obtain("prod").from_cache);
  EXPECT_THAT(sts_.calls, ElementsAre("GetSessionToken+code", "AssumeRole", "AssumeRole"));
  EXPECT_EQ(sts_.last["RoleSessionName"], name);
  EXPECT_EQ(person_.prompts.size(), 1U);
}

TEST_F(CredentialBrokerTest, AFailedRenewalHandsOutWhatIsStillValidAndSaysSo) {
  obtain("prod");
  clock_.advance(minutes(50));
  sts_.failing = "AccessDenied";
  sts_.failing_message = "User: x is not authorized to perform: sts:AssumeRole on resource: y";
  const Obtained obtained = obtain("prod");
  EXPECT_EQ(obtained.credentials.access_key_id, "ASIA2");
  ASSERT_EQ(obtained.notices.size(), 1U);
  EXPECT_THAT(obtained.notices[0], HasSubstr("could not renew"));
  clock_.advance(minutes(11));
  EXPECT_FALSE(broker().obtain("prod"));
}

TEST_F(CredentialBrokerTest, AnExpiredSessionAsksAgainAndMinTtlAsksAhead) {
  obtain("prod");
  clock_.advance(hours(11));
  ObtainOptions apply;
  apply.min_ttl = hours(2);
  obtain("prod", apply);
  EXPECT_EQ(person_.prompts.size(), 2U);
  obtain("prod", apply);
  EXPECT_EQ(person_.prompts.size(), 2U);
  clock_.advance(hours(13));
  obtain("prod");
  EXPECT_EQ(person_.prompts.size(), 3U);
}

TEST_F(CredentialBrokerTest, AChainAsksOnceAtItsLongTermKeys) {
  obtain("deep");
  EXPECT_THAT(sts_.calls, ElementsAre("GetSessionToken+code", "AssumeRole", "AssumeRole"));
  EXPECT_EQ(sts_.last["RoleArn"], "arn:aws:iam::333333333333:role/deep");
  EXPECT_EQ(sts_.last.count("SerialNumber"), 0U);
  // The role in between is the one of profile prod and is shared with it.
  obtain("prod");
  EXPECT_EQ(sts_.calls.size(), 3U);
}

TEST_F(CredentialBrokerTest, ARoleOfFourHoursTakesTheCodeItself) {
  obtain("long");
  EXPECT_THAT(sts_.calls, ElementsAre("AssumeRole+code"));
  EXPECT_EQ(sts_.last["DurationSeconds"], "14400");
  clock_.advance(hours(3));
  EXPECT_TRUE(obtain("long").from_cache);
  EXPECT_EQ(sts_.calls.size(), 1U);
}

TEST_F(CredentialBrokerTest, ARoleThatAllowsLessIsGotWithTheSameCodeAndRemembered) {
  sts_.longest_role_session = hours(6);
  ObtainOptions options;
  options.role_duration = hours(11);
  const Obtained obtained = obtain("prod", options);
  EXPECT_THAT(sts_.calls, ElementsAre("AssumeRole+code", "AssumeRole+code", "AssumeRole+code"));
  EXPECT_EQ(sts_.last["DurationSeconds"], "14400");
  EXPECT_EQ(person_.prompts.size(), 1U);
  EXPECT_THAT(obtained.notices, ElementsAre(HasSubstr("11h is not possible")));
  EXPECT_THAT(obtained.notices[0], HasSubstr("role/team/deploy"));
  EXPECT_THAT(obtained.notices[0], HasSubstr("MaxSessionDuration; 4h is used"));
  // Another process asks right away for what it can get, and finds it.
  EXPECT_TRUE(obtain("prod", options).from_cache);
  clock_.advance(hours(5));
  EXPECT_THAT(obtain("prod", options).notices, ElementsAre(HasSubstr("4h is used")));
  EXPECT_EQ(sts_.calls.size(), 4U);
  // Less than what was refused is asked for as it is: the owner's number may lie between.
  options.role_duration = hours(5);
  EXPECT_TRUE(obtain("prod", options).notices.empty());
  EXPECT_EQ(sts_.last["DurationSeconds"], "18000");
  // Owners raise limits.
  clock_.advance(kRoleLimitLife);
  sts_.longest_role_session = hours(12);
  options.role_duration = hours(11);
  EXPECT_TRUE(obtain("prod", options).notices.empty());
  EXPECT_EQ(sts_.last["DurationSeconds"], "39600");
}

TEST_F(CredentialBrokerTest, ARoleThatAllowsAnHourGetsASessionForTheSameCode) {
  sts_.longest_role_session = hours(1);
  const Obtained obtained = obtain("long");
  EXPECT_THAT(sts_.calls, ElementsAre("AssumeRole+code", "AssumeRole+code", "GetSessionToken+code", "AssumeRole"));
  EXPECT_EQ(sts_.last["DurationSeconds"], "3600");
  EXPECT_EQ(person_.prompts.size(), 1U);
  EXPECT_THAT(obtained.notices, ElementsAre(HasSubstr("4h is not possible")));
  EXPECT_THAT(obtained.notices[0], HasSubstr("1h is used"));
  EXPECT_TRUE(obtained.session_expires);
  EXPECT_TRUE(obtain("long").from_cache);
  clock_.advance(hours(2));
  obtain("long");
  obtain("audit");
  EXPECT_EQ(sts_.calls.size(), 6U);
  EXPECT_EQ(person_.prompts.size(), 1U);
}

TEST_F(CredentialBrokerTest, WhereARefusalUsesTheCodeUpOnlyOneMoreIsAskedFor) {
  sts_.longest_role_session = hours(1);
  sts_.refusals_spend_codes = true;
  obtain("long");
  EXPECT_THAT(sts_.calls, ElementsAre("AssumeRole+code", "AssumeRole+code", "GetSessionToken+code", "AssumeRole"));
  ASSERT_EQ(person_.prompts.size(), 2U);
  EXPECT_THAT(person_.prompts[1].refusal, HasSubstr("AWS took the code"));
}

TEST_F(CredentialBrokerTest, WhereARefusalUsesTheCodeUpASessionThatIsThereServes) {
  obtain("prod");
  sts_.longest_role_session = hours(1);
  sts_.refusals_spend_codes = true;
  obtain("long");
  EXPECT_THAT(sts_.calls,
              ElementsAre("GetSessionToken+code", "AssumeRole", "AssumeRole+code", "AssumeRole+code", "AssumeRole"));
  EXPECT_EQ(person_.prompts.size(), 2U);
}

TEST_F(CredentialBrokerTest, WithoutSessionsTheCodeStaysWithTheRole) {
  sts_.longest_role_session = hours(1);
  ObtainOptions options;
  options.use_session = false;
  EXPECT_THAT(obtain("long", options).notices, ElementsAre(HasSubstr("1h is used")));
  EXPECT_THAT(sts_.calls, ElementsAre("AssumeRole+code", "AssumeRole+code", "AssumeRole+code"));
  EXPECT_EQ(sts_.last["DurationSeconds"], "3600");
}

TEST_F(CredentialBrokerTest, ARoleWithoutMfaIsShortenedToo) {
  profiles_ =
      aws::merge_profiles({"config", "credentials"},
                          "[profile open]\nrole_arn = arn:aws:iam::222222222222:role/open\n"
                          "source_profile = base\nduration_seconds = 43200\n[profile base]\nregion = us-east-1\n",
                          kCredentials);
  sts_.longest_role_session = hours(2);
  EXPECT_THAT(obtain("open").notices, ElementsAre(HasSubstr("2h is used")));
  EXPECT_THAT(sts_.calls, ElementsAre("AssumeRole", "AssumeRole", "AssumeRole", "AssumeRole"));
  EXPECT_TRUE(obtain("open").from_cache);
}

TEST_F(CredentialBrokerTest, AChainedRoleIsCappedAtAnHourAndTheCapNamed) {
  ObtainOptions options;
  options.role_duration = hours(3);
  EXPECT_THAT(obtain("deep", options).notices, ElementsAre(HasSubstr("1h (role chaining); 1h is used")));
  EXPECT_EQ(sts_.last["DurationSeconds"], "3600");
}

TEST_F(CredentialBrokerTest, EveryInputIsPartOfTheKey) {
  obtain("prod");
  for (const auto& [from, to] :
       {std::pair("external_id = ext", "external_id = other"), std::pair("role/team/deploy", "role/team/other"),
        std::pair("AKIABASE", "AKIAOTHER")}) {
    std::string config = kConfig;
    std::string credentials = kCredentials;
    for (std::string* text : {&config, &credentials}) {
      if (const auto at = text->find(from); at != std::string::npos)
        text->replace(at, std::string_view(from).size(), to);
    }
    profiles_ = aws::merge_profiles({"config", "credentials"}, config, credentials);
    EXPECT_FALSE(obtain("prod").from_cache) << from;
  }
}

TEST_F(CredentialBrokerTest, KeysWithoutARoleAreHandedOutAsTheyAre) {
  const Obtained obtained = obtain("base");
  EXPECT_EQ(obtained.credentials.access_key_id, "AKIABASE");
  EXPECT_TRUE(sts_.calls.empty());
}

TEST_F(CredentialBrokerTest, AProcessIsRunOncePerLifeOfWhatItGives) {
  process_output_ =
      fmt::format(R"({{"Version":1,"AccessKeyId":"ASIAP","SecretAccessKey":"s","SessionToken":"t","Expiration":"{}"}})",
                  format_iso8601(clock_.now() + hours(1)));
  obtain("script");
  obtain("script");
  EXPECT_THAT(processes_, ElementsAre("get-keys"));
  clock_.advance(minutes(50));
  process_output_ = R"({"Version":1,"AccessKeyId":"AKIAP","SecretAccessKey":"s"})";
  EXPECT_EQ(obtain("script").credentials.access_key_id, "AKIAP");
  obtain("script");
  EXPECT_EQ(processes_.size(), 3U) << "keys without an end are not kept";
}

TEST_F(CredentialBrokerTest, RenewIgnoresTheCacheOnce) {
  obtain("prod");
  clock_.advance(seconds(1));
  ObtainOptions again;
  again.renew = true;
  obtain("prod", again);
  EXPECT_THAT(sts_.calls, ElementsAre("GetSessionToken+code", "AssumeRole", "GetSessionToken+code", "AssumeRole"));
}

TEST_F(CredentialBrokerTest, WhatIsStoredIsTheAnswerOfTheProcessContract) {
  aws::Credentials credentials;
  credentials.access_key_id = "ASIA\"";
  credentials.secret_access_key = Secret("a/b+c");
  credentials.session_token = Secret("t");
  credentials.expiration = from_unix_seconds(1767323045);
  EXPECT_EQ(
      process_json(credentials).reveal(),
      R"({"Version":1,"AccessKeyId":"ASIA\"","SecretAccessKey":"a/b+c","SessionToken":"t","Expiration":"2026-01-02T03:04:05Z"})");
}

}  // namespace
}  // namespace tollgate::deliver
