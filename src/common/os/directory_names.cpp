#include "common/os/directory_names.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/base/unique_fd.h"

namespace tollgate::os {
namespace {

Result<std::vector<std::string>> names_at(int base, const char* path, std::string_view shown) {
  // Opened anew, for reading moves the position that belongs to an opening.
  UniqueFd fd(::openat(base, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd ? ::fdopendir(fd.get()) : nullptr, &::closedir);
  if (!entries) {
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::io;
    return fail(Error(code, fmt::format("listing {}: {}", shown, std::strerror(errno)))
                    .do_next("see that it is a directory which this user may read"));
  }
  (void)fd.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::vector<std::string>> directory_names(int directory, std::string_view shown) {
  return names_at(directory, ".", shown);
}

Result<std::vector<std::string>> directory_names(const std::string& path) {
  return names_at(AT_FDCWD, path.c_str(), path);
}

}  // namespace tollgate::os
