// What is SQLite's own: its files, its full disk, its settings.
#include "server/store/sqlite_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "server/store/database_error.h"
#include "server/store/migrations.h"
#include "tests/support/forked.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/store/sql_bed.h"

namespace tollgate::store {
namespace {

struct Sqlite : testing::Test {
  Result<std::unique_ptr<domain::Store>> open(bool read_only = false) {
    SqliteOptions options;
    options.read_only = read_only;
    return open_sqlite_store(path, keys, random, clock, options);
  }
  static void set(domain::Store& store, const std::string& key, const std::string& value) {
    const auto done = store.write([&](domain::Tables& t) -> Result<void> {
      t.settings().set(key, value);
      return {};
    });
    ASSERT_TRUE(done);
  }
  static std::optional<std::string> get(domain::Store& store, const std::string& key) {
    return store.read([&](domain::Tables& t) { return t.settings().get(key); });
  }

  SystemRandom random;
  test::ManualClock clock;
  test::TemporaryDirectory directory;
  std::string path = directory.file("a database.db");  // a blank: SOCI's connection text has to be quoted
  KeyRing keys = KeyRing::generate(random);
};

TEST_F(Sqlite, ItsFilesAreForTheServerAlone) {
  const auto store = open();
  ASSERT_TRUE(store) << store.error().text();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    struct stat status {};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 4);  // the database, its log, the log's index, the lock
}

TEST_F(Sqlite, ADirectoryOpenToOthersIsRefused) {
  ASSERT_EQ(chmod(directory.path().c_str(), 0755), 0);
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::forbidden);
}

TEST_F(Sqlite, WhatIsNoDatabaseThrows) {
  test::write_test_file(path, std::string(8192, 'x'));
  EXPECT_THROW(open(), DatabaseError);
}

TEST_F(Sqlite, ClosingLeavesOneFileWithEverythingInIt) {
  {
    const auto store = open();
    set(**store, "k", "v");
  }
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
  EXPECT_EQ(run_in_sqlite(path, "SELECT value FROM settings WHERE name = 'k'").at(0), "v");
  EXPECT_EQ(run_in_sqlite(path, "PRAGMA integrity_check").at(0), "ok");
}

TEST_F(Sqlite, ReadOnlyReadsBesideAWriterAndChangesNothing) {
  EXPECT_EQ(open(true).error().code, Code::not_found);
  const auto writer = open();
  set(**writer, "k", "v");
  const auto reader = open(true);
  ASSERT_TRUE(reader) << reader.error().text();
  EXPECT_EQ(get(**reader, "k"), "v");
  EXPECT_THROW(set(**reader, "k", "w"), std::logic_error);
  set(**writer, "k", "w");
  EXPECT_EQ(get(**reader, "k"), "w");
}

TEST_F(Sqlite, AReaderConnectionCannotWrite) {
  const auto store = open();
  EXPECT_THROW((*store)->read([](domain::Tables& t) {
    t.settings().set("k", "v");
    return 0;
  }),
               DatabaseError);
  EXPECT_FALSE(get(**store, "k"));
}

TEST_F(Sqlite, ACommandBesideTheServerTakesNoLogAwayFromIt) {
  std::array<int, 2> go{};
  std::array<int, 2> ready{};
  ASSERT_EQ(pipe(go.data()) + pipe(ready.data()), 0);
  char byte = 'x';
  test::Forked server([&] {
    const auto store = open();
    if (!store) return 2;
    set(**store, "by", "server");
    if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1) return 3;
    try {
      if (get(**store, "by") != "command") return 4;
      set(**store, "by", "server again");
      return get(**store, "by") == "server again" ? 0 : 5;
    } catch (const DatabaseError&) {
      return 6;
    }
  });
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  // Opens, writes and closes, and is not the last one to do so.
  test::Forked command([&] {
    const auto store = open();
    if (!store) return 2;
    set(**store, "by", "command");
    return 0;
  });
  EXPECT_EQ(command.exit_code(), 0);
  EXPECT_TRUE(std::filesystem::exists(path + "-wal"));
  ASSERT_EQ(write(go[1], &byte, 1), 1);
  EXPECT_EQ(server.exit_code(), 0);
  for (const int fd : {go[0], go[1], ready[0], ready[1]})
    close(fd);
}

// Another store of this process that goes takes no lock away from the one that stays.
TEST_F(Sqlite, ASecondStoreOfOneProcessDoesNotEither) {
  const std::string turn = directory.file("turn");
  ASSERT_TRUE(open());
  // Before this process has connections: SQLite's must not be taken along.
  test::Forked other([&] {
    if (!test::eventually([&] { return std::filesystem::exists(turn); })) return 1;
    const auto theirs = open();
    if (!theirs || get(**theirs, "ours") != "1") return 2;
    set(**theirs, "theirs", "1");
    return 0;
  });
  {
    const auto store = open();
    ASSERT_TRUE(store);
    set(**store, "ours", "1");
    ASSERT_TRUE(open(true));
    test::write_test_file(turn, "");
    EXPECT_EQ(other.exit_code(), 0);
    EXPECT_TRUE(std::filesystem::exists(path + "-wal"));
    EXPECT_EQ(get(**store, "theirs"), "1");
    set(**store, "ours", "2");
  }
  const auto after = open();
  EXPECT_EQ(get(**after, "ours"), "2");
  EXPECT_EQ(get(**after, "theirs"), "1");
}

TEST_F(Sqlite, AFullDiskThrowsAndLeavesNoHalfTransaction) {
  {
    const auto store = open();
    set(**store, "first", "0");
  }
  test::Forked child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const auto store = open();
    if (!store) return 2;
    const rlimit limit{1 << 20, 1 << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 3;
    int committed = 0;
    try {
      for (int i = 1; i < 200; ++i) {
        set(**store, "first", std::to_string(i));
        const auto done = (*store)->write([&](domain::Tables& t) -> Result<void> {
          t.settings().set("first", std::to_string(i));
          t.settings().set(fmt::format("large-{}", i), std::string(50'000, 'x'));
          t.settings().set("second", std::to_string(i));
          return {};
        });
        if (!done) return 4;
        committed = i;
      }
    } catch (const DatabaseError&) {
      // Still there to be read, at the last state that was committed.
      const auto second = get(**store, "second");
      return second == std::to_string(committed) && committed > 0 ? 0 : 5;
    }
    return 6;
  });
  EXPECT_EQ(child.exit_code(), 0);
  const auto store = open();
  ASSERT_TRUE(store);
  const int second = std::stoi(get(**store, "second").value());
  EXPECT_TRUE(get(**store, fmt::format("large-{}", second)));
  EXPECT_FALSE(get(**store, fmt::format("large-{}", second + 1)));
  EXPECT_EQ(run_in_sqlite(path, "PRAGMA integrity_check").at(0), "ok");
}

TEST_F(Sqlite, ItsLogDoesNotGrowWithoutEnd) {
  const auto store = open();
  for (int i = 0; i < 400; ++i)
    set(**store, "k", std::string(40'000, static_cast<char>('a' + i % 26)));
  // 16 MB were written; the writer carries them over every 4 MB.
  EXPECT_LT(std::filesystem::file_size(path + "-wal"), 8U << 20);
}

TEST_F(Sqlite, AKilledMigrationIsThereWholeOrNotAtAll) {
  ASSERT_FALSE(migrations().empty());
  for (int round = 0; round < 10; ++round) {
    path = directory.file(fmt::format("{}.db", round));
    test::Forked child([&] {
      const auto store = open();
      return store ? 0 : 1;
    });
    // When the log has reached a size that lies further on in the migrations each time.
    const auto reached = [&] {
      std::error_code absent;
      const auto size = std::filesystem::file_size(path + "-wal", absent);
      return (!absent && size > static_cast<std::uintmax_t>(round) * 20'000) || test::process_state(child.pid()) == 'Z';
    };
    EXPECT_TRUE(test::eventually(reached));
    child.kill(SIGKILL);
    child.wait();
    const auto store = open();
    ASSERT_TRUE(store) << store.error().text();
    set(**store, "k", "v");
    EXPECT_EQ(run_in_sqlite(path, "PRAGMA integrity_check").at(0), "ok");
  }
}

TEST_F(Sqlite, TheSqlDoesNotShowInErrors) {
  const auto store = open();
  try {
    (*store)->read([](domain::Tables& t) {
      t.settings().set("k", "canary-value");
      return 0;
    });
    FAIL();
  } catch (const DatabaseError& error) {
    EXPECT_EQ(std::string(error.what()).find("canary"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace tollgate::store
