#include "common/os/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

namespace tollgate::os {
namespace {

using std::chrono::steady_clock;

constexpr int kTaken[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT};
// Not taken but held back: a background process that reads, or changes settings, is then told by an error and is not
// stopped for ever with a lock in its hands.
constexpr int kHeldBack[] = {SIGTTIN, SIGTTOU};
constexpr int kBackgroundPauseMs = 100;

bool in_foreground(int fd) {
  const pid_t foreground = tcgetpgrp(fd);
  // A terminal that is not our controlling one has no say in this.
  return foreground < 0 || foreground == getpgrp();
}

void write_to(int fd, std::string_view text) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(1);
  while (!text.empty() && steady_clock::now() < deadline) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // output is held with Ctrl-S
      pollfd waiting{fd, POLLOUT, 0};
      poll(&waiting, 1, 100);
    } else if (errno != EINTR) {
      return;
    }
  }
}

// While it lives: signals come as data, and the terminal's settings are ours; afterwards all is as before.
class Conversation {
 public:
  enum class Event { input, interrupted, ended_by_signal, time_over, closed, redraw };

  Conversation(int fd, bool echo, Duration time_limit)
      : fd_(fd), echo_(echo), deadline_(steady_clock::now() + time_limit) {
    sigset_t blocked;
    sigset_t taken;
    sigemptyset(&blocked);
    sigemptyset(&taken);
    for (const int number : kTaken) {
      sigaddset(&blocked, number);
      sigaddset(&taken, number);
    }
    for (const int number : kHeldBack)
      sigaddset(&blocked, number);
    pthread_sigmask(SIG_BLOCK, &blocked, &mask_before_);
    signals_.reset(signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) {
      const int number = errno;
      pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
      throw std::system_error(number, std::generic_category(), "signalfd");
    }
  }

  ~Conversation() {
    give_back();
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Waits until this process may use the terminal, then takes it over. Event::input when it has it.
  Event enter(std::string_view hint) {
    bool told = false;
    while (!in_foreground(fd_)) {
      if (!told) write_to(fd_, hint);
      told = true;
      const Event event = wait(kBackgroundPauseMs, false);
      if (event == Event::time_over && steady_clock::now() >= deadline_) return event;
      if (event != Event::time_over && event != Event::redraw) return event;
    }
    take_over();
    return Event::input;
  }

  // The next thing that happens, at most `limit_ms` from now.
  Event wait(int limit_ms, bool with_input = true) {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - steady_clock::now()).count();
      if (left <= 0) return Event::time_over;
      pollfd fds[2] = {{signals_.get(), POLLIN, 0}, {with_input ? fd_ : -1, POLLIN, 0}};
      const int ready = poll(fds, 2, static_cast<int>(std::min<long long>(left, limit_ms)));
      if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
      if (ready == 0) return Event::time_over;
      if (ready < 0) continue;
      if (fds[0].revents != 0) {
        if (const auto event = take_signal()) return *event;
        continue;
      }
      if ((fds[1].revents & POLLIN) != 0) return Event::input;
      if (fds[1].revents != 0) return Event::closed;
    }
  }

  void give_back() {
    if (!taken_over_) return;
    taken_over_ = false;
    // Whoever is in the foreground by now has settings of its own.
    if (in_foreground(fd_)) tcsetattr(fd_, TCSANOW, &settings_before_);
  }

  // The signal that ended it takes its usual effect now, on a terminal as it was.
  void let_signal_through() {
    give_back();
    raise(ending_signal_);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, ending_signal_);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  }

  bool over() const { return steady_clock::now() >= deadline_; }

 private:
  void take_over() {
    if (taken_over_ || tcgetattr(fd_, &settings_before_) != 0) return;
    termios settings = settings_before_;
    // Whatever ran before us may have left the terminal raw: a person could then not end the line.
    settings.c_lflag |= ICANON | ISIG | ECHOE | ECHOK;
    settings.c_iflag |= ICRNL;
    settings.c_oflag |= OPOST | ONLCR;
    if (echo_) {
      settings.c_lflag |= ECHO;
    } else {
      settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      settings.c_lflag |= ECHONL;
    }
    // Not TCSAFLUSH: it waits for output that Ctrl-S may hold.
    tcsetattr(fd_, TCSANOW, &settings);
    taken_over_ = true;
  }

  std::optional<Event> take_signal() {
    signalfd_siginfo info{};
    if (read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
    switch (static_cast<int>(info.ssi_signo)) {
      case SIGINT:
        return Event::interrupted;
      case SIGTSTP:
        stop();
        return Event::redraw;
      case SIGCONT:
        // The shell has put its own settings in place.
        give_back();
        return Event::redraw;
      default:
        ending_signal_ = static_cast<int>(info.ssi_signo);
        return Event::ended_by_signal;
    }
  }

  void stop() {
    give_back();
    struct sigaction usual {};
    struct sigaction before {};
    usual.sa_handler = SIG_DFL;
    sigaction(SIGTSTP, &usual, &before);
    sigset_t only;
    sigset_t mask;
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &only, &mask);  // here this process stops
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    sigaction(SIGTSTP, &before, nullptr);
  }

  int fd_;
  bool echo_;
  steady_clock::time_point deadline_;
  UniqueFd signals_;
  sigset_t mask_before_{};
  termios settings_before_{};
  bool taken_over_ = false;
  int ending_signal_ = SIGTERM;
};

Error cancelled() {
  return Error(Code::cancelled, "cancelled at the terminal").because("cancelled");
}

Error background() {
  return Error(Code::needs_person, "this command runs in the background and cannot ask")
      .because("in_background")
      .do_next("bring it to the foreground with `fg`");
}

Error closed() {
  return Error(Code::needs_person, "the terminal was closed").because("terminal_closed");
}

Error not_answered(Duration limit) {
  return Error(Code::needs_person, fmt::format("nobody answered within {}", format_duration(limit)))
      .because("timed_out");
}

std::string_view background_hint() {
  return "tollgate: waiting to ask; bring this command to the foreground (fg)\n";
}

// What an event other than input means for a question; nullopt: ask on.
std::optional<Error> error_for(Conversation& conversation, Conversation::Event event, int fd, Duration limit) {
  switch (event) {
    case Conversation::Event::interrupted:
      conversation.give_back();
      write_to(fd, "\n");
      return cancelled();
    case Conversation::Event::ended_by_signal:
      write_to(fd, "\n");
      conversation.let_signal_through();
      return cancelled();
    case Conversation::Event::closed:
      return closed();
    case Conversation::Event::time_over:
      if (!conversation.over()) return std::nullopt;
      if (!in_foreground(fd)) return background();
      conversation.give_back();
      write_to(fd, "\n");
      return not_answered(limit);
    case Conversation::Event::input:
    case Conversation::Event::redraw:
      break;
  }
  return std::nullopt;
}

}  // namespace

Result<Terminal> Terminal::open(const std::string& path) {
  // Not blocking: this opening alone, so that neither Ctrl-S nor a vanished line can hold us.
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!fd || isatty(fd.get()) != 1) {
    return fail(Error(Code::needs_person, "there is no terminal to ask at").because("no_terminal"));
  }
  return Terminal(std::move(fd), path);
}

Result<Secret> Terminal::ask(const Question& question) {
  const std::string text = printable(question.text, true);
  const std::string label = printable(question.label);
  Conversation conversation(fd_.get(), question.echo, question.time_limit);
  std::string line;
  line.reserve(question.max_bytes + 1);
  char buffer[4096];
  bool shown = false;
  for (bool fresh = true;;) {
    if (fresh) {
      const auto event = conversation.enter(background_hint());
      if (event != Conversation::Event::input) {
        if (auto error = error_for(conversation, event, fd_.get(), question.time_limit)) return fail(std::move(*error));
        continue;
      }
      // What was typed before the question cannot be its answer.
      if (!shown) tcflush(fd_.get(), TCIFLUSH);
      write_to(fd_.get(), shown ? "\r" + label : text + label);
      shown = true;
      fresh = false;
    }
    const auto event = conversation.wait(3600000);
    if (event == Conversation::Event::redraw) {
      wipe(line);
      fresh = true;
      continue;
    }
    if (event != Conversation::Event::input) {
      if (auto error = error_for(conversation, event, fd_.get(), question.time_limit)) return fail(std::move(*error));
      continue;
    }
    const ssize_t got = read(fd_.get(), buffer, sizeof buffer);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      if (errno == EIO && !in_foreground(fd_.get())) {
        fresh = true;
        continue;
      }
      return fail(closed());
    }
    if (got == 0 && line.empty()) {
      conversation.give_back();
      write_to(fd_.get(), "\n");
      return fail(cancelled());
    }
    line.append(buffer, static_cast<std::size_t>(got));
    explicit_bzero(buffer, sizeof buffer);
    const std::size_t end = line.find('\n');
    if (end != std::string::npos) {
      Secret answer(std::string_view(line).substr(0, end));
      wipe(line);
      if (answer.size() > question.max_bytes) return fail(Code::invalid, "the answer is too long");
      return answer;
    }
    if (line.size() > question.max_bytes) {
      wipe(line);
      return fail(Code::invalid, "the answer is too long");
    }
  }
}

void Terminal::say(std::string_view line) {
  // A background process may write, unless the person has forbidden it (stty tostop), which would stop us.
  sigset_t only;
  sigset_t before;
  sigemptyset(&only);
  sigaddset(&only, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &only, &before);
  write_to(fd_.get(), printable(line) + "\n");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Result<void> Terminal::count_down(Duration duration, const std::function<std::string(Duration)>& line) {
  Conversation conversation(fd_.get(), false, duration);
  const auto end = steady_clock::now() + duration;
  std::size_t width = 0;
  const auto show = [&](const std::string& text) {
    if (!in_foreground(fd_.get())) return;
    conversation.enter("");
    const std::size_t padding = width > text.size() ? width - text.size() : 0;
    write_to(fd_.get(), "\r" + text + std::string(padding, ' '));
    width = text.size();
  };
  while (!conversation.over()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
    show(printable(line(std::max(left, Duration(0)))));
    const int step = static_cast<int>((left.count() - 1) % 1000 + 1);
    const auto event = conversation.wait(std::max(step, 1), false);
    if (event == Conversation::Event::interrupted || event == Conversation::Event::ended_by_signal) {
      return fail(*error_for(conversation, event, fd_.get(), duration));
    }
  }
  show("");
  if (width == 0 && in_foreground(fd_.get())) write_to(fd_.get(), "\r");
  return {};
}

std::string Terminal::name() const {
  if (path_ != "/dev/tty") return path_;
  const std::string controlling = controlling_terminal_name();
  return controlling.empty() ? path_ : controlling;
}

}  // namespace tollgate::os
