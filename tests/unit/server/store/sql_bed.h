// An empty database of one engine for one test. For tests; one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/domain/store.h"
#include "server/store/key_ring.h"

namespace tollgate::store {

class Bed {
 public:
  virtual ~Bed() = default;
  virtual Result<std::unique_ptr<domain::Store>> open(const KeyRing& keys, RandomSource& random,
                                                      const Clock& clock) = 0;
  // One statement behind the store's back, without the store's rules (foreign keys); the first column of all rows.
  virtual std::vector<std::string> run(const std::string& sql) = 0;
  // All bytes that the engine has written down; empty where they cannot be had.
  virtual std::string bytes_at_rest() = 0;
};

std::unique_ptr<Bed> make_sqlite_bed();

// The first column of all rows of a query of a SQLite file, by the sqlite3 library and not by the store.
std::vector<std::string> run_in_sqlite(const std::string& path, const std::string& sql);

}  // namespace tollgate::store
