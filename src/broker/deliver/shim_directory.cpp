#include "broker/deliver/shim_directory.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "common/base/error.h"
#include "common/os/directory_names.h"

namespace tollgate::deliver {
namespace {

Error io_error(std::string_view what, const std::string& path, int number) {
  return Error(Code::io, fmt::format("{} {}: {}", what, path, std::strerror(number)));
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// What a symbolic link says; nullopt where `path` is none.
std::optional<std::string> link_target(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = ::readlink(path.c_str(), buffer.data(), buffer.size());
  if (length <= 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

// A link to a program named tollgate is ours, also where that program has moved away.
bool is_own_target(std::string_view target) {
  return last_component(target).starts_with("tollgate");
}

Error foreign(const std::string& path) {
  return Error(Code::config, fmt::format("{} is not a shim of tollgate", path))
      .do_next("move it away, or choose another folder with --directory")
      .because("foreign_file");
}

Result<void> make_folders(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) return fail(io_error("creating", part, errno));
    if (at == std::string::npos) return {};
  }
}

Result<void> check_folder(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail(io_error("checking", path, errno));
  if (!S_ISDIR(info.st_mode)) return fail(Code::config, fmt::format("{} is not a folder", path));
  // Such a folder on PATH lets any user of the machine choose what the user runs.
  if ((info.st_mode & S_IWOTH) != 0) {
    return fail(Error(Code::config, fmt::format("everyone may write to {}", path))
                    .do_next("choose another folder with --directory")
                    .because("open_to_others"));
  }
  return {};
}

}  // namespace

bool is_shim_name(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name.find('/') == std::string_view::npos &&
         !name.starts_with("tollgate") && name.front() != '.' && name.front() != '-' &&
         std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20; });
}

Result<ShimChange> install_shim(const std::string& directory, const std::string& name, const std::string& program) {
  if (!is_shim_name(name)) {
    return fail(Error(Code::usage, fmt::format("{} cannot be the name of a shim", name))
                    .do_next("name a program as you type it, like terraform"));
  }
  TG_CHECK(make_folders(directory));
  TG_CHECK(check_folder(directory));
  const std::string path = fmt::format("{}/{}", directory, name);
  bool replaces = false;
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    const auto target = link_target(path);
    if (!target || !is_own_target(*target)) return fail(foreign(path));
    if (*target == program) return ShimChange::none;
    replaces = true;
  }
  // By rename, so that the program can be called at every moment.
  const std::string temporary = fmt::format("{}/.tmp-{}-{}", directory, name, ::getpid());
  ::unlink(temporary.c_str());
  if (::symlink(program.c_str(), temporary.c_str()) != 0) return fail(io_error("creating", temporary, errno));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(temporary.c_str());
    return fail(io_error("creating", path, number));
  }
  return replaces ? ShimChange::replaced : ShimChange::made;
}

Result<ShimChange> remove_shim(const std::string& directory, const std::string& name) {
  if (!is_shim_name(name)) return fail(Code::usage, fmt::format("{} cannot be the name of a shim", name));
  const std::string path = fmt::format("{}/{}", directory, name);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return ShimChange::none;
    return fail(io_error("checking", path, errno));
  }
  const auto target = link_target(path);
  if (!target || !is_own_target(*target)) return fail(foreign(path));
  if (::unlink(path.c_str()) != 0) return fail(io_error("removing", path, errno));
  return ShimChange::removed;
}

Result<std::vector<InstalledShim>> installed_shims(const std::string& directory) {
  std::vector<InstalledShim> shims;
  const auto names = os::directory_names(directory);
  if (!names) {
    if (names.error().code == Code::not_found) return shims;
    return fail(names.error());
  }
  for (const std::string& name : *names) {
    if (!is_shim_name(name)) continue;
    const std::string path = fmt::format("{}/{}", directory, name);
    const auto target = link_target(path);
    if (target && is_own_target(*target)) shims.push_back({name, path, *target});
  }
  return shims;
}

}  // namespace tollgate::deliver
