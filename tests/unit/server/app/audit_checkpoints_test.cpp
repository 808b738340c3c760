#include "server/app/audit_checkpoints.h"

#include <gtest/gtest.h>

#include "server/audit/audit.h"
#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::app {
namespace {

class KeptLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view, const LogFields&) override {
    const std::lock_guard lock(mutex_);
    events_.emplace_back(event);
  }
  std::vector<std::string> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> events_;
};

class Checkpoints : public ::testing::Test {
 protected:
  void append(std::string_view name) {
    ASSERT_TRUE(store->write([&](domain::Tables& tables) -> Result<void> {
      audit::append(tables, {}, {"", std::string(name), "", "", json::Value::object()}, clock.now());
      return {};
    }));
  }
  std::optional<std::string> checkpoint() {
    return store->read([](domain::Tables& tables) { return tables.settings().get("audit.checkpoint"); });
  }

  SystemRandom random;
  tollgate::test::ManualClock clock;
  tollgate::test::TemporaryDirectory directory;
  store::KeyRing keys = store::KeyRing::generate(random);
  std::unique_ptr<domain::Store> store =
      store::open_sqlite_store(directory.file("tollgate.db"), keys, random, clock).value();
  KeptLog log;
  AuditCheckpoints checkpoints{*store, Secret(std::string(32, 'a')), log};
};

TEST_F(Checkpoints, SignsAtTheStartAndStopsAtOnce) {
  append("one");
  checkpoints.start();
  checkpoints.stop();
  EXPECT_TRUE(checkpoint());
  EXPECT_EQ(log.events(), std::vector<std::string>{"audit.checkpoint"});
  checkpoints.stop();
}

TEST_F(Checkpoints, MovesOnWithTheChain) {
  EXPECT_TRUE(checkpoints.sign_now());
  EXPECT_FALSE(checkpoint());
  append("one");
  EXPECT_TRUE(checkpoints.sign_now());
  const auto first = checkpoint();
  EXPECT_TRUE(checkpoints.sign_now());
  EXPECT_EQ(checkpoint(), first);
  append("two");
  EXPECT_TRUE(checkpoints.sign_now());
  EXPECT_NE(checkpoint(), first);
}

// What somebody cut off while the server was down does not become good by being signed.
TEST_F(Checkpoints, SignsNothingOverABrokenChain) {
  append("one");
  append("two");
  EXPECT_TRUE(checkpoints.sign_now());
  const auto before = checkpoint();
  const auto kept = store->read([](domain::Tables& tables) { return tables.audit().list("", 1, 1).at(0); });
  ASSERT_TRUE(store->write([&](domain::Tables& tables) -> Result<void> {
    tables.settings().set("audit.checkpoint", *before);
    return {};
  }));
  // Another database of the same key whose chain is shorter stands for one that was cut.
  std::unique_ptr<domain::Store> cut = store::open_sqlite_store(directory.file("cut.db"), keys, random, clock).value();
  ASSERT_TRUE(cut->write([&](domain::Tables& tables) -> Result<void> {
    tables.audit().append(kept);
    tables.settings().set("audit.checkpoint", *before);
    return {};
  }));
  AuditCheckpoints of_cut{*cut, Secret(std::string(32, 'a')), log};
  EXPECT_FALSE(of_cut.sign_now());
  EXPECT_EQ(log.events().back(), "audit.broken");
  EXPECT_EQ(cut->read([](domain::Tables& tables) { return tables.settings().get("audit.checkpoint"); }), before);
}

}  // namespace
}  // namespace tollgate::app
