#include "runner/contained_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace tollgate::runner {
namespace {

Error refused(const std::string& path, int number) {
  switch (number) {
    case ENOENT:
      return Error(Code::not_found, fmt::format("there is no {}", path));
    case EXDEV:
    case ELOOP:
      return Error(Code::forbidden, fmt::format("{} leads elsewhere", path)).because("escapes");
    case ENXIO:
    case ENOTDIR:
      return Error(Code::forbidden, fmt::format("{} is not what it should be", path)).because("not_a_file");
    default:
      return Error(Code::io, fmt::format("opening {}: {}", path, std::strerror(number)));
  }
}

UniqueFd open_beneath(int directory, const std::string& path, int flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = resolve;
  long fd = -1;
  // EAGAIN: something was renamed meanwhile.
  for (int tries = 0; tries < 100; ++tries) {
    fd = syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return UniqueFd(static_cast<int>(fd));
}

Result<std::string> link_of(int fd) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
  if (size < 0) return fail(Code::io, fmt::format("resolving a path: {}", std::strerror(errno)));
  target.resize(static_cast<std::size_t>(size));
  return target;
}

}  // namespace

Result<std::string> read_contained(int directory, const std::string& path, std::size_t max_bytes) {
  if (path.find('\0') != std::string::npos) return fail(refused("the path", EXDEV));
  const UniqueFd fd = open_beneath(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  if (!fd) return fail(refused(path, errno));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return fail(refused(path, errno));
  if (!S_ISREG(info.st_mode)) return fail(refused(path, ENXIO));
  if (info.st_nlink != 1) return fail(refused(path, EXDEV));
  std::string content;
  content.reserve(static_cast<std::size_t>(info.st_size) < max_bytes ? static_cast<std::size_t>(info.st_size) + 1 : 0);
  char buffer[65536];
  for (;;) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Code::io, fmt::format("reading {}: {}", path, std::strerror(errno)));
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > max_bytes) {
      return fail(
          Error(Code::invalid, fmt::format("{} is larger than {} bytes", path, max_bytes)).because("too_large"));
    }
    content.append(buffer, static_cast<std::size_t>(got));
  }
}

Result<UniqueFd> open_contained_directory(int directory, const std::string& path) {
  UniqueFd fd = open_beneath(directory, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY,
                             RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  if (!fd) return fail(refused(path, errno));
  return fd;
}

Result<std::string> contained_path(int directory, int below) {
  TG_TRY(const std::string top, link_of(directory));
  TG_TRY(const std::string inner, link_of(below));
  if (inner == top) return std::string();
  if (inner.size() <= top.size() + 1 || inner.compare(0, top.size(), top) != 0 || inner[top.size()] != '/') {
    return fail(Error(Code::forbidden, fmt::format("{} is not below {}", inner, top)).because("escapes"));
  }
  return inner.substr(top.size() + 1);
}

}  // namespace tollgate::runner
