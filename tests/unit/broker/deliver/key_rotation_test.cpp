#include "broker/deliver/key_rotation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/crypto/sealed_box.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::deliver {
namespace {

constexpr std::string_view kArn = "arn:aws:iam::111111111111:user/ana";

struct Crash {};

aws::MappedError error_of(aws::MappedKind kind, Code code, std::string message) {
  aws::MappedError error;
  error.kind = kind;
  error.error = Error(code, std::move(message)).because(std::string(aws::mapped_kind_name(kind)));
  return error;
}

template <class T>
tl::unexpected<aws::MappedError> refuse(aws::MappedKind kind, Code code, T message) {
  return tl::unexpected<aws::MappedError>(error_of(kind, code, std::string(message)));
}

// IAM for one user: two keys at most, and a new key that STS knows only after a while.
class FakeIam {
 public:
  struct Key {
    std::string secret;
    bool active = true;
    TimePoint created;
    TimePoint valid_from;
  };

  explicit FakeIam(const Clock& clock) : clock_(&clock) {}

  std::map<std::string, Key> keys;
  Duration settle{0};         // until a new key is accepted
  bool sessions_die = false;  // credentials of a key that is gone stop working
  std::optional<aws::MappedError> create_fails;
  bool create_loses_answer = false;
  std::size_t most = 0;  // how many there ever were at once

  bool accepts(const aws::Credentials& credentials) const {
    // A session is named after the key that it was made from.
    const auto found = keys.find(credentials.access_key_id);
    if (credentials.temporary()) return !sessions_die || (found != keys.end() && found->second.active);
    return found != keys.end() && found->second.active &&
           found->second.secret == credentials.secret_access_key.reveal() && clock_->now() >= found->second.valid_from;
  }

  KeyService service(bool with_session) {
    KeyService service;
    service.sign = [this, with_session](const vault::LongTermKey& key, bool renew) -> Result<aws::Credentials> {
      aws::Credentials credentials;
      credentials.access_key_id = key.access_key_id;
      credentials.secret_access_key = key.secret_access_key;
      if (with_session) {
        if (session_of.empty() || renew) session_of = key.access_key_id;
        credentials.access_key_id = session_of;
        credentials.session_token = Secret("token");
      }
      return credentials;
    };
    service.list = [this](const aws::Credentials& signer) -> aws::AwsResult<std::vector<aws::AccessKey>> {
      if (!accepts(signer)) return refuse(aws::MappedKind::key_unknown, Code::unauthorized, "invalid token");
      std::vector<aws::AccessKey> list;
      for (const auto& [id, key] : keys)
        list.push_back({"ana", id, key.active, key.created});
      return list;
    };
    service.create = [this](const aws::Credentials& signer) -> aws::AwsResult<aws::Credentials> {
      if (!accepts(signer)) return refuse(aws::MappedKind::key_unknown, Code::unauthorized, "invalid token");
      if (create_fails) return tl::unexpected<aws::MappedError>(*create_fails);
      if (keys.size() >= 2) return refuse(aws::MappedKind::other, Code::forbidden, "LimitExceeded");
      aws::Credentials made;
      made.access_key_id = fmt::format("AKIA{}", ++made_);
      made.secret_access_key = Secret(fmt::format("secret{}", made_));
      keys[made.access_key_id] = {fmt::format("secret{}", made_), true, clock_->now(), clock_->now() + settle};
      most = std::max(most, keys.size());
      if (create_loses_answer) {
        create_loses_answer = false;
        return refuse(aws::MappedKind::outcome_unknown, Code::unknown, "no answer came");
      }
      return made;
    };
    service.set_active = [this](const aws::Credentials& signer, const std::string& id,
                                bool active) -> aws::AwsResult<void> {
      if (!accepts(signer)) return refuse(aws::MappedKind::key_unknown, Code::unauthorized, "invalid token");
      keys.at(id).active = active;
      return {};
    };
    service.remove = [this](const aws::Credentials& signer, const std::string& id) -> aws::AwsResult<void> {
      if (!accepts(signer)) return refuse(aws::MappedKind::key_unknown, Code::unauthorized, "invalid token");
      keys.erase(id);
      return {};
    };
    service.identity = [this](const aws::Credentials& signer) -> aws::AwsResult<aws::CallerIdentity> {
      if (!accepts(signer)) return refuse(aws::MappedKind::key_unknown, Code::unauthorized, "invalid token");
      return aws::CallerIdentity{"111111111111", arn, "AIDA"};
    };
    return service;
  }

  std::string arn{kArn};
  std::string session_of;

 private:
  const Clock* clock_;
  int made_ = 0;
};

class KeyRotationTest : public testing::TestWithParam<bool> {
 protected:
  KeyRotationTest()
      : directory_(os::PrivateDirectory::open(folder_.path()).value()),
        key_(crypto::generate_seal_key(random_)),
        iam_(clock_),
        keys_(
            directory_, [this]() -> Result<Secret> { return key_; }, random_) {
    iam_.keys["AKIAAAAAAAAAAAAAAOLD"] = {"oldsecret", true, clock_.now() - Duration(1000000),
                                         clock_.now() - Duration(1000000)};
    store("AKIAAAAAAAAAAAAAAOLD", "oldsecret");
  }

  void store(const std::string& id, const std::string& secret) {
    vault::KeyRecord record;
    record.current = {id, Secret(secret), clock_.now()};
    record.origin = "typed";
    record.identity = "identity";
    ASSERT_TRUE(keys_.put("prod", record));
  }

  Result<RotationOutcome> rotate(std::string_view crash_at = "") {
    RotationPorts ports{keys_, directory_, clock_, iam_.service(GetParam()), {}, {}};
    ports.say = [this](std::string_view sentence) { said_ += std::string(sentence) + "\n"; };
    ports.reached = [crash_at](std::string_view failpoint) {
      if (failpoint == crash_at) throw Crash();
    };
    return rotate_key("prod", ports);
  }

  // What must hold at any moment: the vault's key, and with a rotation under way perhaps its other one, works.
  void expect_working() {
    const auto record = keys_.get("prod").value();
    ASSERT_TRUE(record);
    aws::Credentials credentials;
    credentials.access_key_id = record->current.access_key_id;
    credentials.secret_access_key = record->current.secret_access_key;
    EXPECT_TRUE(iam_.accepts(credentials)) << credentials.access_key_id;
    EXPECT_LE(iam_.most, 2u);
  }
  void expect_done() {
    expect_working();
    const auto record = keys_.get("prod").value();
    EXPECT_FALSE(record->rotation);
    EXPECT_EQ(record->identity, "identity");
    EXPECT_NE(record->current.access_key_id, "AKIAAAAAAAAAAAAAAOLD");
    ASSERT_EQ(iam_.keys.size(), 1u);
    EXPECT_EQ(iam_.keys.begin()->first, record->current.access_key_id);
  }

  test::TemporaryDirectory folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  os::PrivateDirectory directory_;
  Secret key_;
  FakeIam iam_;
  vault::LongTermKeys keys_;
  std::string said_;
};

INSTANTIATE_TEST_SUITE_P(Signing, KeyRotationTest, testing::Bool(), [](const testing::TestParamInfo<bool>& parameter) {
  return parameter.param ? "WithMfaSession" : "WithTheKeyItself";
});

TEST_P(KeyRotationTest, OldGivesWayToNew) {
  const auto outcome = rotate();
  ASSERT_TRUE(outcome) << outcome.error().text();
  EXPECT_EQ(outcome->arn, kArn);
  EXPECT_EQ(outcome->old_key, "…AOLD");
  EXPECT_FALSE(outcome->resumed);
  EXPECT_EQ(keys_.get("prod").value()->origin, "rotation");
  expect_done();
}

TEST_P(KeyRotationTest, ACrashAnywhereIsMended) {
  for (const std::string_view failpoint : kRotationFailpoints) {
    SCOPED_TRACE(failpoint);
    iam_.keys.clear();
    iam_.keys["AKIAAAAAAAAAAAAAAOLD"] = {"oldsecret", true, clock_.now() - Duration(1000000),
                                         clock_.now() - Duration(1000000)};
    iam_.session_of.clear();
    store("AKIAAAAAAAAAAAAAAOLD", "oldsecret");
    EXPECT_THROW((void)rotate(failpoint), Crash);
    expect_working();
    const auto outcome = rotate();
    ASSERT_TRUE(outcome) << outcome.error().text();
    expect_done();
  }
}

TEST_P(KeyRotationTest, CrashesAtEveryPairOfMoments) {
  if (!GetParam()) GTEST_SKIP() << "once is enough for so many writes";
  for (const std::string_view first : kRotationFailpoints) {
    for (const std::string_view second : kRotationFailpoints) {
      SCOPED_TRACE(fmt::format("{} then {}", first, second));
      iam_.keys.clear();
      iam_.keys["AKIAAAAAAAAAAAAAAOLD"] = {"oldsecret", true, clock_.now() - Duration(1000000),
                                           clock_.now() - Duration(1000000)};
      iam_.session_of.clear();
      store("AKIAAAAAAAAAAAAAAOLD", "oldsecret");
      EXPECT_THROW((void)rotate(first), Crash);
      try {
        (void)rotate(second);
      } catch (const Crash&) {
      }
      expect_working();
      const auto outcome = rotate();
      ASSERT_TRUE(outcome) << outcome.error().text();
      expect_done();
    }
  }
}

TEST_P(KeyRotationTest, WaitsUntilAwsKnowsTheNewKey) {
  iam_.settle = Duration(20000);
  const TimePoint before = clock_.now();
  ASSERT_TRUE(rotate());
  EXPECT_GE(clock_.now() - before, Duration(20000));
  expect_done();
}

TEST_P(KeyRotationTest, AKeyThatNeverBecomesValidLeavesTheOldOne) {
  iam_.settle = Duration(600000);
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "key_not_yet_valid");
  EXPECT_EQ(keys_.get("prod").value()->current.access_key_id, "AKIAAAAAAAAAAAAAAOLD");
  expect_working();
  clock_.advance(Duration(600000));
  const auto again = rotate();
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_TRUE(again->resumed);
  expect_done();
}

TEST_P(KeyRotationTest, SessionsThatDieWithTheirKeyAreRenewed) {
  iam_.sessions_die = true;
  const auto outcome = rotate();
  ASSERT_TRUE(outcome) << outcome.error().text();
  expect_done();
}

TEST_P(KeyRotationTest, ASecondKeyOfSomebodyElseIsLeftAlone) {
  iam_.keys["AKIAAAAAAAAAAAAOTHER"] = {"x", false, clock_.now(), clock_.now()};
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "two_keys");
  EXPECT_NE(outcome.error().message.find("…THER (inactive"), std::string::npos) << outcome.error().message;
  EXPECT_EQ(iam_.keys.size(), 2u);
  EXPECT_FALSE(keys_.get("prod").value()->rotation);
}

TEST_P(KeyRotationTest, AKeyMadeLongAfterTheIntentIsNotOurs) {
  EXPECT_THROW((void)rotate("rotate_intent_written"), Crash);
  clock_.advance(Duration(3600000));
  iam_.keys["AKIAAAAAAAAAAAAOTHER"] = {"x", true, clock_.now(), clock_.now()};
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "two_keys");
  EXPECT_EQ(iam_.keys.size(), 2u);
}

TEST_P(KeyRotationTest, ALostAnswerIsMendedByTheNextRun) {
  iam_.create_loses_answer = true;
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().next, "");
  EXPECT_EQ(iam_.keys.size(), 2u);
  expect_working();
  ASSERT_TRUE(rotate());
  EXPECT_NE(said_.find("whose secret was lost"), std::string::npos);
  expect_done();
}

TEST_P(KeyRotationTest, ARefusalLeavesNoJournal) {
  iam_.create_fails = error_of(aws::MappedKind::not_authorized, Code::forbidden, "may not");
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "not_authorized");
  EXPECT_FALSE(keys_.get("prod").value()->rotation);
  expect_working();
}

TEST_P(KeyRotationTest, ANewKeyDeletedInBetweenStartsOver) {
  iam_.settle = Duration(600000);
  ASSERT_FALSE(rotate());
  iam_.keys.erase("AKIA1");
  iam_.settle = Duration(0);
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().next.find("Rotate again"), std::string::npos);
  EXPECT_FALSE(keys_.get("prod").value()->rotation);
  ASSERT_TRUE(rotate());
  expect_done();
}

TEST_P(KeyRotationTest, AnOldKeyDeletedInBetweenIsNoLoss) {
  EXPECT_THROW((void)rotate("rotate_stored"), Crash);
  iam_.keys.erase("AKIAAAAAAAAAAAAAAOLD");
  const auto outcome = rotate();
  ASSERT_TRUE(outcome) << outcome.error().text();
  expect_done();
}

TEST_P(KeyRotationTest, ADeadKeyIsNotRotated) {
  iam_.keys.clear();
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "key_unknown");
}

TEST_P(KeyRotationTest, RootKeysAreNotRotated) {
  iam_.arn = "arn:aws:iam::111111111111:root";
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "root_user");
}

TEST_P(KeyRotationTest, NothingStored) {
  ASSERT_TRUE(keys_.remove("prod"));
  const auto outcome = rotate();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "no_stored_key");
}

TEST_P(KeyRotationTest, OneAtATime) {
  const auto lock = vault::LongTermKeys::lock(directory_, "prod", Duration(0), clock_);
  ASSERT_TRUE(lock);
  EXPECT_EQ(rotate().error().reason, "keys_locked");
}

TEST_P(KeyRotationTest, ANewKeyThatCannotBeStoredIsTakenBack) {
  const Secret key = key_;
  const vault::LongTermKeys failing(
      directory_,
      [this]() -> Result<Secret> {
        if (key_.empty()) return fail(Code::io, "no space left");
        return key_;
      },
      random_);
  RotationPorts ports{failing, directory_, clock_, iam_.service(GetParam()), {}, {}};
  ports.reached = [this](std::string_view failpoint) {
    if (failpoint == "rotate_created") key_ = Secret();  // nothing can be written from here on
  };
  const auto outcome = rotate_key("prod", ports);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::io);
  key_ = key;
  EXPECT_EQ(iam_.keys.size(), 1u);
  expect_working();
  ASSERT_TRUE(rotate());
  expect_done();
}

}  // namespace
}  // namespace tollgate::deliver
