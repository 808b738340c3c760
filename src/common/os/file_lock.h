// An exclusive lock between processes: flock(2) on a file, which the kernel frees when the holder dies, however it
// dies. The file stays when the lock goes (removing it would let two processes hold "the" lock) and can carry a note
// that says who holds it. Not for threads of one process among themselves unless each acquires its own. Moves, does not
// copy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/os/atomic_file.h"

namespace tollgate::os {

class FileLock {
 public:
  // Creates the file (0600) where it is missing. nullopt: another holds it.
  static Result<std::optional<FileLock>> try_acquire(const PrivateDirectory& directory, std::string_view name);
  // Tries again every 5 to 50 ms until `patience` has passed: Code::locked. A dead holder is followed within 50 ms.
  static Result<FileLock> acquire(const PrivateDirectory& directory, std::string_view name, Duration patience,
                                  const Clock& clock);

  // Replaces the note (at most 4096 bytes).
  void write_note(std::string_view text);
  std::string read_note() const;
  // The note of whoever holds or held it, read without the lock; empty if there is none.
  static std::string peek_note(const PrivateDirectory& directory, std::string_view name);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace tollgate::os
