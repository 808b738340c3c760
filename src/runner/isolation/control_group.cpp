#include "runner/isolation/control_group.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <utility>

#include "common/base/time.h"
#include "common/os/atomic_file.h"
#include "runner/isolation/descriptors.h"

namespace tollgate::isolation {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

bool holds(std::string_view list, char separator, std::string_view word) {
  for (std::string_view part : split(list, separator)) {
    while (!part.empty() && (part.back() == '\n' || part.back() == ' '))
      part.remove_suffix(1);
    if (part == word) return true;
  }
  return false;
}

// Where a hierarchy is mounted. An empty controller is version 2.
std::string mount_point(std::string_view mounts, std::string_view controller) {
  for (const std::string_view line : split(mounts, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 4) continue;
    if (controller.empty() ? words[2] == "cgroup2" : words[2] == "cgroup" && holds(words[3], ',', controller)) {
      return std::string(words[1]);
    }
  }
  return {};
}

// Our own place in it, from /proc/self/cgroup: "4:memory:/path", version 2 "0::/path".
std::string own_path(std::string_view groups, std::string_view controller) {
  for (const std::string_view line : split(groups, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view names = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? names.empty() : holds(names, ',', controller)) {
      const std::string path(line.substr(second + 1));
      return path == "/" ? "" : path;
    }
  }
  return {};
}

std::uint64_t counter(const std::string& path, std::string_view word) {
  const std::string text = kernel_file(path);
  for (const std::string_view line : split(text, '\n')) {
    if (line.substr(0, word.size()) != word || line.size() <= word.size() || line[word.size()] != ' ') continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + word.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

std::string read_proc(const char* path) {
  // Mount tables may be long; they have no size, so this reads until the end.
  std::string text;
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  char buffer[16384];
  for (ssize_t count; fd && (count = read(fd.get(), buffer, sizeof buffer)) > 0 && text.size() < (1U << 20);)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

std::string make_version_1(std::string_view mounts, std::string_view groups, std::string_view controller,
                           const std::string& name) {
  const std::string mount = mount_point(mounts, controller);
  if (mount.empty()) return {};
  // Below our own group, so that limits which bind us bind the run too; where that is not visible, at the top.
  for (const std::string& parent : {mount + own_path(groups, controller), mount}) {
    const std::string path = parent + "/" + name;
    if (mkdir(path.c_str(), 0755) == 0) return path;
  }
  return {};
}

}  // namespace

ControlGroup ControlGroup::create(const std::string& name, std::uint64_t memory_bytes, std::uint64_t processes) {
  ControlGroup group;
  if (memory_bytes == 0 && processes == 0) return group;
  const std::string mounts = read_proc("/proc/self/mounts");
  const std::string groups = read_proc("/proc/self/cgroup");
  const std::string unified = mount_point(mounts, "");
  if (!unified.empty()) {
    const std::string parent = unified + own_path(groups, "");
    const std::string controllers = kernel_file(parent + "/cgroup.subtree_control");
    const std::string path = parent + "/" + name;
    if (holds(controllers, ' ', "memory") && holds(controllers, ' ', "pids") && mkdir(path.c_str(), 0755) == 0) {
      group.version_2_ = true;
      group.memory_ = path;
      group.pids_ = path;
      bool good = true;
      if (memory_bytes) {
        good = write_kernel_file(path + "/memory.max", std::to_string(memory_bytes));
        write_kernel_file(path + "/memory.swap.max", "0");
        write_kernel_file(path + "/memory.oom.group", "1");
      }
      if (processes) good = write_kernel_file(path + "/pids.max", std::to_string(processes)) && good;
      if (good) return group;
      group.remove();
      group = ControlGroup();
    }
  }
  if (memory_bytes) group.memory_ = make_version_1(mounts, groups, "memory", name);
  if (processes) group.pids_ = make_version_1(mounts, groups, "pids", name);
  if (!group.memory_.empty()) {
    if (!write_kernel_file(group.memory_ + "/memory.limit_in_bytes", std::to_string(memory_bytes))) {
      rmdir(group.memory_.c_str());
      group.memory_.clear();
    } else {
      // Only where swap is accounted.
      write_kernel_file(group.memory_ + "/memory.memsw.limit_in_bytes", std::to_string(memory_bytes));
    }
  }
  if (!group.pids_.empty() && !write_kernel_file(group.pids_ + "/pids.max", std::to_string(processes))) {
    rmdir(group.pids_.c_str());
    group.pids_.clear();
  }
  return group;
}

ControlGroup::ControlGroup(ControlGroup&& other) noexcept
    : version_2_(other.version_2_), memory_(std::exchange(other.memory_, {})), pids_(std::exchange(other.pids_, {})) {}

ControlGroup& ControlGroup::operator=(ControlGroup&& other) noexcept {
  if (this != &other) {
    remove();
    version_2_ = other.version_2_;
    memory_ = std::exchange(other.memory_, {});
    pids_ = std::exchange(other.pids_, {});
  }
  return *this;
}

ControlGroup::~ControlGroup() {
  remove();
}

void ControlGroup::remove() noexcept {
  // A group stays busy for a moment after its last process is gone.
  const SystemClock clock;
  for (const std::string* path : {&memory_, &pids_}) {
    for (int i = 0; !path->empty() && i < 50 && rmdir(path->c_str()) != 0 && errno == EBUSY; ++i)
      clock.sleep_for(Duration{2});
  }
}

const char* ControlGroup::kind() const {
  if (memory_.empty() && pids_.empty()) return "";
  return version_2_ ? "cgroup v2" : "cgroup v1";
}

bool ControlGroup::add(pid_t pid) const {
  for (const std::string* path : {&memory_, &pids_}) {
    if (!path->empty() && !write_kernel_file(*path + "/cgroup.procs", std::to_string(pid))) return false;
  }
  return true;
}

bool ControlGroup::memory_was_hit() const {
  if (memory_.empty()) return false;
  return counter(memory_ + (version_2_ ? "/memory.events" : "/memory.oom_control"), "oom_kill") > 0;
}

bool ControlGroup::processes_were_hit() const {
  return !pids_.empty() && counter(pids_ + "/pids.events", "max") > 0;
}

std::vector<pid_t> ControlGroup::members() const {
  std::vector<pid_t> pids;
  const std::string& path = pids_.empty() ? memory_ : pids_;
  if (path.empty()) return pids;
  const std::string text = read_proc((path + "/cgroup.procs").c_str());
  for (const std::string_view line : split(text, '\n')) {
    pid_t pid = 0;
    std::from_chars(line.data(), line.data() + line.size(), pid);
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

void ControlGroup::kill_members() const {
  const SystemClock clock;
  for (int round = 0; round < 500; ++round) {
    const std::vector<pid_t> pids = members();
    if (pids.empty()) return;
    for (const pid_t pid : pids)
      ::kill(pid, SIGKILL);
    clock.sleep_for(Duration{2});
  }
}

}  // namespace tollgate::isolation
