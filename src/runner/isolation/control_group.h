// A control group for one run, with its memory and process limits: version 2 where a parent group is delegated to us,
// else version 1 as root, else none. Removed with the object, once it is empty. Internal to this folder; not
// synchronised, but counts may be read while the run goes on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tollgate::isolation {

class ControlGroup {
 public:
  // `name` is one path component, unique on this machine. Never fails: what cannot be had is missing from kind().
  static ControlGroup create(const std::string& name, std::uint64_t memory_bytes, std::uint64_t processes);
  ControlGroup() = default;
  ControlGroup(ControlGroup&& other) noexcept;
  ControlGroup& operator=(ControlGroup&& other) noexcept;
  ~ControlGroup();

  const char* kind() const;  // "cgroup v2", "cgroup v1", "" for none
  bool limits_memory() const { return !memory_.empty(); }
  bool limits_processes() const { return !pids_.empty(); }
  bool add(pid_t pid) const;
  bool memory_was_hit() const;
  bool processes_were_hit() const;
  // SIGKILL to all members, until there are none.
  void kill_members() const;
  std::vector<pid_t> members() const;

 private:
  void remove() noexcept;
  bool version_2_ = false;
  std::string memory_;  // directories; the same one in version 2
  std::string pids_;
};

}  // namespace tollgate::isolation
