#include "tests/support/forked.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

namespace tollgate::test {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void run_body(const std::function<int()>& body) {
  int code = 99;
  try {
    code = body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "forked part of a test: %s\n", error.what());
  }
  if (::testing::Test::HasFailure()) code = 99;
  std::fflush(stderr);
  _exit(code);
}

}  // namespace

Forked::Forked(const std::function<int()>& body) {
  std::fflush(stdout);
  std::fflush(stderr);
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) run_body(body);
}

Forked::Forked(Forked&& other) noexcept : pid_(other.pid_) {
  other.pid_ = -1;
}

Forked::~Forked() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Forked::kill(int signal) const {
  ::kill(pid_, signal);
}

int Forked::wait(std::chrono::seconds limit) {
  int status = 0;
  const bool ended = eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }, limit);
  if (!ended) {
    ADD_FAILURE() << "a forked part of the test did not end";
    ::kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  }
  pid_ = -1;
  return status;
}

int Forked::exit_code(std::chrono::seconds limit) {
  const int status = wait(limit);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

OnTerminal::OnTerminal(const std::function<int()>& body) {
  std::fflush(stdout);
  std::fflush(stderr);
  pid_ = forkpty(&master_, nullptr, nullptr, nullptr);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "forkpty");
  if (pid_ == 0) run_body(body);
  fcntl(master_, F_SETFD, FD_CLOEXEC);
}

OnTerminal::~OnTerminal() {
  hang_up();
}

void OnTerminal::hang_up() {
  if (master_ >= 0) close(master_);
  master_ = -1;
}

void OnTerminal::type(const std::string& text) const {
  ASSERT_EQ(write(master_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

bool OnTerminal::read_more(std::chrono::milliseconds limit) {
  pollfd waiting{master_, POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return false;
  char buffer[4096];
  const ssize_t got = read(master_, buffer, sizeof buffer);  // EIO once the other end is closed
  if (got <= 0) return false;
  shown_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::string OnTerminal::wait_for(const std::string& text, std::chrono::seconds limit) {
  const auto deadline = steady_clock::now() + limit;
  std::size_t found = 0;
  while ((found = shown_.find(text, seen_)) == std::string::npos) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    // While nobody has the other end open (it may be opened again) there is nothing to read.
    if (left.count() > 0 && !read_more(left)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (left.count() <= 0) {
      ADD_FAILURE() << "\"" << text << "\" was not shown; shown was: " << shown_;
      return shown_;
    }
  }
  seen_ = found + text.size();
  return shown_;
}

std::string OnTerminal::read_to_end(std::chrono::seconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (steady_clock::now() < deadline) {
    if (!read_more(std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()))) break;
  }
  return shown_;
}

bool OnTerminal::echoes() const {
  termios settings{};
  return tcgetattr(master_, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
}

bool OnTerminal::canonical() const {
  termios settings{};
  return tcgetattr(master_, &settings) == 0 && (settings.c_lflag & ICANON) != 0;
}

std::string OnTerminal::name() const {
  char name[128] = {};
  return ptsname_r(master_, name, sizeof name) == 0 ? name : "";
}

bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!condition()) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

char process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::size_t end = text.str().rfind(')');
  return end == std::string::npos || end + 2 >= text.str().size() ? '?' : text.str()[end + 2];
}

}  // namespace tollgate::test
