// capture(): one child, its input fed and its output collected, within limits.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "common/os/atomic_file.h"
#include "common/os/child_process.h"

namespace tollgate::os {
namespace {

using std::chrono::steady_clock;

// Collects what may be secret: every buffer it outgrows is wiped.
class Collector {
 public:
  ~Collector() { wipe(text_); }
  std::size_t size() const { return text_.size(); }
  std::string& text() { return text_; }
  void append(std::string_view more) {
    if (text_.size() + more.size() > text_.capacity()) {
      std::string larger;
      larger.reserve(std::max<std::size_t>(4096, 2 * (text_.size() + more.size())));
      larger = text_;
      wipe(text_);
      text_ = std::move(larger);
    }
    text_.append(more);
  }

 private:
  std::string text_;
};

// Writing to a child that has closed its input must be an error and no signal to us.
class BlockedPipeSignal {
 public:
  BlockedPipeSignal() {
    sigset_t pending;
    sigemptyset(&set_);
    sigaddset(&set_, SIGPIPE);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~BlockedPipeSignal() {
    if (!was_pending_) {
      const timespec now{0, 0};
      while (sigtimedwait(&set_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  BlockedPipeSignal(const BlockedPipeSignal&) = delete;
  BlockedPipeSignal& operator=(const BlockedPipeSignal&) = delete;

 private:
  sigset_t set_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// Processes below `pid`, by /proc, deepest last. Best effort: what detached itself is not found.
void collect_descendants(pid_t pid, std::vector<pid_t>& found) {
  const auto children = read_file(fmt::format("/proc/{}/task/{}/children", pid, pid), 65536);
  if (!children) return;
  for (const char* at = children->c_str(); *at != '\0';) {
    char* end = nullptr;
    const long child = std::strtol(at, &end, 10);
    if (end == at) break;
    at = end;
    while (*at == ' ')
      ++at;
    if (child > 0 && found.size() < 1000) {
      found.push_back(static_cast<pid_t>(child));
      collect_descendants(static_cast<pid_t>(child), found);
    }
  }
}

void kill_all(const ChildProcess& child, bool own_group) {
  std::vector<pid_t> processes;
  collect_descendants(child.pid(), processes);
  if (own_group) ::kill(-child.pid(), SIGKILL);
  child.kill(SIGKILL);
  for (const pid_t pid : processes)
    ::kill(pid, SIGKILL);
}

class Capture {
 public:
  Capture(ChildProcess child, const CaptureOptions& options)
      : child_(std::move(child)), options_(options), deadline_(steady_clock::now() + options.time_limit) {
    for (UniqueFd* fd : {&child_.input, &child_.output, &child_.error}) {
      if (*fd) fcntl(fd->get(), F_SETFL, fcntl(fd->get(), F_GETFL) | O_NONBLOCK);
    }
    ended_.reset(static_cast<int>(syscall(SYS_pidfd_open, child_.pid(), 0)));
  }

  Result<Captured> run() {
    const BlockedPipeSignal guard;
    if (options_.input.empty()) child_.input.reset();
    while (!status_) {
      if (!wait_for_something()) {
        return give_up(
            Error(Code::unavailable, fmt::format("it did not end within {}", format_duration(options_.time_limit)))
                .because("timed_out"));
      }
      feed();
      collect_all();
      if (output_.size() > options_.output_limit) return too_much();
      status_ = child_.try_wait();
    }
    collect_all();  // what it wrote last
    if (output_.size() > options_.output_limit) return too_much();
    Captured captured;
    captured.wait_status = *status_;
    captured.output = Secret(output_.text());
    captured.error_output = error_output_;
    return captured;
  }

 private:
  Result<Captured> too_much() {
    return give_up(Error(Code::invalid, fmt::format("it wrote more than {} bytes", options_.output_limit))
                       .because("too_much_output"));
  }

  Result<Captured> give_up(Error error) {
    if (!status_) {
      kill_all(child_, !options_.may_use_terminal);
      child_.wait();
    }
    return fail(std::move(error));
  }

  // False when the time is over.
  bool wait_for_something() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd fds[4] = {{child_.input.get(), POLLOUT, 0},
                     {child_.output.get(), POLLIN, 0},
                     {child_.error.get(), POLLIN, 0},
                     {ended_.get(), POLLIN, 0}};  // negative descriptors are passed over
    // Without a pidfd (before Linux 5.3) the end of a child whose pipes stay open is noticed by looking.
    const auto longest = ended_ ? std::min<long long>(left, 3600000) : std::min<long long>(left, 20);
    if (poll(fds, 4, static_cast<int>(longest)) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    return true;
  }

  void feed() {
    if (!child_.input) return;
    const std::string_view rest = std::string_view(options_.input).substr(fed_);
    const ssize_t written = write(child_.input.get(), rest.data(), rest.size());
    if (written > 0) fed_ += static_cast<std::size_t>(written);
    const bool broken = written < 0 && errno != EAGAIN && errno != EINTR;
    if (broken || fed_ == options_.input.size()) child_.input.reset();
  }

  void collect_all() {
    char buffer[16384];
    collect(child_.output, buffer, sizeof buffer, [&](std::string_view text) {
      output_.append(text);
      return output_.size() <= options_.output_limit;
    });
    explicit_bzero(buffer, sizeof buffer);
    collect(child_.error, buffer, sizeof buffer, [&](std::string_view text) {
      error_output_.append(text.substr(0, options_.output_limit - error_output_.size()));
      return true;
    });
  }

  template <class Take>
  void collect(UniqueFd& fd, char* buffer, std::size_t size, const Take& take) {
    // Bounded, so that a child that writes without end cannot keep us from the clock.
    for (int round = 0; fd && round < 64; ++round) {
      const ssize_t got = read(fd.get(), buffer, size);
      if (got > 0) {
        if (!take(std::string_view(buffer, static_cast<std::size_t>(got)))) return;
      } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        fd.reset();
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

  ChildProcess child_;
  const CaptureOptions& options_;
  steady_clock::time_point deadline_;
  UniqueFd ended_;
  std::size_t fed_ = 0;
  Collector output_;
  std::string error_output_;
  std::optional<int> status_;
};

}  // namespace

bool Captured::succeeded() const {
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
}

Result<Captured> capture(Command command, const CaptureOptions& options) {
  command.input = Stdio::pipe();
  command.output = Stdio::pipe();
  command.own_process_group = !options.may_use_terminal;
  TG_TRY(ChildProcess child, spawn(command));
  return Capture(std::move(child), options).run();
}

}  // namespace tollgate::os
