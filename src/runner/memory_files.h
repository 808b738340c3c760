// Files for the phase's processes that hold secrets: in memory (tmpfs), in a directory of their own, gone with this
// object. A runner that is killed leaves them to Spool::remove. Where the machine has no such file system they lie in
// the work area, on disk. One thread.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "runner/protocol/spool.h"

namespace tollgate::runner {

class MemoryFiles {
 public:
  // `fallback`: an existing directory in the work area.
  static Result<MemoryFiles> create(const Spool& spool, const std::string& fallback);
  MemoryFiles(MemoryFiles&& other) noexcept;
  MemoryFiles& operator=(MemoryFiles&&) = delete;
  ~MemoryFiles();

  const std::string& path() const { return path_; }
  bool in_memory() const { return in_memory_; }
  Result<void> put(std::string_view name, const Secret& content) const;
  Result<void> give_to(uid_t user, gid_t group) const;

 private:
  MemoryFiles(std::string path, bool in_memory) : path_(std::move(path)), in_memory_(in_memory) {}
  std::string path_;  // empty: moved away
  bool in_memory_ = false;
};

}  // namespace tollgate::runner
