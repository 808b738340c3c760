#include "broker/vault/long_term_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/crypto/sealed_box.h"
#include "tests/support/manual_clock.h"
#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::vault {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

LongTermKey a_key(std::string id = "AKIAIOSFODNN7EXAMPLE") {
  return {std::move(id), Secret(kSecret), from_unix_seconds(1767323045)};
}

KeyRecord a_record() {
  return {a_key(), "typed", "", {}};
}

class LongTermKeysTest : public testing::Test {
 protected:
  LongTermKeysTest()
      : directory_(os::PrivateDirectory::open(folder_.path()).value()), key_(crypto::generate_seal_key(random_)) {}

  LongTermKeys keys() {
    return LongTermKeys(
        directory_,
        [this]() -> Result<Secret> {
          ++unlocked_;
          return key_;
        },
        random_);
  }
  std::string path_of(std::string_view profile) const { return folder_.file(record_path(profile)); }

  test::TemporaryDirectory folder_;
  SystemRandom random_;
  os::PrivateDirectory directory_;
  Secret key_;
  int unlocked_ = 0;
};

TEST_F(LongTermKeysTest, NothingStoredNeedsNoVaultKey) {
  EXPECT_EQ(keys().get("prod").value(), std::nullopt);
  EXPECT_TRUE(keys().list().value().empty());
  EXPECT_EQ(keys().summary("prod").value(), std::nullopt);
  EXPECT_TRUE(keys().remove("prod"));
  EXPECT_EQ(unlocked_, 0);
}

TEST_F(LongTermKeysTest, RoundTrip) {
  ASSERT_TRUE(keys().put("prod", a_record()));
  const auto record = keys().get("prod").value();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->current.access_key_id, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(record->current.secret_access_key.reveal(), kSecret);
  EXPECT_EQ(record->current.created, from_unix_seconds(1767323045));
  EXPECT_EQ(record->origin, "typed");
  EXPECT_EQ(record->identity.size(), 24u);
  EXPECT_FALSE(record->rotation);
}

TEST_F(LongTermKeysTest, RotationTravelsWithTheKey) {
  KeyRecord record = a_record();
  record.identity = "abc";
  record.rotation = RotationNote{"stored", from_unix_seconds(1767323100), {"AKIAONE", "AKIATWO"}, a_key("AKIANEW")};
  ASSERT_TRUE(keys().put("prod", record));
  const auto back = keys().get("prod").value();
  ASSERT_TRUE(back && back->rotation && back->rotation->other);
  EXPECT_EQ(back->identity, "abc");
  EXPECT_EQ(back->rotation->step, "stored");
  EXPECT_EQ(back->rotation->started, from_unix_seconds(1767323100));
  EXPECT_EQ(back->rotation->known_ids, (std::vector<std::string>{"AKIAONE", "AKIATWO"}));
  EXPECT_EQ(back->rotation->other->access_key_id, "AKIANEW");
  EXPECT_EQ(back->rotation->other->secret_access_key.reveal(), kSecret);
}

TEST_F(LongTermKeysTest, ListNeedsNoVaultKeyAndShowsNoSecret) {
  ASSERT_TRUE(keys().put("prod", a_record()));
  ASSERT_TRUE(keys().put("dev", a_record()));
  unlocked_ = 0;
  const auto list = keys().list().value();
  EXPECT_EQ(unlocked_, 0);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].profile, "dev");
  EXPECT_EQ(list[1].profile, "prod");
  EXPECT_EQ(list[1].last_four, "…MPLE");
  EXPECT_EQ(list[1].problem, "");
  EXPECT_EQ(list[1].file, path_of("prod"));
}

TEST_F(LongTermKeysTest, FilesAreOursAloneAndHoldNothingInClear) {
  ASSERT_TRUE(keys().put("prod", a_record()));
  struct stat info {};
  ASSERT_EQ(::stat(path_of("prod").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat(folder_.file("keys").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  const std::string file = test::read_whole_file(path_of("prod"));
  EXPECT_EQ(file.find(kSecret), file.npos);
  EXPECT_EQ(file.find("AKIAIOSFODNN7EXAMPLE"), file.npos);
}

TEST_F(LongTermKeysTest, OddProfileNames) {
  const std::string long_name(5000, 'x');
  for (const std::string& name : {std::string("a b"), std::string("../../etc/passwd"), std::string("\xff\n\""),
                                  std::string("ümlaut"), long_name}) {
    ASSERT_TRUE(keys().put(name, a_record())) << name;
    EXPECT_TRUE(keys().get(name).value()) << name;
    EXPECT_EQ(keys().summary(name).value()->profile, name);
  }
  EXPECT_EQ(keys().list().value().size(), 5u);
}

TEST_F(LongTermKeysTest, EveryChangedByteIsFound) {
  ASSERT_TRUE(keys().put("prod", a_record()));
  const std::string file = test::read_whole_file(path_of("prod"));
  ASSERT_TRUE(open_record(key_, "prod", file));
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(open_record(key_, "prod", changed)) << "byte " << i;
  }
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_FALSE(open_record(key_, "prod", file.substr(0, length))) << "length " << length;
  }
}

TEST_F(LongTermKeysTest, ARecordBelongsToItsProfileAndItsKey) {
  const std::string file = seal_record(key_, "prod", a_record(), random_);
  EXPECT_FALSE(open_record(key_, "dev", file));
  const auto other = open_record(crypto::generate_seal_key(random_), "prod", file);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "sealed_box_refused");
}

TEST_F(LongTermKeysTest, ASwappedFileIsRefusedAndListedAsAProblem) {
  ASSERT_TRUE(keys().put("prod", a_record()));
  ASSERT_TRUE(keys().put("dev", a_record()));
  test::write_test_file(path_of("dev"), test::read_whole_file(path_of("prod")));
  EXPECT_FALSE(keys().get("dev"));
  EXPECT_FALSE(keys().summary("dev"));
  const auto list = keys().list().value();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_NE(list[0].problem, "");
  EXPECT_EQ(list[1].profile, "prod");
}

TEST_F(LongTermKeysTest, AFileThatOthersMayReadIsRefused) {
  ASSERT_TRUE(keys().put("prod", a_record()));
  ::chmod(path_of("prod").c_str(), 0644);
  const auto record = keys().get("prod");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().reason, "open_to_others");
}

TEST_F(LongTermKeysTest, KeysWithBlanksOrLineEndsAreRefused) {
  for (const std::string_view bad : {"", "AK IA", "AKIA\n", "AKIA\x7f", "\xc3\xa9"}) {
    KeyRecord record = a_record();
    record.current.access_key_id = bad;
    EXPECT_FALSE(keys().put("prod", record)) << bad;
    record = a_record();
    record.current.secret_access_key = Secret(bad);
    EXPECT_FALSE(keys().put("prod", record)) << bad;
  }
  EXPECT_EQ(keys().get("prod").value(), std::nullopt);
}

TEST_F(LongTermKeysTest, WithoutAVaultKeyNothingIsWritten) {
  const LongTermKeys locked(
      directory_, []() -> Result<Secret> { return fail(Code::needs_person, "locked"); }, random_);
  EXPECT_FALSE(locked.put("prod", a_record()));
  EXPECT_TRUE(locked.list().value().empty());
}

TEST_F(LongTermKeysTest, WritersWaitForEachOther) {
  const test::ManualClock clock;
  const auto held = LongTermKeys::lock(directory_, "prod", Duration(0), clock);
  ASSERT_TRUE(held);
  EXPECT_TRUE(LongTermKeys::lock(directory_, "dev", Duration(0), clock));
  const auto second = LongTermKeys::lock(directory_, "prod", Duration(1000), clock);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "keys_locked");
}

}  // namespace
}  // namespace tollgate::vault
