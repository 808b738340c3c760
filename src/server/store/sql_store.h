// domain::Store on any SqlEngine: one connection that writes, a few that read, transactions around what the caller
// does. Threads: as domain::Store says; a write inside a write on the same thread throws std::logic_error.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "server/domain/store.h"
#include "server/store/field_walkers.h"
#include "server/store/migrations.h"
#include "server/store/sql_engine.h"

namespace tollgate::store {

class SqlStore final : public domain::Store {
 public:
  struct Options {
    std::size_t readers = 4;
    bool read_only = false;
  };
  // Migrates, and holds the keys against the check values in the database. Errors as in sqlite_store.h.
  static Result<std::unique_ptr<domain::Store>> open(std::unique_ptr<SqlEngine> engine, const KeyRing& keys,
                                                     RandomSource& random, const Clock& clock, const Options& options);
  SqlStore(std::unique_ptr<SqlEngine> engine, const KeyRing& keys, RandomSource& random, const Options& options);
  ~SqlStore() override;

 protected:
  void read_transaction(const std::function<void(domain::Tables&)>& body) override;
  void write_transaction(const std::function<bool(domain::Tables&)>& body) override;

 private:
  class Lease;
  Result<void> prepare(const KeyRing& keys, const Clock& clock);
  SqlSession& writer();

  std::unique_ptr<SqlEngine> engine_;
  Sealer sealer_;
  Options options_;

  std::mutex write_mutex_;
  std::unique_ptr<SqlSession> writer_;  // under write_mutex_

  std::mutex readers_mutex_;
  std::condition_variable reader_free_;
  std::vector<std::unique_ptr<SqlSession>> idle_readers_;  // under readers_mutex_
  std::size_t readers_open_ = 0;                           // the same
};

}  // namespace tollgate::store
