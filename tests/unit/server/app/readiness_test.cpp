#include "server/app/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The store of a disk that has become read-only, or of a file that is gone.
class Broken final : public domain::Store {
 public:
  explicit Broken(domain::Store& store) : store_(store) {}
  bool no_read = false;
  bool no_write = false;
  int writes = 0;

 private:
  void read_transaction(const std::function<void(domain::Tables&)>& body) override {
    if (no_read) throw std::runtime_error("no such file");
    store_.read([&](domain::Tables& tables) {
      body(tables);
      return true;
    });
  }
  void write_transaction(const std::function<bool(domain::Tables&)>& body) override {
    ++writes;
    if (no_write) throw std::runtime_error("read-only file system");
    (void)store_.write([&](domain::Tables& tables) -> Result<void> {
      if (!body(tables)) return fail(Code::conflict, "rolled back");
      return {};
    });
  }
  domain::Store& store_;
};

struct ReadinessTest : testing::Test {
  tollgate::test::TemporaryDirectory directory;
  tollgate::test::ManualClock clock{from_unix_seconds(1'800'000'000)};
  SystemRandom random;
  store::KeyRing keys = store::KeyRing::generate(random);
  std::unique_ptr<domain::Store> real = *store::open_sqlite_store(directory.file("tollgate.db"), keys, random, clock);
  Broken store{*real};
  bool terraform = true;
  std::string runner;
  std::optional<std::uint64_t> free = 1ULL << 30;
  std::optional<Duration> skew;
  Readiness readiness{store,
                      clock,
                      {[this] { return terraform; }, [this] { return runner; }, [this] { return free; }, 256ULL << 20,
                       [this] { return skew; }}};
};

TEST_F(ReadinessTest, IsReadyAndWritesOnceInAWhile) {
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(readiness.reasons(), IsEmpty());
  EXPECT_EQ(store.writes, 1);
  clock.advance(std::chrono::seconds(10));
  EXPECT_THAT(readiness.reasons(), IsEmpty());
  EXPECT_EQ(store.writes, 2);
}

TEST_F(ReadinessTest, NamesEveryReasonAtOnce) {
  terraform = false;
  runner = "the runner is not there";
  free = 100ULL << 20;
  skew = std::chrono::seconds(90);
  store.no_write = true;
  EXPECT_THAT(readiness.reasons(),
              ElementsAre("no terraform or tofu is installed", "the runner is not there",
                          "the database cannot be written: read-only file system",
                          "the disk of the data directory has 100 MiB left, less than data.least_free_mib = 256",
                          HasSubstr("90 s behind AWS's")));
  store.no_read = true;
  EXPECT_THAT(readiness.reasons()[2], "the database cannot be read: no such file");
}

TEST_F(ReadinessTest, IsReadyAgainAtOnce) {
  store.no_write = true;
  EXPECT_EQ(readiness.reasons().size(), 1U);
  store.no_write = false;
  EXPECT_THAT(readiness.reasons(), IsEmpty());
}

TEST_F(ReadinessTest, KnowsBothDirectionsOfAClock) {
  skew = std::chrono::seconds(60);
  EXPECT_THAT(readiness.reasons(), IsEmpty());
  skew = std::chrono::seconds(-61);
  EXPECT_THAT(readiness.reasons(), ElementsAre(HasSubstr("61 s ahead of AWS's")));
}

}  // namespace
}  // namespace tollgate::app
