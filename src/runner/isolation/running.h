// A started sandbox: its processes, and the thread that watches limits, carries loopback connections and knows when all
// is over. Internal to this folder.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/os/child_process.h"
#include "runner/isolation/control_group.h"
#include "runner/isolation/loopback_relay.h"
#include "runner/isolation/sandbox.h"

namespace tollgate::isolation {

struct SandboxedProgram::State {
  ~State();
  void begin_watch();

  pid_t launcher = -1;       // our child: bubblewrap, or the program itself if unsandboxed
  UniqueFd launcher_handle;  // pidfds
  UniqueFd init_handle;      // pid 1 inside: when it is gone, all are. -1 if unsandboxed
  UniqueFd program_handle;   // -1 if it ended before it was seen
  UniqueFd status_pipe;      // bubblewrap writes to it at its end too, and would die of SIGPIPE
  ControlGroup group;
  std::optional<os::ChildProcess> slirp;
  LoopbackRelay relay;
  std::vector<std::string> trees;  // counted against the disk limits
  Limits limits;
  IsolationReport report;

  UniqueFd done;        // eventfd
  UniqueFd kill_asked;  // eventfd
  std::atomic<bool> interrupted{false};
  std::mutex mutex;
  Exit exit;
  std::thread watcher;

  void signal_program(int number) const;

 private:
  void watch();
  void kill_all() const;
  bool look_at_disk();
  void finish();
};

}  // namespace tollgate::isolation
