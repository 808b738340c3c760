#include "server/store/file_blob_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <thread>

#include "server/store/database_error.h"
#include "tests/support/forked.h"
#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::store {
namespace {

struct FileBlobs : testing::Test {
  std::unique_ptr<domain::BlobStore> open(const KeyRing& ring) {
    auto store = open_file_blob_store(directory.file("blobs"), ring, random);
    if (!store) throw std::runtime_error(store.error().text());
    return std::move(*store);
  }
  std::string path(const std::string& key) const { return directory.file("blobs/" + key + ".blob"); }

  SystemRandom random;
  test::TemporaryDirectory directory;
  KeyRing keys = KeyRing::generate(random);
  std::unique_ptr<domain::BlobStore> blobs = open(keys);
};

TEST_F(FileBlobs, WhatIsPutIsThere) {
  const std::string large(5'000'000, 'x');
  const std::string binary("a\0b\xff", 4);
  blobs->put("state/sv-1", binary);
  blobs->put("state", "beside the directory of that name");
  blobs->put("a/b/c/d", large);
  blobs->put("empty", "");
  blobs->put("state/sv-1", "replaced");
  const auto again = open(keys);
  EXPECT_EQ(again->get("state/sv-1"), "replaced");
  EXPECT_EQ(again->get("state"), "beside the directory of that name");
  EXPECT_EQ(again->get("a/b/c/d"), large);
  EXPECT_EQ(again->get("empty"), "");
  EXPECT_FALSE(again->get("state/sv-2"));
  EXPECT_FALSE(again->get("nowhere/sv-2"));
  again->erase("state/sv-1");
  again->erase("state/sv-1");
  again->erase("nowhere/x");
  EXPECT_FALSE(again->get("state/sv-1"));
}

TEST_F(FileBlobs, ItKnowsWhatIsThere) {
  EXPECT_TRUE(blobs->keys().empty());
  for (const char* key : {"state/sv-1", "state", "a/b/c/d"})
    blobs->put(key, "x");
  test::write_test_file(directory.file("blobs/a/notes.txt"), "a person's");
  test::write_test_file(directory.file("blobs/a/not a key.blob"), "a person's");
  std::vector<std::string> found = open(keys)->keys();
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, (std::vector<std::string>{"a/b/c/d", "state", "state/sv-1"}));
}

TEST_F(FileBlobs, KeysCannotLeadElsewhere) {
  for (const std::string& key :
       {std::string(), std::string("/"), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("../a"),
        std::string("a/../b"), std::string("."), std::string("a.blob"), std::string("a\\b"), std::string("a b"),
        std::string("a\0b", 3), std::string("\xc3\xa4"), std::string(201, 'a')}) {
    EXPECT_THROW(blobs->put(key, "x"), std::invalid_argument) << key;
    EXPECT_THROW(blobs->get(key), std::invalid_argument) << key;
    EXPECT_THROW(blobs->erase(key), std::invalid_argument) << key;
  }
}

TEST_F(FileBlobs, ALinkIsNotFollowed) {
  test::TemporaryDirectory elsewhere;
  std::filesystem::create_directory_symlink(elsewhere.path(), directory.file("blobs/state"));
  EXPECT_THROW(blobs->put("state/sv-1", "x"), DatabaseError);
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
}

TEST_F(FileBlobs, EveryChangedByteAndEveryCutIsFound) {
  blobs->put("state/sv-1", "the content of a state");
  const std::string sealed = test::read_whole_file(path("state/sv-1"));
  EXPECT_EQ(sealed.find("content"), std::string::npos);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    test::write_test_file(path("state/sv-1"), changed);
    EXPECT_THROW(blobs->get("state/sv-1"), DatabaseError) << "byte " << i;
    test::write_test_file(path("state/sv-1"), sealed.substr(0, i));
    EXPECT_THROW(blobs->get("state/sv-1"), DatabaseError) << "cut at " << i;
  }
  test::write_test_file(path("state/sv-1"), sealed + "x");
  EXPECT_THROW(blobs->get("state/sv-1"), DatabaseError);
  test::write_test_file(path("state/sv-1"), sealed);
  EXPECT_EQ(blobs->get("state/sv-1"), "the content of a state");
}

TEST_F(FileBlobs, ABlobUnderAnotherKeyDoesNotOpen) {
  blobs->put("state/sv-1", "one");
  blobs->put("state/sv-2", "two");
  std::filesystem::copy_file(path("state/sv-1"), path("state/sv-2"), std::filesystem::copy_options::overwrite_existing);
  EXPECT_THROW(blobs->get("state/sv-2"), DatabaseError);
  const KeyRing others = KeyRing::generate(random);
  EXPECT_THROW(open(others)->get("state/sv-1"), DatabaseError);
}

TEST_F(FileBlobs, OldKeysOpenWhatTheySealed) {
  blobs->put("a", "old");
  const KeyRing rotated = keys.with_new_key(random);
  const auto later = open(rotated);
  later->put("b", "new");
  EXPECT_EQ(later->get("a"), "old");
  EXPECT_THROW(blobs->get("b"), DatabaseError);
}

TEST_F(FileBlobs, AFullDiskThrowsAndTheOldContentStays) {
  blobs->put("state/sv-1", "old");
  test::Forked child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 16, 1 << 16};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    try {
      blobs->put("state/sv-1", std::string(1 << 20, 'n'));
    } catch (const DatabaseError&) {
      return blobs->get("state/sv-1") == "old" ? 0 : 3;
    }
    return 1;
  });
  EXPECT_EQ(child.exit_code(), 0);
  EXPECT_EQ(blobs->get("state/sv-1"), "old");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.file("blobs/state"))) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, 1U);
}

TEST_F(FileBlobs, AKilledWriterLeavesTheOldOrTheNewContent) {
  blobs->put("state/sv-1", std::string(1'000'000, '0'));
  for (int round = 0; round < 10; ++round) {
    test::Forked child([&] {
      for (char content = '1';; content = content == '9' ? '1' : static_cast<char>(content + 1)) {
        blobs->put("state/sv-1", std::string(1'000'000, content));
      }
      return 0;
    });
    const std::string first = *blobs->get("state/sv-1");
    // Somewhere in the middle of its work: it has replaced the content at least once.
    EXPECT_TRUE(test::eventually([&] { return blobs->get("state/sv-1") != first; }));
    child.kill(SIGKILL);
    child.wait();
    const std::string content = *blobs->get("state/sv-1");
    EXPECT_EQ(content, std::string(1'000'000, content.front()));
  }
}

TEST_F(FileBlobs, ManyThreadsWithKeysOfTheirOwn) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 10; ++j)
        blobs->put(fmt::format("new-{}/{}", j, i), std::to_string(i));
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  for (int i = 0; i < 8; ++i) {
    for (int j = 0; j < 10; ++j)
      EXPECT_EQ(blobs->get(fmt::format("new-{}/{}", j, i)), std::to_string(i));
  }
}

}  // namespace
}  // namespace tollgate::store
