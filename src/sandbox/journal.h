// What changed in the world since world.toml, kept across restarts: one JSON line per changed row, appended before the
// call that changed it is answered, and read again at the start. The last line of a key counts; a torn last line is
// ignored. Not a backup and not durable against power loss. Not synchronised: used under the world's lock.
#pragma once

#include <string>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/os/atomic_file.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

// Puts what the journal in `directory` holds over `world`. No error where there is no journal yet. Errors: Code::io;
// Code::invalid with the line that cannot be read.
Result<void> read_journal(const os::PrivateDirectory& directory, World& world);

class Journal {
 public:
  // Reads into `world`, leaves out sessions that ended more than a day before `now`, writes the journal anew without
  // superseded lines, and keeps it open. The caller holds the state's lock file.
  static Result<Journal> open(const os::PrivateDirectory& directory, World& world, TimePoint now);

  // Appends a line for each row that changed. Throws std::system_error if the disk refuses.
  void save(World& world);

 private:
  explicit Journal(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace tollgate::sandbox
