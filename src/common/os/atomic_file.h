// Files that hold secrets or that several processes read and replace: written whole by rename, read only if they are
// truly ours. Not for large files: content travels as one string. Functions may be called from any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace tollgate::os {

// Names of unfinished files start so; what is left of a killed writer may be removed after an hour.
inline constexpr std::string_view kTemporaryPrefix = ".tmp-";

struct WriteOptions {
  mode_t mode = 0600;    // exactly this, whatever the umask
  bool durable = false;  // fsync of file and directory: for what cannot be had again
};

// A directory that only this user can reach (0700, owner = effective user, the last component no symbolic link), held
// open, so that what is checked is what is used. Moves, does not copy.
class PrivateDirectory {
 public:
  // Creates the missing last components (0700 whatever the umask); existing ones are checked, never changed. Errors:
  // Code::forbidden (reason foreign_owner, open_to_others, symbolic_link), Code::io.
  static Result<PrivateDirectory> create(const std::string& path);
  // Two system calls. Code::not_found where it does not exist.
  static Result<PrivateDirectory> open(const std::string& path);
  // `name` below this one; no symbolic link is followed. Creates it where it is missing.
  Result<PrivateDirectory> create_below(const std::string& name) const;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  // `name` is one file name without a slash in all of these.
  // O_EXCL temporary file in the same directory, then rename: readers see the old or the new content, never a part.
  Result<void> write(std::string_view name, std::string_view content, const WriteOptions& options = {}) const;
  // Code::not_found; Code::forbidden (reason foreign_owner, open_to_others, symbolic_link, hard_link, not_a_file);
  // Code::invalid (reason too_large). Four system calls.
  Result<std::string> read(std::string_view name, std::size_t max_bytes) const;
  // No error where it does not exist.
  Result<void> remove(std::string_view name) const;

 private:
  PrivateDirectory(UniqueFd fd, std::string path, uid_t owner)
      : fd_(std::move(fd)), path_(std::move(path)), owner_(owner) {}
  UniqueFd fd_;
  std::string path_;
  uid_t owner_;  // who we were when it was opened: what is in it must be theirs
};

// The same checks and promises for a file by path, whose directory may be anyone's (for example /run/secrets).
Result<std::string> read_private_file(const std::string& path, std::size_t max_bytes);
Result<void> write_file_atomically(const std::string& path, std::string_view content, const WriteOptions& options = {});
// Any readable regular file, without the owner and mode checks (for example an AWS config file); follows links.
// Code::not_found, Code::io, Code::invalid (reason too_large).
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

}  // namespace tollgate::os
