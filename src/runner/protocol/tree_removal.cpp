#include "runner/protocol/tree_removal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/os/directory_names.h"

namespace tollgate::runner {
namespace {

constexpr int kMaxDepth = 32;

class Removal {
 public:
  explicit Removal(int top) : top_(top) {}

  bool empty(int directory, int depth) {
    bool clean = true;
    for (const std::string& name : os::directory_names(directory, "").value_or(std::vector<std::string>())) {
      if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) continue;
      const int why = errno;
      if (why != EISDIR && why != EPERM) {
        problem_ = why;
        clean = false;
        continue;
      }
      clean = remove_directory(directory, name, depth) && clean;
    }
    return clean;
  }
  // Directories were brought up and wait for another round.
  bool moved() { return std::exchange(moved_, false); }
  int problem() const { return problem_; }

 private:
  bool remove_directory(int parent, const std::string& name, int depth) {
    if (depth >= kMaxDepth) {
      // Too deep for recursion: brought up to be emptied in a later round.
      const std::string above = ".deep-" + std::to_string(++counter_);
      if (renameat(parent, name.c_str(), top_, above.c_str()) == 0) {
        moved_ = true;
        return true;
      }
      problem_ = errno;
      return false;
    }
    UniqueFd directory = open_with_rights(parent, name);
    if (!directory || !empty(directory.get(), depth + 1)) {
      if (directory) return false;
      if (errno == ENOENT) return true;
      problem_ = errno;
      return false;
    }
    directory.reset();
    // Somebody else may be removing it at the same time.
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    problem_ = errno;
    return false;
  }

  static UniqueFd open_with_rights(int parent, const std::string& name) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd directory(openat(parent, name.c_str(), kFlags));
    if (!directory && errno == EACCES) {
      // Nothing else writes here any more, so that the name cannot become a link in between.
      if (fchmodat(parent, name.c_str(), 0700, 0) == 0) directory.reset(openat(parent, name.c_str(), kFlags));
    }
    if (directory) {
      // What is in it can only be removed with our own right to write; failing shows below.
      [[maybe_unused]] const int ignored = fchmod(directory.get(), 0700);
    }
    return directory;
  }

  int top_;
  int counter_ = 0;
  bool moved_ = false;
  int problem_ = 0;
};

}  // namespace

Result<void> remove_tree(int directory, const std::string& path) {
  Removal removal(directory);
  bool clean = false;
  do {
    clean = removal.empty(directory, 0);
  } while (removal.moved());
  if (clean) return {};
  return fail(Code::io, fmt::format("removing what is in {}: {}", path, std::strerror(removal.problem())));
}

}  // namespace tollgate::runner
