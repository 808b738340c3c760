#include "common/os/atomic_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "common/base/encoding.h"

namespace tollgate::os {
namespace {

Error system_error(std::string_view what, const std::string& path, int number) {
  return Error(Code::io, fmt::format("{} {}: {}", what, path, std::strerror(number)));
}

Error refused(const std::string& path, std::string_view why, std::string reason) {
  return Error(Code::forbidden, fmt::format("{} {}", path, why)).because(std::move(reason));
}

Result<void> check_directory(int fd, const std::string& path, uid_t owner) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return fail(system_error("checking", path, errno));
  if (info.st_uid != owner) return fail(refused(path, "belongs to another user", "foreign_owner"));
  if ((info.st_mode & 077) != 0) {
    return fail(refused(path, fmt::format("is open to others (mode {:04o})", info.st_mode & 07777), "open_to_others")
                    .do_next(fmt::format("look at what is in it, then run: chmod 700 '{}'", path)));
  }
  return {};
}

// `nofollow` on the last component only: what leads there (a symbolic link for /home, say) is the administrator's.
Result<UniqueFd> open_directory(int at, const char* name, const std::string& path) {
  UniqueFd fd(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd) return fd;
  if (errno == ENOENT) return fail(Code::not_found, fmt::format("there is no directory {}", path));
  if (errno == ELOOP) return fail(refused(path, "is a symbolic link", "symbolic_link"));
  if (errno == ENOTDIR) {
    struct stat info {};
    if (fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode)) {
      return fail(refused(path, "is a symbolic link", "symbolic_link"));
    }
    return fail(refused(path, "is not a directory", "not_a_directory"));
  }
  return fail(system_error("opening", path, errno));
}

// Makes a directory that is missing.
Result<void> make_directory(int at, const char* name, const std::string& path) {
  if (mkdirat(at, name, 0700) == 0) {
    // A umask may have taken away our own rights; should this fail, opening says so.
    [[maybe_unused]] const int ignored = fchmodat(at, name, 0700, AT_SYMLINK_NOFOLLOW);
    return {};
  }
  if (errno == EEXIST) return {};
  return fail(system_error("creating directory", path, errno));
}

Result<void> make_parents(const std::string& path) {
  for (std::size_t at = 1; at < path.size(); ++at) {
    if (path[at] != '/') continue;
    const std::string parent = path.substr(0, at);
    if (access(parent.c_str(), F_OK) == 0) continue;
    TG_CHECK(make_directory(AT_FDCWD, parent.c_str(), parent));
  }
  return {};
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

// `owner`: whose it must be, and nobody else's; nullopt for a file that anyone may own and read.
Result<void> check_file(const struct stat& info, const std::string& path, std::size_t max_bytes,
                        std::optional<uid_t> owner) {
  if (!S_ISREG(info.st_mode)) return fail(refused(path, "is not a regular file", "not_a_file"));
  if (owner) {
    if (info.st_uid != *owner) return fail(refused(path, "belongs to another user", "foreign_owner"));
    if ((info.st_mode & 077) != 0) {
      return fail(
          refused(path, fmt::format("is open to others (mode {:04o})", info.st_mode & 07777), "open_to_others"));
    }
    // None at all is a file that was replaced since it was opened: still whole and ours.
    if (info.st_nlink > 1) return fail(refused(path, "has a second name (hard link)", "hard_link"));
  }
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes) {
    return fail(Error(Code::invalid, fmt::format("{} is larger than {} bytes", path, max_bytes)).because("too_large"));
  }
  return {};
}

Result<std::string> read_checked(int at, const char* name, const std::string& path, std::size_t max_bytes,
                                 std::optional<uid_t> owner) {
  // O_NONBLOCK: a FIFO put in place of the file must not hold us.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (owner ? O_NOFOLLOW : 0);
  const UniqueFd fd(openat(at, name, flags));
  if (!fd) {
    if (errno == ENOENT) return fail(Code::not_found, fmt::format("there is no file {}", path));
    if (errno == ELOOP && owner) return fail(refused(path, "is a symbolic link", "symbolic_link"));
    if (errno == ENXIO) return fail(refused(path, "is not a regular file", "not_a_file"));
    return fail(system_error("opening", path, errno));
  }
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return fail(system_error("checking", path, errno));
  TG_CHECK(check_file(info, path, max_bytes, owner));
  // Regular files on /proc and the like say they are empty; those grow the buffer as they come.
  const auto expected = static_cast<std::size_t>(info.st_size);
  std::string content(expected, '\0');
  std::size_t filled = 0;
  while (filled <= max_bytes) {
    if (filled == content.size()) {
      if (filled == expected && expected != 0) break;
      content.resize(std::min(max_bytes + 1, content.size() + 4096));
    }
    const ssize_t got = read(fd.get(), content.data() + filled, content.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(system_error("reading", path, errno));
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > max_bytes) {
    return fail(Error(Code::invalid, fmt::format("{} is larger than {} bytes", path, max_bytes)).because("too_large"));
  }
  content.resize(filled);
  return content;
}

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail(system_error("writing", path, errno));
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> fill_temporary(int fd, std::string_view content, const WriteOptions& options, const std::string& path) {
  if (fchmod(fd, options.mode) != 0) return fail(system_error("setting the mode of", path, errno));
  TG_CHECK(write_all(fd, content, path));
  if (options.durable && fsync(fd) != 0) return fail(system_error("flushing", path, errno));
  return {};
}

std::string temporary_name() {
  std::array<char, 8> bytes{};
  // Only uniqueness matters, O_EXCL does the rest.
  if (getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) != static_cast<ssize_t>(bytes.size())) {
    const pid_t pid = getpid();
    std::memcpy(bytes.data(), &pid, sizeof pid);
  }
  return std::string(kTemporaryPrefix) + hex_encode(std::string_view(bytes.data(), bytes.size()));
}

Result<void> write_by_rename(int directory, const std::string& name, const std::string& path, std::string_view content,
                             const WriteOptions& options) {
  std::string temporary;
  UniqueFd fd;
  for (int tries = 0; !fd && tries < 8; ++tries) {
    temporary = temporary_name();
    fd.reset(openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd && errno != EEXIST) break;
  }
  if (!fd) return fail(system_error("creating a file beside", path, errno));
  auto written = fill_temporary(fd.get(), content, options, path);
  if (written && renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
    written = fail(system_error("replacing", path, errno));
  }
  if (!written) {
    unlinkat(directory, temporary.c_str(), 0);
    return written;
  }
  if (options.durable && fsync(directory) != 0) return fail(system_error("flushing the directory of", path, errno));
  return {};
}

std::pair<std::string, std::string> split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Error bad_name(std::string_view name) {
  return Error(Code::invalid, fmt::format("\"{}\" is not the name of a file", name));
}

}  // namespace

Result<PrivateDirectory> PrivateDirectory::create(const std::string& path) {
  auto found = open(path);
  if (found || found.error().code != Code::not_found) return found;
  TG_CHECK(make_parents(path));
  TG_CHECK(make_directory(AT_FDCWD, path.c_str(), path));
  return open(path);
}

Result<PrivateDirectory> PrivateDirectory::open(const std::string& path) {
  TG_TRY(UniqueFd fd, open_directory(AT_FDCWD, path.c_str(), path));
  const uid_t owner = geteuid();
  TG_CHECK(check_directory(fd.get(), path, owner));
  return PrivateDirectory(std::move(fd), path, owner);
}

Result<PrivateDirectory> PrivateDirectory::create_below(const std::string& name) const {
  if (!is_file_name(name)) return fail(bad_name(name));
  const std::string path = path_ + "/" + name;
  auto fd = open_directory(fd_.get(), name.c_str(), path);
  if (!fd && fd.error().code == Code::not_found) {
    TG_CHECK(make_directory(fd_.get(), name.c_str(), path));
    fd = open_directory(fd_.get(), name.c_str(), path);
  }
  if (!fd) return fail(std::move(fd).error());
  TG_CHECK(check_directory(fd->get(), path, owner_));
  return PrivateDirectory(std::move(*fd), path, owner_);
}

Result<void> PrivateDirectory::write(std::string_view name, std::string_view content,
                                     const WriteOptions& options) const {
  if (!is_file_name(name)) return fail(bad_name(name));
  const std::string file(name);
  return write_by_rename(fd_.get(), file, path_ + "/" + file, content, options);
}

Result<std::string> PrivateDirectory::read(std::string_view name, std::size_t max_bytes) const {
  if (!is_file_name(name)) return fail(bad_name(name));
  const std::string file(name);
  return read_checked(fd_.get(), file.c_str(), path_ + "/" + file, max_bytes, owner_);
}

Result<void> PrivateDirectory::remove(std::string_view name) const {
  if (!is_file_name(name)) return fail(bad_name(name));
  const std::string file(name);
  if (unlinkat(fd_.get(), file.c_str(), 0) == 0 || errno == ENOENT) return {};
  return fail(system_error("removing", path_ + "/" + file, errno));
}

Result<std::string> read_private_file(const std::string& path, std::size_t max_bytes) {
  return read_checked(AT_FDCWD, path.c_str(), path, max_bytes, geteuid());
}

Result<void> write_file_atomically(const std::string& path, std::string_view content, const WriteOptions& options) {
  const auto [directory, name] = split_path(path);
  if (!is_file_name(name)) return fail(bad_name(name));
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(system_error("opening", directory, errno));
  return write_by_rename(fd.get(), name, path, content, options);
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  return read_checked(AT_FDCWD, path.c_str(), path, max_bytes, std::nullopt);
}

}  // namespace tollgate::os
