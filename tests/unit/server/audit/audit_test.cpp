#include "server/audit/audit.h"

#include <gtest/gtest.h>

#include "server/store/key_ring.h"
#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/store/sql_bed.h"

namespace tollgate::audit {
namespace {

constexpr int kRecords = 7;

struct Audit : testing::Test {
  Audit() {
    store = std::move(*store::open_sqlite_store(path, keys, random, clock));
    domain::Actor actor;
    actor.kind = domain::Actor::Kind::user_token;
    actor.user_id = "user-1";
    actor.username = "ann";
    actor.address = "127.0.0.1";
    for (int i = 1; i <= kRecords; ++i) {
      clock.advance(Duration(1));
      write([&](domain::Tables& tables) {
        Event event{"org-1", "run.created", "run", fmt::format("run-{}", i), json::Value::object({{"n", i}})};
        append(tables, actor, event, clock.now());
      });
    }
  }
  void write(const std::function<void(domain::Tables&)>& body) {
    const auto done = store->write([&](domain::Tables& tables) -> Result<void> {
      body(tables);
      return {};
    });
    ASSERT_TRUE(done);
  }
  Result<Verified> verified() {
    return store->read([](domain::Tables& tables) { return verify(tables); });
  }
  Result<Verified> verified_with(const Secret& with) {
    return store->read([&](domain::Tables& tables) { return verify(tables, with); });
  }
  void tamper(const std::string& sql) { store::run_in_sqlite(path, sql); }
  // Broken at that record; the file is put back afterwards.
  void expect_broken(const std::string& sql, int at) {
    tamper("CREATE TABLE backup AS SELECT * FROM audit_records");
    tamper(sql);
    const auto result = verified();
    EXPECT_FALSE(result) << sql;
    if (!result) {
      EXPECT_EQ(result.error().reason, "audit_broken");
      EXPECT_NE(result.error().message.find(fmt::format("at record {}:", at)), std::string::npos)
          << sql << ": " << result.error().message;
    }
    tamper("DELETE FROM audit_records");
    tamper("INSERT INTO audit_records SELECT * FROM backup");
    tamper("DROP TABLE backup");
  }

  SystemRandom random;
  test::ManualClock clock;
  test::TemporaryDirectory directory;
  std::string path = directory.file("tollgate.db");
  store::KeyRing keys = store::KeyRing::generate(random);
  std::unique_ptr<domain::Store> store;
  Secret key = keys.hash_key("audit checkpoint");
};

TEST_F(Audit, AnUntouchedChainIsWhole) {
  const auto result = verified();
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->records, kRecords);
  store->read([&](domain::Tables& tables) {
    EXPECT_EQ(tables.audit().last()->hash, result->last_hash);
    EXPECT_EQ(tables.audit().last()->details, "{\"n\":7}");
    EXPECT_EQ(tables.audit().last()->actor_kind, "user");
    EXPECT_EQ(tables.audit().last()->actor_id, "user-1");
    return 0;
  });
}

TEST_F(Audit, EveryFieldOfEveryRecordCounts) {
  for (int i = 1; i <= kRecords; ++i) {
    for (const std::string field : {"organization_id", "actor_kind", "actor_id", "actor_name", "address", "event",
                                    "subject_kind", "subject_id", "details", "previous_hash", "hash"}) {
      expect_broken(fmt::format("UPDATE audit_records SET {0} = {0} || 'x' WHERE sequence = {1}", field, i), i);
    }
    expect_broken(fmt::format("UPDATE audit_records SET at = at + 1 WHERE sequence = {}", i), i);
    expect_broken(fmt::format("UPDATE audit_records SET sequence = sequence + 1000 WHERE sequence = {}", i), i);
  }
}

TEST_F(Audit, TextMovedFromOneFieldToTheNextIsFound) {
  expect_broken("UPDATE audit_records SET actor_id = 'user-1ann', actor_name = '' WHERE sequence = 3", 3);
}

TEST_F(Audit, DeletedReorderedAndInsertedRecordsAreFound) {
  for (int i = 1; i < kRecords; ++i)
    expect_broken(fmt::format("DELETE FROM audit_records WHERE sequence = {}", i), i);
  // Closing the gap does not help.
  expect_broken(
      "DELETE FROM audit_records WHERE sequence = 3;"
      "UPDATE audit_records SET sequence = -sequence WHERE sequence > 3;"
      "UPDATE audit_records SET sequence = -sequence - 1 WHERE sequence < 0",
      3);
  expect_broken(
      "UPDATE audit_records SET sequence = 100 WHERE sequence = 3;"
      "UPDATE audit_records SET sequence = 3 WHERE sequence = 4;"
      "UPDATE audit_records SET sequence = 4 WHERE sequence = 100",
      3);
  expect_broken(fmt::format("INSERT INTO audit_records SELECT {}, at, organization_id, actor_kind, actor_id, "
                            "actor_name, address, event, subject_kind, subject_id, details, previous_hash, hash "
                            "FROM audit_records WHERE sequence = 2",
                            kRecords + 1),
                kRecords + 1);
  expect_broken(
      "INSERT INTO audit_records SELECT 0, at, '', '', '', '', '', 'x', '', '', '', previous_hash, hash "
      "FROM audit_records WHERE sequence = 1;"
      "UPDATE audit_records SET sequence = 50 WHERE sequence = 1;"
      "UPDATE audit_records SET sequence = 1 WHERE sequence = 0",
      1);
}

TEST_F(Audit, ACutEndIsFoundUpToTheLastCheckpointOnly) {
  write([&](domain::Tables& tables) { sign_checkpoint(tables, key); });
  write([&](domain::Tables& tables) { append(tables, {}, {"", "later", "", "", json::Value::object()}, clock.now()); });
  ASSERT_TRUE(verified_with(key));
  tamper(fmt::format("DELETE FROM audit_records WHERE sequence = {}", kRecords + 1));
  EXPECT_TRUE(verified_with(key)) << "behind the checkpoint nothing can tell";
  tamper(fmt::format("DELETE FROM audit_records WHERE sequence = {}", kRecords));
  EXPECT_TRUE(verified()) << "the chain alone cannot tell";
  const auto cut = verified_with(key);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().reason, "audit_broken");
}

TEST_F(Audit, AChainWrittenAnewIsFoundByTheCheckpoint) {
  write([&](domain::Tables& tables) { sign_checkpoint(tables, key); });
  tamper("DELETE FROM audit_records");
  for (int i = 0; i < kRecords + 2; ++i) {
    write([&](domain::Tables& tables) {
      append(tables, {}, {"", "forged", "", "", json::Value::object()}, clock.now());
    });
  }
  EXPECT_TRUE(verified());
  EXPECT_FALSE(verified_with(key));
}

TEST_F(Audit, AForgedCheckpointIsFound) {
  write([&](domain::Tables& tables) { sign_checkpoint(tables, Secret(std::string(32, 'k'))); });
  EXPECT_FALSE(verified_with(key));
  write([&](domain::Tables& tables) { tables.settings().set("audit.checkpoint", "1"); });
  EXPECT_FALSE(verified_with(key));
}

TEST_F(Audit, NoRecordNoEffect) {
  // The next number is taken, so the record cannot be written, and with it goes what the transaction did.
  EXPECT_THROW(write([&](domain::Tables& tables) {
                 tables.settings().set("effect", "done");
                 domain::AuditRecord record;
                 record.sequence = kRecords;
                 tables.audit().append(record);
               }),
               std::logic_error);
  store->read([](domain::Tables& tables) {
    EXPECT_FALSE(tables.settings().get("effect"));
    return 0;
  });
}

TEST_F(Audit, ChainsLongerThanOneBatchAreWalkedToTheirEnd) {
  write([&](domain::Tables& tables) {
    for (int i = 0; i < 1200; ++i)
      append(tables, {}, {"", "e", "", "", json::Value::object()}, clock.now());
  });
  EXPECT_EQ(verified()->records, kRecords + 1200);
  tamper("UPDATE audit_records SET event = 'x' WHERE sequence = 1205");
  EXPECT_FALSE(verified());
}

}  // namespace
}  // namespace tollgate::audit
