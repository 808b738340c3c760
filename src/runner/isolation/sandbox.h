// Runs one program (terraform) that executes code nobody has read, in a sandbox: bubblewrap with user, pid, ipc, uts
// and network namespaces of its own, a read-only system, a seccomp filter, Landlock, and limits. It contains files,
// processes, the kernel's surface and the network; it does not judge what the program does with the credentials it was
// given. A program whose sandbox cannot be built is not started.
//
// Threads: a SandboxedProgram may be used from any thread, wait() from one. The program is killed when the *thread*
// that called start() ends (PR_SET_PDEATHSIG), so call it on one that lives as long as the program.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "runner/isolation/kept_network.h"

namespace tollgate::isolation {

// Where the work directory appears inside; the program starts there.
inline constexpr const char* kWorkDirectory = "/run/work";
// HOME inside: empty, writable, in memory.
inline constexpr const char* kHomeDirectory = "/home/run";

struct Bind {
  std::string host;    // absolute; must exist
  std::string inside;  // absolute; empty: the same path
};

enum class Network {
  none,      // a network namespace with loopback alone
  internet,  // slirp4netns: public addresses and DNS; not the host's loopback, metadata, link-local or private ranges
  shared,    // the host's own network: a downgrade, which the report names
};

// 0 = no such limit. Memory and processes count for all of the sandbox where control groups can be had, else for each
// process (memory: RLIMIT_DATA) or each user (processes: RLIMIT_NPROC, which does not bind root).
struct Limits {
  // SIGKILL to all at once: a caller that wants terraform to save its state interrupts it earlier.
  std::uint64_t wall_seconds = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t processes = 0;
  std::uint64_t file_bytes = 0;                  // one file (RLIMIT_FSIZE)
  std::uint64_t disk_bytes = 0;                  // all writable binds and the work directory; looked at every 500 ms
  std::uint64_t disk_files = 0;                  // the same, in entries
  std::uint64_t open_files = 0;                  // each process
  std::uint64_t temporary_bytes = 256ULL << 20;  // /tmp and HOME, in memory, each
};

struct Variable {
  std::string name;
  Secret value;
};

struct SandboxSpec {
  std::vector<std::string> argv;      // argv[0] is an absolute path inside
  std::vector<Variable> environment;  // the whole of it, but for PWD
  std::string work_directory;         // host path, read and write at kWorkDirectory
  std::string start_directory;        // relative to kWorkDirectory; empty: itself
  std::vector<Bind> writable;
  std::vector<Bind> readable;  // /usr and the certificates are there anyway; later ones lie over earlier ones

  Network network = Network::none;
  bool deny_private = true;  // internet: refuse RFC 1918 and 100.64.0.0/10 too, not only link-local
  // Ports of the host's loopback that are let in: the same port of 127.0.0.1 inside leads there.
  std::vector<std::uint16_t> loopback_ports;
  // Ports of 127.0.0.1 inside on which the *caller* serves: their listening sockets are SandboxedProgram::listeners, in
  // this order. Nobody outside the sandbox can reach them. Neither kind exists with Network::shared.
  std::vector<std::uint16_t> served_ports;
  // Filled by the first start() and used by the later ones; null: a network for this program alone. Programs that share
  // one must not run at the same time, and differ neither in their network mode nor in their user.
  std::shared_ptr<KeptNetwork> kept_network;

  Limits limits;
  // As root: who the program is. The work directory and what they are to write must be theirs already; the directories
  // above need not let them through, because root takes all binds to a place of its own first.
  std::optional<uid_t> user;
  std::optional<gid_t> group;

  std::string bwrap = "/usr/bin/bwrap";
  // tollgate-confine, which adds Landlock where the kernel has it; empty: the report calls that a downgrade.
  std::string confine;
  std::string slirp4netns = "/usr/bin/slirp4netns";
  // Runs the program as a plain child: no namespaces, no filter, only the limits of control groups and rlimits. Paths
  // then are the host's: the program starts in work_directory/start_directory, and binds and ports are refused. Only by
  // an explicit order of the machine's owner, and the report says so. Processes that it leaves behind are found only
  // through a control group; without one the report says that they can outlive it.
  bool unsandboxed = false;
};

// What was in force, for the log and the result of the phase.
struct IsolationReport {
  std::vector<std::string> applied;     // "namespaces", "seccomp", "network: none", "limits: cgroup v1", ...; "none"
  std::vector<std::string> downgrades;  // a sentence each: what is weaker than it could be, and why
};

enum class LimitHit { wall_time, memory, processes, disk };
const char* limit_name(LimitHit limit);  // "wall_time", ...

struct Exit {
  int status = 0;  // as a shell has it: the exit code, or 128 + signal
  std::vector<LimitHit> limits;
};

class SandboxedProgram {
 public:
  struct State;  // not for use outside this folder
  explicit SandboxedProgram(std::unique_ptr<State> state);
  SandboxedProgram(SandboxedProgram&&) noexcept;
  SandboxedProgram& operator=(SandboxedProgram&&) noexcept;
  // Kills everything that is left, and waits for it.
  ~SandboxedProgram();

  // Read ends. A process that outlives the program does not keep them open past wait(); do not wait for EOF before it.
  UniqueFd output;
  UniqueFd error;
  std::vector<UniqueFd> listeners;  // for served_ports

  // Exactly one SIGINT to the program itself, the first time; later calls do nothing (a second one makes terraform stop
  // without saving its state). Nothing to its children: terraform tells them.
  void interrupt();
  // SIGTERM to the program itself.
  void terminate();
  // SIGKILL to everything in the sandbox. Nothing of it survives.
  void kill();

  // Readable once the program has ended and nothing of the sandbox runs any more: for a caller's poll().
  int done_fd() const;
  // Blocks until then. The log of a phase ends on this and not on EOF of its pipes. May be called again.
  Exit wait();
  const IsolationReport& report() const;

 private:
  std::unique_ptr<State> state_;
};

// Code::unavailable, reason sandbox_unavailable: what is missing and what to do; nothing was started. Code::usage for a
// spec that contradicts itself. 10 to 20 ms.
Result<SandboxedProgram> start(const SandboxSpec& spec);

// Whether start() could work here, by running /usr/bin/true in a sandbox of this network mode. For start-up checks.
Result<IsolationReport> check_sandbox(const SandboxSpec& spec);

}  // namespace tollgate::isolation
