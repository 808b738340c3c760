// Starts, captures and supervises child processes. A child gets exactly the arguments, environment and descriptors
// named here and nothing else of ours. No shell is involved. Starting is vfork-like: its cost does not grow with this
// process. Thread-safe but for run_supervised and replace_process, which belong to the main thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/os/environment.h"
#include "common/os/process_hardening.h"

namespace tollgate::os {

// Where one of the standard descriptors of a child goes.
class Stdio {
 public:
  enum class Kind { inherit, null, pipe, given };
  static Stdio inherit() { return Stdio(Kind::inherit, -1); }
  static Stdio null() { return Stdio(Kind::null, -1); }
  static Stdio pipe() { return Stdio(Kind::pipe, -1); }
  static Stdio given(int fd) { return Stdio(Kind::given, fd); }  // stays open here
  Kind kind() const { return kind_; }
  int fd() const { return fd_; }

 private:
  Stdio(Kind kind, int fd) : kind_(kind), fd_(fd) {}
  Kind kind_;
  int fd_;
};

struct Command {
  // argv[0] is searched on the PATH of `environment` (program_search.h) unless it has a slash.
  std::vector<std::string> argv;
  Environment environment;  // the whole of it: an empty one is an empty one
  Stdio input = Stdio::inherit();
  Stdio output = Stdio::inherit();
  Stdio error = Stdio::inherit();
  std::vector<std::pair<int, int>> descriptors;  // {number in the child (3 and up), our descriptor}
  // Leaves open what we inherited ourselves (bash's <(...), make's job server); our own are close-on-exec anyway.
  bool pass_inherited_descriptors = false;
  std::string working_directory;     // empty: ours
  int program_fd = -1;               // executes this file (Program::file) instead of searching; argv[0] is only a name
  bool own_process_group = false;    // the child leads a group of its own
  int death_signal = 0;              // sent to the child when the starting *thread* ends (PR_SET_PDEATHSIG); 0 = none
  std::optional<Inherited> restore;  // what harden_process() returned, for a child that is the user's own program
};

class ChildProcess {
 public:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  // A child that was not waited for is killed with SIGKILL and reaped.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  UniqueFd input;  // our ends of the pipes that were asked for
  UniqueFd output;
  UniqueFd error;

  // The status as waitpid(2) gives it; throws std::system_error if there is no such child.
  int wait();
  std::optional<int> try_wait();
  void kill(int signal) const;
  // Somebody else has waited for it.
  void forget() { pid_ = -1; }

 private:
  void kill_and_reap() noexcept;
  pid_t pid_ = -1;  // -1 once waited for
};

// Errors: those of find_program; Code::io where the directory cannot be entered or the kernel refuses.
Result<ChildProcess> spawn(const Command& command);

struct CaptureOptions {
  // Stays in our process group, so that it may read from the terminal (a passphrase, say). Else it leads its own.
  bool may_use_terminal = false;
  std::string input;                   // written to the child's stdin, which is a pipe then closed
  Duration time_limit{60000};          // then it and what it started is killed: Code::unavailable, reason timed_out
  std::size_t output_limit = 1 << 20;  // more is killed too: Code::invalid, reason too_much_output
};

struct Captured {
  int wait_status = 0;
  Secret output;             // stdout: may hold credentials
  std::string error_output;  // stderr where Command::error is a pipe, cut at output_limit

  bool succeeded() const;  // exit code 0
};

// stdout and stdin are pipes whatever `command` says. Ends when the child ends, also if what it left behind keeps a
// pipe.
Result<Captured> capture(Command command, const CaptureOptions& options = {});

struct SuperviseOptions {
  Duration poll_every{0};         // 0 = never
  std::function<void()> on_poll;  // runs on the calling thread between signals, for example an ahead-of-expiry prompt
};

// Runs the user's program in our own process group as a shell user expects: signals of the terminal (INT, QUIT, TSTP)
// reach it from the kernel and are not repeated; INT, QUIT, TERM, HUP, USR1, USR2 that a process sent to us are passed
// on; when it stops we stop with the same signal, and SIGCONT continues both. The wait status of its end.
// (Terraform takes a second interrupt as "stop at once", which loses state: hence nothing may arrive twice.)
Result<int> run_supervised(const Command& command, const SuperviseOptions& options = {});

// Ends this process as the child ended: the same exit code, or death by the same signal without a core dump.
[[noreturn]] void end_like(int wait_status);

// execve: returns only in failure, with the errors of find_program. Uses argv, environment, working_directory,
// program_fd and restore; the rest of `command` must be as it is by default. All our descriptors are close-on-exec.
Error replace_process(const Command& command);

// "exit code 3", "signal 15 (Terminated)".
std::string describe_wait_status(int wait_status);

}  // namespace tollgate::os
