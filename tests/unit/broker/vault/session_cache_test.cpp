#include "broker/vault/session_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>

#include "common/crypto/sealed_box.h"
#include "tests/support/forked.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::vault {
namespace {

const TimePoint kNow = from_unix_seconds(1767323045);

CacheKey name(std::string_view text) {
  return CacheKey::Builder("role").add("name", text).build();
}

Entry entry(std::string_view payload, Duration life = std::chrono::hours(1)) {
  return {"role", Secret(payload), kNow, kNow + life, {{"profile", "prod"}}};
}

class SessionCacheTest : public ::testing::Test {
 protected:
  SessionCacheTest() : directory_(std::move(*os::PrivateDirectory::open(outside_.path()))), cache_(open(key_)) {}
  SessionCache open(const Secret& key) { return std::move(*SessionCache::open(directory_, key, random_)); }
  std::string file(const CacheKey& key) const { return outside_.file("sessions/") + key.hex(); }
  bool is_there(const CacheKey& key) const {
    struct stat info {};
    return lstat(file(key).c_str(), &info) == 0;
  }
  std::string why_not(const CacheKey& key) {
    std::string why;
    EXPECT_FALSE(cache_.get(key, kNow, &why));
    return why;
  }

  test::TemporaryDirectory outside_;
  os::PrivateDirectory directory_;
  SystemRandom random_;
  const Secret key_ = crypto::generate_seal_key(random_);
  SessionCache cache_;
};

TEST_F(SessionCacheTest, KeepsAndReplacesAndForgets) {
  EXPECT_EQ(why_not(name("a")), "there is none");
  ASSERT_TRUE(cache_.put(name("a"), entry("first")));
  ASSERT_TRUE(cache_.put(name("a"), entry("second")));
  ASSERT_TRUE(cache_.put(name("b"), entry("other")));
  EXPECT_EQ(cache_.get(name("a"), kNow)->payload.reveal(), "second");
  EXPECT_EQ(open(key_).get(name("b"), kNow)->payload.reveal(), "other");
  ASSERT_TRUE(cache_.remove(name("a")));
  EXPECT_FALSE(cache_.get(name("a"), kNow));
  EXPECT_TRUE(cache_.remove(name("a")));
}

TEST_F(SessionCacheTest, AnExpiredEntryIsAMiss) {
  ASSERT_TRUE(cache_.put(name("a"), entry("x")));
  EXPECT_TRUE(cache_.get(name("a"), kNow + std::chrono::minutes(59)));
  std::string why;
  EXPECT_FALSE(cache_.get(name("a"), kNow + std::chrono::hours(1), &why));
  EXPECT_EQ(why, "it expired at 2026-01-02T04:04:05Z");
}

TEST_F(SessionCacheTest, IsPrivateWhateverTheUmask) {
  test::TemporaryDirectory other;
  const auto directory = os::PrivateDirectory::open(other.path());
  const mode_t before = ::umask(0);
  auto cache = SessionCache::open(*directory, key_, random_);
  ASSERT_TRUE(cache && cache->put(name("a"), entry("x")));
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(stat(other.file("sessions").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
  ASSERT_EQ(stat((other.file("sessions/") + name("a").hex()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(SessionCacheTest, ADirectoryMadeBeforehandForEveryoneIsRefused) {
  test::TemporaryDirectory other;
  const auto directory = os::PrivateDirectory::open(other.path());
  std::filesystem::create_directory(other.file("sessions"));
  chmod(other.file("sessions").c_str(), 0777);
  const auto cache = SessionCache::open(*directory, key_, random_);
  ASSERT_FALSE(cache);
  EXPECT_EQ(exit_status(cache.error().code), 77);
  std::filesystem::remove(other.file("sessions"));
  std::filesystem::create_directory(other.file("elsewhere"));
  std::filesystem::create_symlink(other.file("elsewhere"), other.file("sessions"));
  EXPECT_EQ(SessionCache::open(*directory, key_, random_).error().reason, "symbolic_link");
  if (geteuid() != 0) return;
  std::filesystem::remove(other.file("sessions"));
  std::filesystem::create_directory(other.file("sessions"));
  chmod(other.file("sessions").c_str(), 0700);
  ASSERT_EQ(chown(other.file("sessions").c_str(), 12345, 12345), 0);
  EXPECT_EQ(SessionCache::open(*directory, key_, random_).error().reason, "foreign_owner");
}

TEST_F(SessionCacheTest, SwappedEntriesAreRefusedAndRemoved) {
  ASSERT_TRUE(cache_.put(name("prod"), entry("prod's")) && cache_.put(name("dev"), entry("dev's")));
  ASSERT_EQ(renameat2(AT_FDCWD, file(name("prod")).c_str(), AT_FDCWD, file(name("dev")).c_str(), RENAME_EXCHANGE), 0);
  EXPECT_FALSE(why_not(name("prod")).empty());
  EXPECT_FALSE(cache_.get(name("dev"), kNow));
  EXPECT_FALSE(is_there(name("prod")));
  EXPECT_EQ(why_not(name("prod")), "there is none");
}

TEST_F(SessionCacheTest, TornAtEveryLengthIsAMiss) {
  ASSERT_TRUE(cache_.put(name("a"), entry("x")));
  const auto whole = os::read_private_file(file(name("a")), 100000);
  ASSERT_TRUE(whole);
  for (std::size_t size = 0; size < whole->size(); ++size) {
    test::write_test_file(file(name("a")), whole->substr(0, size));
    ASSERT_FALSE(cache_.get(name("a"), kNow)) << size;
    ASSERT_FALSE(is_there(name("a"))) << size;
  }
  test::write_test_file(file(name("a")), *whole);
  EXPECT_TRUE(cache_.get(name("a"), kNow));
}

TEST_F(SessionCacheTest, AnotherSessionKeysEntryIsAMissAndLeftAlone) {
  ASSERT_TRUE(cache_.put(name("a"), entry("x")));
  SessionCache other = open(crypto::generate_seal_key(random_));
  std::string why;
  EXPECT_FALSE(other.get(name("a"), kNow, &why));
  EXPECT_NE(why.find("lost"), std::string::npos);
  EXPECT_TRUE(is_there(name("a")));
  EXPECT_EQ(*other.prune(kNow), 0U);
  ASSERT_TRUE(other.put(name("a"), entry("other's")));
  EXPECT_EQ(other.get(name("a"), kNow)->payload.reveal(), "other's");
}

struct Planted {
  const char* name;
  std::function<void(const std::string& file, const std::string& victim)> plant;
};

class PlantedFile : public SessionCacheTest, public ::testing::WithParamInterface<Planted> {};

TEST_P(PlantedFile, IsAMissIsRemovedAndItsTargetUntouched) {
  // The victim's content is a good entry: it is who and what the file is that counts.
  ASSERT_TRUE(cache_.put(name("a"), entry("x")));
  const auto good = os::read_private_file(file(name("a")), 100000);
  ASSERT_TRUE(cache_.remove(name("a")));
  const std::string victim = outside_.file("victim");
  test::write_test_file(victim, *good);
  GetParam().plant(file(name("a")), victim);
  if (IsSkipped()) return;
  EXPECT_FALSE(why_not(name("a")).empty());
  EXPECT_FALSE(is_there(name("a")));
  ASSERT_TRUE(cache_.put(name("a"), entry("ours")));
  EXPECT_EQ(cache_.get(name("a"), kNow)->payload.reveal(), "ours");
  EXPECT_EQ(os::read_file(victim, 100000), *good);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PlantedFile,
    ::testing::Values(Planted{"symbolic_link",
                              [](const auto& file, const auto& victim) {
                                std::filesystem::create_symlink(victim, file);
                              }},
                      Planted{"hard_link", [](const auto& file,
                                              const auto& victim) { std::filesystem::create_hard_link(victim, file); }},
                      Planted{"group_readable",
                              [](const auto& file, const auto& victim) {
                                std::filesystem::copy_file(victim, file);
                                chmod(file.c_str(), 0640);
                              }},
                      Planted{"foreign_owner",
                              [](const auto& file, const auto& victim) {
                                if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
                                std::filesystem::copy_file(victim, file);
                                chmod(file.c_str(), 0600);
                                ASSERT_EQ(chown(file.c_str(), 12345, 12345), 0);
                              }},
                      Planted{"fifo", [](const auto& file, const auto&) { ASSERT_EQ(mkfifo(file.c_str(), 0600), 0); }},
                      Planted{"too_large", [](const auto& file,
                                              const auto&) { test::write_test_file(file, std::string(200000, 'x')); }}),
    [](const auto& test) { return std::string(test.param.name); });

// CACHE-2: with an attacker who swaps, links and removes as fast as it can, a get is a hit with our own content or a
// miss, and the victim's file is never changed.
TEST_F(SessionCacheTest, ARacingAttackerGetsNothingIn) {
  ASSERT_TRUE(cache_.put(name("victim's"), entry("not for a")));
  const auto foreign = os::read_private_file(file(name("victim's")), 100000);
  const std::string victim = outside_.file("victim");
  test::write_test_file(victim, *foreign);
  test::Forked attacker([&] {
    const std::string target = file(name("a"));
    const std::string staged = outside_.file("staged");
    for (int i = 0;; ++i) {
      if (i % 3 == 0) static_cast<void>(!symlink(victim.c_str(), staged.c_str()));
      if (i % 3 == 1) static_cast<void>(!link(victim.c_str(), staged.c_str()));
      if (i % 3 == 2) std::filesystem::copy_file(victim, staged);
      static_cast<void>(rename(staged.c_str(), target.c_str()));
      if (i % 7 == 0) unlink(target.c_str());
      unlink(staged.c_str());
    }
    return 0;
  });
  int wrong = 0;
  for (int i = 0; i < 100000; ++i) {
    if (i % 20 == 0) {
      ASSERT_TRUE(cache_.put(name("a"), entry("ours")));
    }
    const auto found = cache_.get(name("a"), kNow);
    if (found && found->payload.reveal() != "ours") ++wrong;
  }
  attacker.kill(SIGKILL);
  attacker.wait();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(os::read_file(victim, 100000), *foreign);
}

TEST_F(SessionCacheTest, AKilledWriterLeavesAWholeEntry) {
  ASSERT_TRUE(cache_.put(name("a"), entry("old")));
  for (int round = 0; round < 50; ++round) {
    test::Forked writer([&] {
      for (;;)
        static_cast<void>(cache_.put(name("a"), entry("new")));
      return 0;
    });
    usleep(static_cast<useconds_t>(round * 41 % 2000));
    writer.kill(SIGKILL);
    writer.wait();
    ASSERT_TRUE(cache_.get(name("a"), kNow)) << round;
  }
  // What the killed writers left unfinished goes after an hour, and not while a writer may still be at work.
  ASSERT_TRUE(cache_.prune(SystemClock().now()));
  EXPECT_TRUE(cache_.prune(SystemClock().now() + std::chrono::hours(2)));
  for (const auto& found : std::filesystem::directory_iterator(outside_.file("sessions"))) {
    EXPECT_NE(found.path().filename().string().substr(0, 5), ".tmp-");
  }
}

TEST_F(SessionCacheTest, RefusesWhatItWouldNotReadBack) {
  EXPECT_EQ(cache_.put(name("a"), entry(std::string(65537, 'x'))).error().reason, "too_large");
  Entry many = entry("x");
  for (int i = 0; i < 70; ++i)
    many.labels.emplace(std::to_string(i), "");
  EXPECT_EQ(cache_.put(name("a"), many).error().reason, "too_large");
  Entry largest = entry(std::string(65536, 'x'));
  largest.labels = {{"label", std::string(16000, 'y')}};
  ASSERT_TRUE(cache_.put(name("a"), largest));
  EXPECT_EQ(cache_.get(name("a"), kNow)->payload.size(), 65536U);
}

TEST_F(SessionCacheTest, ListsWithoutSecretsAndWithProblems) {
  ASSERT_TRUE(cache_.put(name("a"), entry("x")));
  test::write_test_file(file(name("b")), "garbage");
  test::write_test_file(outside_.file("sessions/notes.txt"), "not an entry");
  const auto summaries = cache_.list();
  ASSERT_TRUE(summaries);
  ASSERT_EQ(summaries->size(), 2U);
  for (const EntrySummary& summary : *summaries) {
    if (summary.key == name("a")) {
      EXPECT_EQ(summary.kind, "role");
      EXPECT_EQ(summary.labels.at("profile"), "prod");
      EXPECT_EQ(summary.expires, kNow + std::chrono::hours(1));
      EXPECT_TRUE(summary.problem.empty());
    } else {
      EXPECT_EQ(summary.key, name("b"));
      EXPECT_FALSE(summary.problem.empty());
    }
  }
}

TEST_F(SessionCacheTest, ClearsWhatIsNamed) {
  ASSERT_TRUE(cache_.put(name("a"), entry("x")) && cache_.put(name("b"), entry("y", std::chrono::hours(5))));
  const auto removed =
      cache_.clear([](const EntrySummary& summary) { return summary.expires > kNow + std::chrono::hours(2); });
  EXPECT_EQ(removed, 1U);
  EXPECT_TRUE(cache_.get(name("a"), kNow));
  EXPECT_FALSE(cache_.get(name("b"), kNow));
  EXPECT_EQ(cache_.clear([](const EntrySummary&) { return true; }), 1U);
}

TEST_F(SessionCacheTest, PrunesTheExpiredAndTheBrokenOnly) {
  ASSERT_TRUE(cache_.put(name("old"), entry("x", Duration(1))) && cache_.put(name("new"), entry("y")));
  test::write_test_file(file(name("broken")), "garbage");
  test::write_test_file(outside_.file("sessions/notes.txt"), "somebody's");
  EXPECT_EQ(cache_.prune(kNow + Duration(1)), 2U);
  EXPECT_TRUE(cache_.get(name("new"), kNow));
  EXPECT_TRUE(std::filesystem::exists(outside_.file("sessions/notes.txt")));
}

}  // namespace
}  // namespace tollgate::vault
