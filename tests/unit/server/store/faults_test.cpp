// Many writers, killed writers, full disks: what was committed is there, what was not is not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/support/forked.h"
#include "tests/unit/server/store/any_store.h"

namespace tollgate::store {
namespace {

using domain::Tables;

class FaultsTest : public AnyStore {};
INSTANTIATE_TEST_SUITE_P(Engines, FaultsTest, testing::ValuesIn(engines()), engine_name);

std::int64_t number(Tables& tables, const std::string& key) {
  return std::stoll(tables.settings().get(key).value_or("0"));
}

TEST_P(FaultsTest, FiftyWritersAndARacingReaderLoseNothing) {
  constexpr int kWriters = 50;
  constexpr int kRounds = 10;
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::atomic<int> reads = 0;
  std::thread reader([&] {
    while (!done) {
      store->read([&](Tables& t) {
        // Both are written together, so a snapshot never sees them apart.
        const std::int64_t a = number(t, "a");
        std::this_thread::yield();
        if (number(t, "b") != a) ++torn;
        return 0;
      });
      ++reads;
    }
  });
  std::vector<std::thread> writers;
  std::atomic<int> failed = 0;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      for (int j = 0; j < kRounds; ++j) {
        try {
          write([&](Tables& t) {
            const std::string next = std::to_string(number(t, "a") + 1);
            t.settings().set("a", next);
            t.settings().set("b", next);
            t.settings().set(fmt::format("{}/{}", i, j), "x");
          });
        } catch (const std::exception&) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& writer : writers)
    writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(torn, 0);
  EXPECT_GT(reads, 0);
  store->read([&](Tables& t) {
    EXPECT_EQ(number(t, "a"), kWriters * kRounds);
    int missing = 0;
    for (int i = 0; i < kWriters; ++i) {
      for (int j = 0; j < kRounds; ++j)
        missing += t.settings().get(fmt::format("{}/{}", i, j)) ? 0 : 1;
    }
    EXPECT_EQ(missing, 0);
    return 0;
  });
}

TEST_P(FaultsTest, AReaderSeesOneMoment) {
  write([](Tables& t) { t.settings().set("k", "before"); });
  store->read([&](Tables& t) {
    EXPECT_EQ(t.settings().get("k"), "before");
    write([](Tables& w) { w.settings().set("k", "after"); });
    EXPECT_EQ(t.settings().get("k"), "before");
    return 0;
  });
  store->read([&](Tables& t) {
    EXPECT_EQ(t.settings().get("k"), "after");
    return 0;
  });
}

TEST_P(FaultsTest, MoreReadersThanConnectionsWaitForOneAnother) {
  std::vector<std::thread> readers;
  std::atomic<int> answers = 0;
  for (int i = 0; i < 30; ++i) {
    readers.emplace_back([&] {
      store->read([&](Tables& t) {
        t.settings().get("k");
        return ++answers;
      });
    });
  }
  for (std::thread& reader : readers)
    reader.join();
  EXPECT_EQ(answers, 30);
}

TEST_P(FaultsTest, AWriteInsideAWriteIsABug) {
  EXPECT_THROW(write([&](Tables&) { write([](Tables& t) { t.settings().set("k", "v"); }); }), std::logic_error);
  write([](Tables& t) { t.settings().set("k", "v"); });
}

TEST_P(FaultsTest, TwoProcessesTakeTurnsAtWriting) {
  constexpr int kEach = 40;
  store.reset();
  const auto count_up = [&] {
    const auto own = must(bed->open(keys, random, clock));
    for (int i = 0; i < kEach; ++i) {
      must(own->write([&](Tables& t) -> Result<void> {
        t.settings().set("n", std::to_string(number(t, "n") + 1));
        return {};
      }));
    }
    return 0;
  };
  test::Forked one(count_up);
  test::Forked two(count_up);
  EXPECT_EQ(one.exit_code(), 0);
  EXPECT_EQ(two.exit_code(), 0);
  store = open();
  store->read([&](Tables& t) {
    EXPECT_EQ(number(t, "n"), 2 * kEach);
    return 0;
  });
}

// The child says by a pipe what was acknowledged and is killed at a moment of its own choosing or of ours.
TEST_P(FaultsTest, AKilledWriterLosesNothingThatWasAcknowledged) {
  for (int round = 0; round < 20; ++round) {
    store.reset();
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    test::Forked child([&] {
      const auto own = must(bed->open(keys, random, clock));
      for (std::int64_t i = 1;; ++i) {
        must(own->write([&](Tables& t) -> Result<void> {
          t.settings().set("first", std::to_string(i));
          // Between the statements of a transaction, in every second round.
          if (round % 2 == 0 && i == 5 + round) raise(SIGKILL);
          t.settings().set("second", std::to_string(i));
          return {};
        }));
        if (::write(ends[1], &i, sizeof i) != sizeof i) return 1;
      }
    });
    close(ends[1]);
    std::int64_t acknowledged = 0;
    std::int64_t value = 0;
    while (::read(ends[0], &value, sizeof value) == sizeof value) {
      acknowledged = value;
      if (round % 2 == 1 && value == 3 + round) child.kill(SIGKILL);
    }
    close(ends[0]);
    EXPECT_EQ(child.exit_code(), 128 + SIGKILL);
    store = open();
    store->read([&](Tables& t) {
      const std::int64_t first = number(t, "first");
      EXPECT_EQ(first, number(t, "second"));
      EXPECT_GE(first, acknowledged);
      EXPECT_LE(first, acknowledged + 1);
      return 0;
    });
    write([](Tables& t) {
      t.settings().set("first", "0");
      t.settings().set("second", "0");
    });
  }
}

}  // namespace
}  // namespace tollgate::store
