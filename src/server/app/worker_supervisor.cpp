#include "server/app/worker_supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <optional>
#include <system_error>

#include "common/os/child_process.h"

namespace tollgate::app {
namespace {

std::system_error last_error(const char* what) {
  return std::system_error(errno, std::generic_category(), what);
}

// SIGTERM, SIGINT, SIGHUP and SIGCHLD as a descriptor; the mask of before comes back at the end.
class SignalDescriptor {
 public:
  SignalDescriptor() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
      sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_) throw last_error("signalfd");
  }
  ~SignalDescriptor() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalDescriptor(const SignalDescriptor&) = delete;
  SignalDescriptor& operator=(const SignalDescriptor&) = delete;

  int fd() const { return fd_.get(); }
  // 0: none waits.
  int next() const {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

class Supervisor {
 public:
  Supervisor(const SupervisorOptions& options, Log& log, const Clock& clock)
      : options_(options), log_(log), clock_(clock) {}

  Result<int> run() {
    TG_CHECK(start());
    for (;;) {
      wait_for_event();
      for (int number = 0; (number = signals_.next()) != 0;)
        note(number);
      note_readiness();
      if (stop_by_ && clock_.now() >= *stop_by_ && worker_) {
        log_.warning("worker.killed", "the worker did not end in time and was killed");
        worker_->kill(SIGKILL);
        stop_by_.reset();
      }
      if (!worker_) continue;
      const std::optional<int> status = worker_->try_wait();
      if (!status) continue;
      worker_.reset();
      stop_by_.reset();
      if (stopping_) return 0;
      if (replacing_) {
        replacing_ = false;
      } else {
        TG_CHECK(note_death(*status));
      }
      TG_CHECK(start());
    }
  }

 private:
  Result<void> start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw last_error("pipe2");
    ready_.reset(ends[0]);
    const UniqueFd write_end(ends[1]);
    os::Command command;
    command.argv = options_.worker_argv;
    command.environment = options_.environment;
    command.input = os::Stdio::null();
    command.descriptors = {{kWorkerListenFd, options_.listen_fd}, {kWorkerReadyFd, write_end.get()}};
    // A terminal's Ctrl-C reaches the supervisor alone, which then ends the worker in order.
    command.own_process_group = true;
    // Nobody could end or replace one that is left alone with the socket.
    command.death_signal = SIGTERM;
    TG_TRY(worker_, os::spawn(command));
    log_.info("worker.started", "a worker was started", {{"pid", fmt::format("{}", worker_->pid())}});
    return {};
  }

  void wait_for_event() const {
    pollfd watched[2] = {{signals_.fd(), POLLIN, 0}, {ready_.get(), POLLIN, 0}};
    int timeout = -1;
    if (stop_by_) {
      const auto left = std::max(Duration(0), *stop_by_ - clock_.now());
      timeout = static_cast<int>(std::min<std::int64_t>(left.count() + 1, 1000));
    }
    (void)::poll(watched, ready_ ? 2 : 1, timeout);
  }

  void note(int number) {
    if (number == SIGCHLD || !worker_) return;
    if (number == SIGHUP) {
      if (replacing_ || stopping_) return;
      replacing_ = true;
      log_.info("worker.replaced", "the worker is replaced");
    } else {
      stopping_ = true;
    }
    if (!stop_by_) {
      stop_by_ = clock_.now() + options_.stop_grace;
      worker_->kill(SIGTERM);
    }
  }

  void note_readiness() {
    if (!ready_) return;
    pollfd watched{ready_.get(), POLLIN, 0};
    if (::poll(&watched, 1, 0) <= 0) return;
    char byte = 0;
    if (::read(ready_.get(), &byte, 1) == 1) {
      served_ = true;
      log_.info("worker.ready", "the worker serves");
    }
    ready_.reset();
  }

  Result<void> note_death(int status) {
    const std::string how = os::describe_wait_status(status);
    log_.error("worker.died", "the worker ended by itself", {{"how", how}});
    const TimePoint now = clock_.now();
    deaths_.push_back(now);
    while (now - deaths_.front() > options_.within)
      deaths_.pop_front();
    // A server that never came up has a fault that its own message has just explained.
    if (served_ && static_cast<int>(deaths_.size()) < options_.most_deaths) return {};
    return fail(Error(Code::unavailable,
                      served_ ? fmt::format("the worker died {} times in a row, last by {}", deaths_.size(), how)
                              : fmt::format("the server did not start ({})", how))
                    .because("worker_dies")
                    .do_next("read the messages above"));
  }

  const SupervisorOptions& options_;
  Log& log_;
  const Clock& clock_;
  SignalDescriptor signals_;
  std::optional<os::ChildProcess> worker_;
  UniqueFd ready_;
  bool served_ = false;
  bool replacing_ = false;
  bool stopping_ = false;
  std::optional<TimePoint> stop_by_;
  std::deque<TimePoint> deaths_;
};

}  // namespace

Result<int> supervise_workers(const SupervisorOptions& options, Log& log, const Clock& clock) {
  return Supervisor(options, log, clock).run();
}

}  // namespace tollgate::app
