#include "common/os/program_search.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>

namespace tollgate::os {
namespace {

// What execvp(3) takes where PATH is not set.
constexpr std::string_view kDefaultPath = "/bin:/usr/bin";

Error not_found(std::string_view name) {
  return Error(Code::not_found, fmt::format("there is no program {} on PATH", name)).because("program_not_found");
}

Error not_executable(std::string_view path, std::string_view why) {
  return Error(Code::forbidden, fmt::format("{} cannot be executed: {}", path, why)).because("program_not_executable");
}

bool may_execute(int fd, const std::string& path) {
  // The descriptor, so that the file checked is the file opened; kernels before 5.8 only know paths.
  const long answer = syscall(SYS_faccessat2, fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH);
  if (answer == 0) return true;
  if (errno != ENOSYS && errno != EPERM) return false;
  return faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

bool starts_like_a_script(const std::string& path, const FileIdentity& identity) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || info.st_dev != identity.device || info.st_ino != identity.inode) {
    return false;  // a program that may be executed and not read is no script
  }
  char magic[2] = {};
  return read(file.get(), magic, 2) == 2 && magic[0] == '#' && magic[1] == '!';
}

Result<Program> open_program(const std::string& path) {
  Program program;
  program.path = path;
  program.file.reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info {};
  if (!program.file || fstat(program.file.get(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return fail(not_found(path));
    return fail(not_executable(path, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) return fail(not_executable(path, "it is not a regular file"));
  if (!may_execute(program.file.get(), path)) return fail(not_executable(path, "permission denied"));
  program.identity = {info.st_dev, info.st_ino};
  program.is_script = starts_like_a_script(path, program.identity);
  return program;
}

bool anyone_may_write(const std::string& directory) {
  struct stat info {};
  // A sticky directory does not help: what matters is who may put a new program there.
  return stat(directory.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0;
}

}  // namespace

Result<FileIdentity> file_identity(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return fail(Code::not_found, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  return FileIdentity{info.st_dev, info.st_ino};
}

Result<Program> find_program(std::string_view name, std::string_view path_variable,
                             const std::vector<FileIdentity>& skip) {
  if (name.empty()) return fail(not_found("\"\""));
  if (name.find('/') != std::string_view::npos) return open_program(std::string(name));
  if (path_variable.empty()) path_variable = kDefaultPath;
  std::optional<Error> refusal;
  for (std::size_t at = 0; at <= path_variable.size();) {
    const std::size_t end = std::min(path_variable.find(':', at), path_variable.size());
    const std::string directory(path_variable.substr(at, end - at));
    at = end + 1;
    if (directory.empty() || directory.front() != '/') continue;
    auto program = open_program(directory + "/" + std::string(name));
    if (!program) {
      if (program.error().code != Code::not_found && !refusal) refusal = std::move(program).error();
      continue;
    }
    if (std::find(skip.begin(), skip.end(), program->identity) != skip.end()) continue;
    if (anyone_may_write(directory)) {
      if (!refusal) refusal = not_executable(program->path, "everyone may write to its directory");
      continue;
    }
    return program;
  }
  return fail(refusal ? std::move(*refusal) : not_found(name));
}

Result<std::string> own_program() {
  std::string path(PATH_MAX, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return fail(Code::io, "cannot find the path of this program: /proc/self/exe is not readable");
  path.resize(static_cast<std::size_t>(size));
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

Result<std::string> program_beside(std::string_view name) {
  TG_TRY(const std::string program, own_program());
  return program.substr(0, program.rfind('/') + 1).append(name);
}

int program_error_status(const Error& error) {
  if (error.reason == "program_not_found") return 127;
  if (error.reason == "program_not_executable") return 126;
  return exit_status(error.code);
}

}  // namespace tollgate::os
