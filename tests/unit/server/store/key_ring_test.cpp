#include "server/store/key_ring.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::store {
namespace {

struct KeyRings : testing::Test {
  SystemRandom random;
  test::TemporaryDirectory directory;
  std::string path = directory.file("master.key");
  SealContext context = SealContext().add("variables").add("value").add("var-1").add("org-1");
};

TEST_F(KeyRings, AFileIsMadeOnceAndComesBackTheSame) {
  const auto made = KeyRing::create_file(path, random);
  ASSERT_TRUE(made);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto again = KeyRing::create_file(path, random);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "exists");
  const auto read = KeyRing::read_file(path);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->check_values(), made->check_values());
  EXPECT_EQ(read->hash_key("token"), made->hash_key("token"));
  EXPECT_EQ(*read->open("rows", made->seal("rows", "secret", context, random), context), Secret("secret"));
}

TEST_F(KeyRings, EveryDamageOfTheFileIsFoundWithItsLine) {
  ASSERT_TRUE(KeyRing::generate(random).with_new_key(random).write_file(path));
  const std::string text = test::read_whole_file(path);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    test::write_test_file(path, changed);
    const auto read = KeyRing::read_file(path);
    if (read) {
      ADD_FAILURE() << "byte " << i;
      continue;
    }
    EXPECT_EQ(read.error().reason, "master_key_damaged");
    EXPECT_EQ(read.error().place.compare(0, path.size() + 1, path + ":"), 0);
    EXPECT_EQ(read.error().text().find(text.substr(30, 20)), std::string::npos);
  }
  test::write_test_file(path, "tollgate-master-keys 1\n");
  EXPECT_FALSE(KeyRing::read_file(path));
  test::write_test_file(path, "");
  EXPECT_FALSE(KeyRing::read_file(path));
}

TEST_F(KeyRings, AFileOpenToOthersIsRefused) {
  ASSERT_TRUE(KeyRing::generate(random).write_file(path));
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const auto read = KeyRing::read_file(path);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::forbidden);
}

TEST_F(KeyRings, ASealedTextOpensInItsPlaceOnly) {
  const KeyRing ring = KeyRing::generate(random);
  const std::string sealed = ring.seal("rows", "secret", context, random);
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_NE(sealed, ring.seal("rows", "secret", context, random));
  EXPECT_EQ(KeyRing::version_of(sealed), 1U);
  EXPECT_TRUE(ring.open("rows", sealed, context));
  EXPECT_FALSE(ring.open("blobs", sealed, context));
  EXPECT_FALSE(KeyRing::generate(random).open("rows", sealed, context));
  // The same letters in other parts.
  EXPECT_FALSE(ring.open("rows", sealed, SealContext().add("variable").add("svalue").add("var-1").add("org-1")));
  EXPECT_FALSE(ring.open("rows", sealed, SealContext().add("variables").add("value").add("var-1org-1")));
  EXPECT_FALSE(ring.open("rows", sealed, SealContext().add("variables").add("value").add("var-1")));
}

TEST_F(KeyRings, EveryBitOfASealedTextCounts) {
  const KeyRing ring = KeyRing::generate(random).with_new_key(random);
  const std::string sealed = ring.seal("rows", "0123456789", context, random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = sealed;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_FALSE(ring.open("rows", changed, context)) << i << " " << bit;
    }
    EXPECT_FALSE(ring.open("rows", sealed.substr(0, i), context));
  }
  EXPECT_FALSE(ring.open("rows", sealed + "A", context));
}

TEST_F(KeyRings, ANewKeySealsAndTheOldOneStillOpens) {
  const KeyRing old = KeyRing::generate(random);
  const std::string before = old.seal("rows", "a", context, random);
  const KeyRing both = old.with_new_key(random);
  EXPECT_EQ(both.current_version(), 2U);
  EXPECT_EQ(KeyRing::version_of(both.seal("rows", "b", context, random)), 2U);
  EXPECT_TRUE(both.open("rows", before, context));
  EXPECT_EQ(both.hash_key("token"), old.hash_key("token"));
  const auto refused = both.without(1).open("rows", before, context);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "key_version_missing");
  EXPECT_THROW(both.without(2), std::invalid_argument);
}

}  // namespace
}  // namespace tollgate::store
