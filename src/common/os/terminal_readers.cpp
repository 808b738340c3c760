#include "common/os/terminal_readers.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/unique_fd.h"

namespace tollgate::os {
namespace {

std::string read_small(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return "";
  std::string text(512, '\0');
  const ssize_t length = ::read(fd.get(), text.data(), text.size());
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return text;
}

// Calls `visit` with each all-digits name in the directory until it returns true.
bool any_number_in(const std::string& path, const std::function<bool(std::string_view)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(path.c_str()), ::closedir);
  if (!entries) return false;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name.find_first_not_of("0123456789") == std::string_view::npos && visit(name)) return true;
  }
  return false;
}

// The third field after the command's name in parentheses is the process group (proc(5), /proc/PID/stat).
long process_group(const std::string& pid) {
  const std::string stat = read_small("/proc/" + pid + "/stat");
  const auto end = stat.rfind(')');
  if (end == std::string::npos) return -1;
  const char* at = stat.c_str() + end + 1;
  while (*at == ' ')
    ++at;
  if (*at == '\0') return -1;
  ++at;  // the state letter
  char* rest = nullptr;
  std::strtol(at, &rest, 10);  // the parent
  return std::strtol(rest, nullptr, 10);
}

bool is_terminal(const std::string& pid, const std::string& descriptor) {
  struct stat status {};
  if (::stat(fmt::format("/proc/{}/fd/{}", pid, descriptor).c_str(), &status) != 0) return true;
  return S_ISCHR(status.st_mode);
}

// "0 0x5 ..." is read(2) from descriptor 5 (proc(5), /proc/PID/syscall). poll and select are not looked at: a program
// that polls the terminal together with other things is not waiting for an answer.
bool thread_reads_terminal(const std::string& pid, std::string_view thread) {
  const std::string call = read_small(fmt::format("/proc/{}/task/{}/syscall", pid, thread));
  if (call.empty()) return true;
  const std::string prefix = fmt::format("{} 0x", SYS_read);
  if (!call.starts_with(prefix)) return false;
  const long descriptor = std::strtol(call.c_str() + prefix.size(), nullptr, 16);
  return is_terminal(pid, fmt::format("{}", descriptor));
}

}  // namespace

bool terminal_is_being_read() {
  const long group = ::getpgrp();
  const std::string self = fmt::format("{}", ::getpid());
  return any_number_in("/proc", [&](std::string_view name) {
    const std::string pid(name);
    if (pid == self || process_group(pid) != group) return false;
    return any_number_in("/proc/" + pid + "/task",
                         [&](std::string_view thread) { return thread_reads_terminal(pid, thread); });
  });
}

}  // namespace tollgate::os
