#include "runner/isolation/tree_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>

namespace tollgate::isolation {
namespace {

constexpr int kMaxDepth = 200;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

struct Walk {
  TreeUsage usage;
  std::uint64_t stop_bytes;
  std::uint64_t stop_entries;
  bool done() const {
    return (stop_bytes && usage.bytes > stop_bytes) || (stop_entries && usage.entries > stop_entries);
  }
};

void walk(int fd, int depth, Walk& state) {
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(fd));
  if (!directory) {
    close(fd);
    return;
  }
  while (const dirent* entry = readdir(directory.get())) {
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    struct stat status {};
    if (fstatat(dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    state.usage.entries += 1;
    state.usage.bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    if (state.done()) return;
    if (!S_ISDIR(status.st_mode)) continue;
    if (depth >= kMaxDepth) {
      state.usage.too_deep = true;
      continue;
    }
    const int below = openat(dirfd(directory.get()), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below >= 0) walk(below, depth + 1, state);
    if (state.done()) return;
  }
}

}  // namespace

TreeUsage tree_usage(const std::string& directory, std::uint64_t stop_bytes, std::uint64_t stop_entries) {
  Walk state{{}, stop_bytes, stop_entries};
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) walk(fd, 0, state);
  return state.usage;
}

}  // namespace tollgate::isolation
