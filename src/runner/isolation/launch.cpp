#include "runner/isolation/launch.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runner/isolation/descriptors.h"
#include "runner/isolation/network_setup.h"

namespace tollgate::isolation {
namespace {

constexpr unsigned kCloseRangeCloexec = 4;  // CLOSE_RANGE_CLOEXEC of linux/close_range.h (Linux 5.11)

enum Step : int {
  kReady,
  kStaging,
  kUser,
  kNamespace,
  kJoin,
  kMaps,
  kLoopback,
  kRoutes,
  kListener,
  kLimits,
  kDescriptors,
  kDirectory,
  kExecute
};

struct Meaning {
  const char* what;
  const char* next;
};
constexpr Meaning kMeanings[] = {
    {"preparing it", ""},
    {"taking the directories of the run to where its user reaches them",
     "give the runner the right to mount (CAP_SYS_ADMIN), or start it as an ordinary user"},
    {"becoming the run's user", "start the runner as root, or without a user of its own for runs"},
    {"creating a user and network namespace",
     "allow user namespaces (sysctl user.max_user_namespaces, "
     "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"},
    {"joining the network of the phase's programs before it", "start the run again"},
    {"mapping the user into its namespace", "allow user namespaces, and do not run in a container that masks /proc"},
    {"raising the loopback of its network", ""},
    {"refusing private and link-local destinations", "load the kernel's IPv4 routing, or choose the network mode none"},
    {"listening inside its network", "name each port once"},
    {"setting its limits", "lower the limits below the hard limits of the runner's own process"},
    {"arranging its descriptors", ""},
    {"entering its directory", "check that the run's user may enter the work directory"},
    {"executing it", "install bubblewrap"}};

// Everything prepared before the fork, because the child may not allocate.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> envp;
  char uid_map[64];
  char gid_map[64];
  int null = -1;
  int channel = -1;
};

[[noreturn]] void stop(int channel, Step step, int number) {
  int status[2] = {step, number};
  send_descriptors(channel, status, nullptr, 0);
  _exit(127);
}

int write_self(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const std::size_t size = std::strlen(text);
  const int result = write(fd, text, size) == static_cast<ssize_t>(size) ? 0 : errno;
  close(fd);
  return result;
}

int limit(__rlimit_resource resource, std::uint64_t value) {
  const rlimit both{value, value};
  return setrlimit(resource, &both) == 0 ? 0 : errno;
}

// "/tmp/" and a number: fmt and printf may allocate.
void numbered(char* text, const char* start, std::size_t number) {
  char digits[24];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (*start)
    *text++ = *start++;
  *text++ = '/';
  while (count > 0)
    *text++ = digits[--count];
  *text = '\0';
}

// Opened before the staging directory is covered, for they may lie below it.
void stage(const LaunchPlan& plan, int channel) {
  if (plan.staged.empty()) return;
  std::array<int, kMaxStaged> sources{};
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    stop(channel, kStaging, errno);
  }
  for (std::size_t at = 0; at < plan.staged.size(); ++at) {
    sources[at] = open(plan.staged[at].c_str(), O_PATH | O_CLOEXEC);
    if (sources[at] < 0) stop(channel, kStaging, errno);
  }
  if (mount("tmpfs", kStagingDirectory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711,size=1m") != 0) {
    stop(channel, kStaging, errno);
  }
  for (std::size_t at = 0; at < plan.staged.size(); ++at) {
    char source[64];
    char place[64];
    numbered(source, "/proc/self/fd", static_cast<std::size_t>(sources[at]));
    numbered(place, kStagingDirectory, at);
    struct stat status {};
    bool good = fstat(sources[at], &status) == 0;
    if (S_ISDIR(status.st_mode)) {
      good = good && mkdir(place, 0700) == 0;
    } else {
      const int file = open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      good = good && file >= 0;
      if (file >= 0) close(file);
    }
    if (!good || mount(source, place, nullptr, MS_BIND | MS_REC, nullptr) != 0) stop(channel, kStaging, errno);
    close(sources[at]);
  }
}

void become_user(const LaunchPlan& plan, int channel) {
  if (plan.user || plan.group) {
    const gid_t group = plan.group.value_or(getegid());
    const uid_t user = plan.user.value_or(geteuid());
    if ((geteuid() == 0 && setgroups(0, nullptr) != 0) || setresgid(group, group, group) != 0 ||
        setresuid(user, user, user) != 0) {
      stop(channel, kUser, errno);
    }
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void enter_network(const LaunchPlan& plan, const Prepared& prepared) {
  const int channel = prepared.channel;
  std::array<int, kMaxListeners> listeners{};
  if (plan.own_network && plan.network_namespace >= 0) {
    if (setns(plan.user_namespace, CLONE_NEWUSER) != 0 || setns(plan.network_namespace, CLONE_NEWNET) != 0) {
      stop(channel, kJoin, errno);
    }
  } else if (plan.own_network) {
    // The runner is not dumpable, and /proc/self of such a process is root's.
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) stop(channel, kNamespace, errno);
    int result = write_self("/proc/self/setgroups", "deny");
    if (result == 0) result = write_self("/proc/self/uid_map", prepared.uid_map);
    if (result == 0) result = write_self("/proc/self/gid_map", prepared.gid_map);
    if (result != 0) stop(channel, kMaps, result);
    if ((result = raise_loopback()) != 0) stop(channel, kLoopback, result);
    if (plan.refuse_link_local && (result = refuse_destinations(plan.refuse_private)) != 0) {
      stop(channel, kRoutes, result);
    }
  }
  for (std::size_t i = 0; plan.own_network && i < plan.ports.size(); ++i) {
    listeners[i] = listen_on_loopback(plan.ports[i]);
    if (listeners[i] < 0) stop(channel, kListener, -listeners[i]);
  }
  int status[2] = {kReady, 0};
  if (send_descriptors(channel, status, listeners.data(), plan.own_network ? plan.ports.size() : 0) != 0) _exit(127);
}

void set_limits(const LaunchPlan& plan, int channel) {
  const Limits& limits = plan.limits;
  int result = limit(RLIMIT_CORE, 0);
  if (result == 0 && limits.file_bytes) result = limit(RLIMIT_FSIZE, limits.file_bytes);
  if (result == 0 && limits.open_files) result = limit(RLIMIT_NOFILE, limits.open_files);
  if (result == 0 && plan.limit_memory_by_process) result = limit(RLIMIT_DATA, limits.memory_bytes);
  if (result == 0 && plan.limit_processes_by_user) result = limit(RLIMIT_NPROC, limits.processes);
  if (result != 0) stop(channel, kLimits, result);
}

void arrange_descriptors(const LaunchPlan& plan, const Prepared& prepared) {
  if (dup2(prepared.null, 0) < 0 || dup2(plan.output, 1) < 0 || dup2(plan.error, 2) < 0) {
    stop(prepared.channel, kDescriptors, errno);
  }
  if (syscall(SYS_close_range, 3U, ~0U, kCloseRangeCloexec) != 0) {
    for (int fd = 3; fd < 4096; ++fd)
      fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  for (const int fd : plan.keep) {
    if (fcntl(fd, F_SETFD, 0) != 0) stop(prepared.channel, kDescriptors, errno);
  }
}

void wait_for_parent(int channel) {
  char byte = 0;
  ssize_t count = 0;
  while ((count = read(channel, &byte, 1)) < 0 && errno == EINTR) {
  }
  if (count != 1) _exit(127);  // the parent is gone or has refused
}

[[noreturn]] void run_child(const LaunchPlan& plan, const Prepared& prepared, pid_t parent, int parents_end) {
  // Held open here, a parent that was killed would never be seen to be gone, and its locks stay taken.
  close(parents_end);
  for (int number = 1; number < NSIG; ++number)
    signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  wait_for_parent(prepared.channel);
  // Its own group: a Ctrl-C at the runner's terminal reaches the program only as interrupt().
  setpgid(0, 0);
  stage(plan, prepared.channel);
  become_user(plan, prepared.channel);
  // After the change of user, which clears it.
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != parent) _exit(127);
  // A key of the session keyring would be readable inside, whatever the namespaces. ENOSYS and EPERM: there are none.
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  enter_network(plan, prepared);
  wait_for_parent(prepared.channel);
  if (!plan.directory.empty() && chdir(plan.directory.c_str()) != 0) stop(prepared.channel, kDirectory, errno);
  set_limits(plan, prepared.channel);
  arrange_descriptors(plan, prepared);
  umask(077);
  execve(plan.program.c_str(), prepared.argv.data(), prepared.envp.data());
  stop(prepared.channel, kExecute, errno);
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words)
    pointers.push_back(const_cast<char*>(word.c_str()));  // NOLINT: execve does not write to them
  pointers.push_back(nullptr);
  return pointers;
}

// One report of the child; false at its end (it executed, or died).
bool receive(int channel, int status[2], std::vector<UniqueFd>& descriptors) {
  iovec bytes{status, 2 * sizeof(int)};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxListeners * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = 0;
  while ((count = recvmsg(channel, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (count != static_cast<ssize_t>(2 * sizeof(int))) return false;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t found = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < found; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return true;
}

Error step_error(int step, int number) {
  const bool known = step > 0 && step <= kExecute;
  const Meaning& meaning = kMeanings[known ? step : 0];
  return unavailable(fmt::format("the sandbox cannot be built: {}: {}", meaning.what, std::strerror(number)),
                     meaning.next);
}

}  // namespace

Result<Launched> launch(const LaunchPlan& plan, const std::function<Result<void>(pid_t)>& before_setup,
                        const std::function<Result<void>(pid_t)>& before_execute) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail(step_error(0, errno));
  const UniqueFd ours = out_of_the_way(UniqueFd(ends[0]));
  UniqueFd theirs = out_of_the_way(UniqueFd(ends[1]));
  const UniqueFd null = out_of_the_way(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  if (!ours || !theirs || !null) return fail(step_error(0, errno));
  Prepared prepared{pointers_to(plan.argv), pointers_to(plan.environment), {}, {}, null.get(), theirs.get()};
  const auto user = static_cast<unsigned>(plan.user.value_or(geteuid()));
  const auto group = static_cast<unsigned>(plan.group.value_or(getegid()));
  std::snprintf(prepared.uid_map, sizeof prepared.uid_map, "%u %u 1", user, user);
  std::snprintf(prepared.gid_map, sizeof prepared.gid_map, "%u %u 1", group, group);

  const pid_t parent = getpid();
  Launched result;
  result.pid = fork();
  if (result.pid < 0) return fail(step_error(0, errno));
  if (result.pid == 0) run_child(plan, prepared, parent, ours.get());
  theirs.reset();
  const auto refuse = [&](Error error) -> Result<Launched> {
    ::kill(result.pid, SIGKILL);
    waitpid(result.pid, nullptr, 0);
    return fail(std::move(error));
  };
  const auto go_on = [&] { return send(ours.get(), "g", 1, MSG_NOSIGNAL) == 1; };
  int status[2] = {0, 0};
  if (Result<void> good = before_setup(result.pid); !good) return refuse(good.error());
  if (!go_on() || !receive(ours.get(), status, result.listeners)) return refuse(step_error(0, ECHILD));
  if (status[0] != kReady) return refuse(step_error(status[0], status[1]));
  if (Result<void> good = before_execute(result.pid); !good) return refuse(good.error());
  if (!go_on()) return refuse(step_error(0, ECHILD));
  std::vector<UniqueFd> none;
  if (receive(ours.get(), status, none)) return refuse(step_error(status[0], status[1]));
  return result;
}

}  // namespace tollgate::isolation
