#include "runner/memory_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/unique_fd.h"
#include "common/os/directory_names.h"
#include "runner/protocol/tree_removal.h"

namespace tollgate::runner {
namespace {

constexpr long kTmpfsMagic = 0x01021994;

bool is_memory(const char* path) {
  struct statfs info {};
  return statfs(path, &info) == 0 && info.f_type == kTmpfsMagic;
}

UniqueFd open_directory(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

Result<MemoryFiles> MemoryFiles::create(const Spool& spool, const std::string& fallback) {
  const std::string path = spool.memory_directory();
  // EEXIST is somebody else's: the name is new with the spool.
  if (is_memory("/dev/shm") && mkdir(path.c_str(), 0700) == 0) return MemoryFiles(path, true);
  const std::string on_disk = fallback + "/private";
  if (mkdir(on_disk.c_str(), 0700) != 0) {
    return fail(Code::io, fmt::format("creating {}: {}", on_disk, std::strerror(errno)));
  }
  return MemoryFiles(on_disk, false);
}

MemoryFiles::MemoryFiles(MemoryFiles&& other) noexcept
    : path_(std::exchange(other.path_, std::string())), in_memory_(other.in_memory_) {}

MemoryFiles::~MemoryFiles() {
  if (path_.empty()) return;
  const UniqueFd directory = open_directory(path_);
  if (directory && remove_tree(directory.get(), path_)) rmdir(path_.c_str());
}

Result<void> MemoryFiles::put(std::string_view name, const Secret& content) const {
  os::WriteOptions options;
  options.mode = 0400;
  return os::write_file_atomically(fmt::format("{}/{}", path_, name), content.reveal(), options);
}

Result<void> MemoryFiles::give_to(uid_t user, gid_t group) const {
  const UniqueFd directory = open_directory(path_);
  if (!directory) return fail(Code::io, fmt::format("opening {}: {}", path_, std::strerror(errno)));
  TG_TRY(const auto names, os::directory_names(directory.get(), path_));
  bool given = fchown(directory.get(), user, group) == 0;
  for (const std::string& name : names)
    given = fchownat(directory.get(), name.c_str(), user, group, AT_SYMLINK_NOFOLLOW) == 0 && given;
  if (!given) return fail(Code::io, fmt::format("giving {} away: {}", path_, std::strerror(errno)));
  return {};
}

}  // namespace tollgate::runner
