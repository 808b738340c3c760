// The store in one SQLite file. One connection does all writes and all checkpoints, because SQLite before 3.51.3 can
// corrupt a file where two do so at once; readers are a few read-only connections. Other processes may open the same
// file: they take turns at writing by a lock beside it (FILE.lock). The directory belongs to the server's user alone.
//
// Threads: as domain::Store says.
#pragma once

#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/store/key_ring.h"

namespace tollgate::store {

struct SqliteOptions {
  std::size_t readers = 4;                  // connections; more readers at once wait for one another
  Duration patience = Duration(30 * 1000);  // for another process that writes
  bool read_only = false;                   // no migration, no lock file; write() throws std::logic_error
};

// Creates the file where it is missing (unless read_only) and brings its schema up to date. `keys`, `random` and
// `clock` outlive the store. Errors: Code::config (reason "master_key_wrong": no key of the ring is one that the
// database was used with; "schema_newer", "schema_changed", "schema_older"), Code::not_found (read_only), Code::locked
// (another process writes for longer than `patience`), Code::forbidden (the directory is open to others). Throws
// DatabaseError where the file is no database or the disk refuses.
Result<std::unique_ptr<domain::Store>> open_sqlite_store(const std::string& path, const KeyRing& keys,
                                                         RandomSource& random, const Clock& clock,
                                                         const SqliteOptions& options = {});

// The database as it is at one moment, in a new file; others may write to it meanwhile. Throws DatabaseError, also
// where `target` is there.
void copy_sqlite_database(const std::string& path, const std::string& target);

}  // namespace tollgate::store
