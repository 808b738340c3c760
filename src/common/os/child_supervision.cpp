// run_supervised() and end_like(): standing between a shell and the user's program without being noticed.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "common/os/child_process.h"

namespace tollgate::os {
namespace {

using std::chrono::steady_clock;

constexpr int kWatched[] = {SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT};

// Blocks what is waited for and restores everything at the end. Blocked signals are kept, also those that would be
// ignored (sigtimedwait(2)).
class WatchedSignals {
 public:
  WatchedSignals() {
    sigemptyset(&set_);
    for (const int number : kWatched)
      sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, &mask_before_);
    // An ignored SIGCHLD would have the kernel throw the status away.
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &usual, &child_before_);
  }
  ~WatchedSignals() {
    sigaction(SIGCHLD, &child_before_, nullptr);
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  WatchedSignals(const WatchedSignals&) = delete;
  WatchedSignals& operator=(const WatchedSignals&) = delete;

  const sigset_t& set() const { return set_; }

 private:
  sigset_t set_{};
  sigset_t mask_before_{};
  struct sigaction child_before_ {};
};

bool in_terminal_foreground() {
  const UniqueFd terminal(open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  return terminal && tcgetpgrp(terminal.get()) == getpgrp();
}

// Stops this process as `number` would, and returns when it is continued. False if it was better not to stop.
bool stop_with(int number) {
  if (number == SIGSTOP) {
    // Somebody stopped the child alone. If a shell waits for us in front of a person, it must get its terminal back;
    // otherwise nobody might ever continue us.
    if (!in_terminal_foreground()) return false;
    raise(SIGSTOP);
    return true;
  }
  struct sigaction usual {};
  struct sigaction before {};
  usual.sa_handler = SIG_DFL;
  sigaction(number, &usual, &before);
  sigset_t only;
  sigset_t mask;
  sigemptyset(&only);
  sigaddset(&only, number);
  raise(number);
  pthread_sigmask(SIG_UNBLOCK, &only, &mask);  // here we stop
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  sigaction(number, &before, nullptr);
  return true;
}

class Supervisor {
 public:
  Supervisor(ChildProcess child, const SuperviseOptions& options, const WatchedSignals& signals)
      : child_(std::move(child)), options_(options), signals_(signals) {}

  int run() {
    auto next_poll = steady_clock::now() + options_.poll_every;
    for (;;) {
      siginfo_t info{};
      if (!next_signal(next_poll, info)) {
        options_.on_poll();
        next_poll = steady_clock::now() + options_.poll_every;
      } else if (info.si_signo == SIGCHLD) {
        if (const auto ended = look_at_child()) return *ended;
      } else {
        pass_on(info);
      }
    }
  }

 private:
  // False when it is time to poll.
  bool next_signal(steady_clock::time_point next_poll, siginfo_t& info) const {
    for (;;) {
      int number = -1;
      if (options_.poll_every > Duration(0) && options_.on_poll) {
        const auto left = std::max(next_poll - steady_clock::now(), steady_clock::duration(0));
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec limit{seconds.count(), (left - seconds) / std::chrono::nanoseconds(1)};
        number = sigtimedwait(&signals_.set(), &info, &limit);
      } else {
        number = sigwaitinfo(&signals_.set(), &info);
      }
      if (number > 0) return true;
      if (errno == EAGAIN) return false;
      if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "sigtimedwait");
    }
  }

  std::optional<int> look_at_child() {
    for (;;) {
      int status = 0;
      const pid_t answer = waitpid(child_.pid(), &status, WNOHANG | WUNTRACED);
      if (answer < 0 && errno == EINTR) continue;
      if (answer < 0) throw std::system_error(errno, std::generic_category(), "waitpid");
      if (answer == 0) return std::nullopt;
      if (!WIFSTOPPED(status)) {
        child_.forget();
        return status;
      }
      // The shell continues the whole group, but somebody may have continued us alone.
      if (stop_with(WSTOPSIG(status))) child_.kill(SIGCONT);
    }
  }

  void pass_on(const siginfo_t& info) const {
    // si_code > 0: the kernel sent it, for the terminal, to the whole foreground group, the child included.
    if (info.si_signo == SIGCONT || info.si_code <= 0) child_.kill(info.si_signo);
  }

  ChildProcess child_;
  const SuperviseOptions& options_;
  const WatchedSignals& signals_;
};

}  // namespace

Result<int> run_supervised(const Command& command, const SuperviseOptions& options) {
  const WatchedSignals signals;
  TG_TRY(ChildProcess child, spawn(command));
  return Supervisor(std::move(child), options, signals).run();
}

void end_like(int wait_status) {
  std::fflush(stdout);
  std::fflush(stderr);
  if (WIFEXITED(wait_status)) std::exit(WEXITSTATUS(wait_status));
  const int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : SIGKILL;
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
  }
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  sigaction(number, &usual, nullptr);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  raise(number);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  std::exit(128 + number);  // as a shell says it, should the signal not have ended us
}

}  // namespace tollgate::os
