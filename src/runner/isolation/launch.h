// Forks the process that becomes bubblewrap (or, unsandboxed, the program), prepares it in steps that its parent
// watches, and executes. Internal to this folder.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "runner/isolation/sandbox.h"

namespace tollgate::isolation {

// Covered by a file system in memory of the child's own mount namespace where something is staged.
inline constexpr const char* kStagingDirectory = "/tmp";
inline constexpr std::size_t kMaxStaged = 64;

struct LaunchPlan {
  std::string program;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value
  std::string directory;                 // entered first; empty: stays
  std::vector<int> keep;                 // descriptors that survive, under their numbers
  int output = -1;
  int error = -1;
  std::optional<uid_t> user;
  std::optional<gid_t> group;
  std::vector<std::string> staged;  // bound to kStagingDirectory/0, /1, ... before it becomes the user
  bool own_network = false;
  int user_namespace = -1;  // own_network: that of an earlier program instead of a new one, with the next
  int network_namespace = -1;
  bool refuse_link_local = false;
  bool refuse_private = false;
  std::vector<std::uint16_t> ports;  // listened on inside
  Limits limits;
  bool limit_memory_by_process = false;  // no control group does it
  bool limit_processes_by_user = false;
};

struct Launched {
  pid_t pid = -1;
  std::vector<UniqueFd> listeners;
};

// `before_setup` runs while the child waits at its very beginning (control groups), `before_execute` when its network
// namespace is there. Either may refuse; the child is then killed and reaped.
Result<Launched> launch(const LaunchPlan& plan, const std::function<Result<void>(pid_t)>& before_setup,
                        const std::function<Result<void>(pid_t)>& before_execute);

}  // namespace tollgate::isolation
