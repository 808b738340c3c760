#include "runner/isolation/running.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "runner/isolation/tree_usage.h"

namespace tollgate::isolation {
namespace {

constexpr int kTick = 500;  // ms between looks at the disk

void send_signal(const UniqueFd& handle, int number) {
  if (handle) syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0);
}

void raise_event(const UniqueFd& event) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored =
      write(event.get(), &one, sizeof one);  // fails only when it is raised already
}

}  // namespace

void SandboxedProgram::State::signal_program(int number) const {
  send_signal(program_handle, number);
}

void SandboxedProgram::State::kill_all() const {
  // pid 1 takes its whole namespace with it.
  send_signal(init_handle, SIGKILL);
  send_signal(launcher_handle, SIGKILL);
  if (!init_handle) ::kill(-launcher, SIGKILL);
}

bool SandboxedProgram::State::look_at_disk() {
  TreeUsage total;
  for (const std::string& tree : trees) {
    const TreeUsage usage = tree_usage(tree, limits.disk_bytes, limits.disk_files);
    total.bytes += usage.bytes;
    total.entries += usage.entries;
    total.too_deep = total.too_deep || usage.too_deep;
  }
  return total.too_deep || (limits.disk_bytes && total.bytes > limits.disk_bytes) ||
         (limits.disk_files && total.entries > limits.disk_files);
}

void SandboxedProgram::State::watch() {
  using Steady = std::chrono::steady_clock;
  const auto start = Steady::now();
  const bool disk = limits.disk_bytes || limits.disk_files;
  auto next_look = start + std::chrono::milliseconds(kTick);
  bool killed = false;
  const auto stop = [&](std::optional<LimitHit> limit) {
    if (!killed && limit) {
      const std::lock_guard lock(mutex);
      exit.limits.push_back(*limit);
    }
    killed = true;
    kill_all();
  };
  std::vector<pollfd> polled;
  bool launcher_over = false;
  bool init_over = !init_handle;
  while (!launcher_over || !init_over) {
    int timeout = -1;
    const auto now = Steady::now();
    if (limits.wall_seconds && !killed) {
      const auto left = start + std::chrono::seconds(limits.wall_seconds) - now;
      if (left <= Steady::duration::zero())
        stop(LimitHit::wall_time);
      else
        timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
    }
    if (disk && !killed) {
      if (now >= next_look) {
        if (look_at_disk()) stop(LimitHit::disk);
        next_look = Steady::now() + std::chrono::milliseconds(kTick);
      }
      timeout = timeout < 0 ? kTick : std::min(timeout, kTick);
    }
    polled.assign({{launcher_over ? -1 : launcher_handle.get(), POLLIN, 0},
                   {init_over ? -1 : init_handle.get(), POLLIN, 0},
                   {killed ? -1 : kill_asked.get(), POLLIN, 0}});
    relay.collect(polled);
    if (poll(polled.data(), polled.size(), timeout) < 0) continue;
    launcher_over = launcher_over || polled[0].revents;
    init_over = init_over || polled[1].revents;
    if (polled[2].revents) stop(std::nullopt);
    // bubblewrap has ended, so its pid 1 must too, whatever the death signal does.
    if (launcher_over && !init_over) send_signal(init_handle, SIGKILL);
    relay.handle(polled, 3);
  }
  finish();
}

void SandboxedProgram::State::finish() {
  int status = 0;
  while (waitpid(launcher, &status, 0) < 0 && errno == EINTR) {
  }
  if (!init_handle) {
    ::kill(-launcher, SIGKILL);
    group.kill_members();
  }
  if (slirp) {
    slirp->kill(SIGKILL);
    slirp->wait();
  }
  const bool over_disk = (limits.disk_bytes || limits.disk_files) && look_at_disk();
  {
    const std::lock_guard lock(mutex);
    exit.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    const auto add = [&](LimitHit limit) {
      if (std::find(exit.limits.begin(), exit.limits.end(), limit) == exit.limits.end()) exit.limits.push_back(limit);
    };
    if (group.memory_was_hit()) add(LimitHit::memory);
    if (group.processes_were_hit()) add(LimitHit::processes);
    if (over_disk) add(LimitHit::disk);
  }
  raise_event(done);
}

void SandboxedProgram::State::begin_watch() {
  // Signals are for the threads of the runner that wait for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  watcher = std::thread([this] { watch(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SandboxedProgram::State::~State() {
  if (watcher.joinable()) {
    raise_event(kill_asked);
    watcher.join();
  } else if (launcher > 0) {
    kill_all();
    waitpid(launcher, nullptr, 0);
  }
}

SandboxedProgram::SandboxedProgram(std::unique_ptr<State> state) : state_(std::move(state)) {}
SandboxedProgram::SandboxedProgram(SandboxedProgram&&) noexcept = default;
SandboxedProgram& SandboxedProgram::operator=(SandboxedProgram&&) noexcept = default;
SandboxedProgram::~SandboxedProgram() = default;

void SandboxedProgram::interrupt() {
  if (!state_->interrupted.exchange(true)) state_->signal_program(SIGINT);
}

void SandboxedProgram::terminate() {
  state_->signal_program(SIGTERM);
}

void SandboxedProgram::kill() {
  raise_event(state_->kill_asked);
}

int SandboxedProgram::done_fd() const {
  return state_->done.get();
}

Exit SandboxedProgram::wait() {
  pollfd polled{state_->done.get(), POLLIN, 0};
  while (poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
  const std::lock_guard lock(state_->mutex);
  return state_->exit;
}

const IsolationReport& SandboxedProgram::report() const {
  return state_->report;
}

const char* limit_name(LimitHit limit) {
  switch (limit) {
    case LimitHit::wall_time:
      return "wall_time";
    case LimitHit::memory:
      return "memory";
    case LimitHit::processes:
      return "processes";
    case LimitHit::disk:
      return "disk";
  }
  return "";
}

}  // namespace tollgate::isolation
