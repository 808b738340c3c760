// Programs as plain children. Everything they start stays below this process (it is their subreaper), so that nothing
// is left behind at the end; but for that they may do what their user may.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "common/base/unique_fd.h"
#include "common/os/atomic_file.h"
#include "common/os/child_process.h"
#include "runner/process_host.h"

namespace tollgate::runner {
namespace {

constexpr std::size_t kMaxListing = std::size_t{1} << 20;
constexpr std::size_t kMaxFound = 100000;

void collect_below(pid_t pid, std::vector<pid_t>& found) {
  const auto children = os::read_file(fmt::format("/proc/{}/task/{}/children", pid, pid), kMaxListing);
  if (!children) return;
  for (const char* at = children->c_str();;) {
    char* end = nullptr;
    const long child = std::strtol(at, &end, 10);
    if (end == at || found.size() >= kMaxFound) return;
    at = end;
    found.push_back(static_cast<pid_t>(child));
    collect_below(static_cast<pid_t>(child), found);
  }
}

class UnsandboxedHost final : public ProcessHost {
 public:
  UnsandboxedHost(const Bundle& bundle, std::string work, std::string memory)
      : work_(std::move(work)), memory_(std::move(memory)) {
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (geteuid() == 0 && bundle.uid) {
      const std::int64_t group = bundle.gid.value_or(*bundle.uid);
      as_user_ = {"/usr/bin/setpriv",
                  fmt::format("--reuid={}", *bundle.uid),
                  fmt::format("--regid={}", group),
                  "--clear-groups",
                  "--no-new-privs",
                  "--inh-caps=-all",
                  "--"};
    }
  }

  ~UnsandboxedHost() override {
    kill_all();
    while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR)
      kill_all();
  }

  Result<HostedStreams> start(const HostedCommand& hosted) override {
    os::Command command;
    command.argv = as_user_;
    command.argv.insert(command.argv.end(), hosted.arguments.begin(), hosted.arguments.end());
    command.environment = hosted.environment;
    command.working_directory = work_ + "/" + hosted.directory;
    command.input = os::Stdio::null();
    command.output = os::Stdio::pipe();
    command.error = os::Stdio::pipe();
    command.own_process_group = true;
    TG_TRY(os::ChildProcess child, os::spawn(command));
    pid_ = child.pid();
    child.forget();  // reaped below, among whatever else was left to us
    status_.reset();
    ended_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    if (!ended_) throw std::system_error(errno, std::generic_category(), "pidfd_open");
    HostedStreams streams{std::move(child.output), std::move(child.error), {}};
    for (const UniqueFd* end : {&streams.output, &streams.error})
      fcntl(end->get(), F_SETFL, O_NONBLOCK);
    return streams;
  }

  int ended_fd() const override { return ended_.get(); }

  void interrupt() override { signal_program(SIGINT); }
  void terminate() override { signal_program(SIGTERM); }

  void kill_all() override {
    std::vector<pid_t> below;
    collect_below(getpid(), below);
    for (const pid_t pid : below)
      ::kill(pid, SIGKILL);
  }

  std::optional<int> finished() override {
    for (;;) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) return status_;  // nobody is left
      if (pid == 0) break;
      if (pid == pid_) status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    if (status_) kill_all();
    return std::nullopt;
  }

  std::string limit_hit() const override { return {}; }
  std::string inside_memory() const override { return memory_; }
  std::string inside_home() const override { return work_ + "/home"; }
  std::string inside_temporary() const override { return work_ + "/tmp"; }
  std::vector<std::string> isolation() const override {
    return as_user_.empty() ? std::vector<std::string>{"none"} : std::vector<std::string>{"uid"};
  }
  std::vector<std::string> warnings() const override {
    return {
        "Warning: this phase runs without a sandbox. Its configuration, modules and providers can read and do whatever "
        "the user of the runner can."};
  }

 private:
  void signal_program(int number) const {
    if (pid_ > 0 && !status_) ::kill(pid_, number);
  }

  std::string work_;
  std::string memory_;
  std::vector<std::string> as_user_;
  pid_t pid_ = -1;
  UniqueFd ended_;
  std::optional<int> status_;
};

}  // namespace

std::unique_ptr<ProcessHost> unsandboxed_host(const Bundle& bundle, const std::string& work,
                                              const std::string& memory) {
  return std::make_unique<UnsandboxedHost>(bundle, work, memory);
}

}  // namespace tollgate::runner
