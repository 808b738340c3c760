#include "common/os/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/os/program_search.h"

namespace tollgate::os {
namespace {

// CLOSE_RANGE_CLOEXEC of linux/close_range.h (Linux 5.11).
constexpr unsigned kCloseRangeCloexec = 4;

enum class Step : int { prepare, directory, execute };

// Everything the child does after vfork, decided before it: the child shares our memory until it executes, so it may
// neither allocate nor write to anything of ours.
struct Plan {
  const char* path = nullptr;  // or program_fd
  int program_fd = -1;
  char* const* argv = nullptr;
  char* const* shell_argv = nullptr;  // for a script without "#!"
  char* const* envp = nullptr;
  const char* directory = nullptr;
  std::pair<int, int>* targets = nullptr;  // {number in the child, our descriptor}
  std::size_t target_count = 0;
  int first_free = 3;  // above all targets
  int report = -1;
  bool close_others = true;
  bool own_process_group = false;
  int death_signal = 0;
  pid_t parent = 0;
  const Inherited* restore = nullptr;
};

void close_others_on_exec() {
  if (syscall(SYS_close_range, 3U, ~0U, kCloseRangeCloexec) == 0) return;
  const long limit = std::min(sysconf(_SC_OPEN_MAX), 65536L);
  for (int fd = 3; fd < limit; ++fd)
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// Handlers of ours would run in the child before it executes, on memory that is still ours.
void reset_signals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) == 0 && now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN) {
      sigaction(number, &usual, nullptr);
    }
  }
}

[[noreturn]] void report_and_exit(int report, Step step) {
  const int message[2] = {static_cast<int>(step), errno};
  // A failed write leaves the parent without a report, which it reads as success; there is nobody else to tell.
  [[maybe_unused]] const ssize_t ignored = write(report, message, sizeof message);
  _exit(127);
}

[[noreturn, gnu::noinline]] void run_child(const Plan& plan) {
  reset_signals();
  int report = plan.report;
  int program = plan.program_fd;
  // First out of the way of the numbers that the child is to see, then onto them.
  report = fcntl(report, F_DUPFD_CLOEXEC, plan.first_free);
  if (report < 0) _exit(127);
  if (program >= 0 && (program = fcntl(program, F_DUPFD_CLOEXEC, plan.first_free)) < 0) {
    report_and_exit(report, Step::prepare);
  }
  for (std::size_t i = 0; i < plan.target_count; ++i) {
    const int moved = fcntl(plan.targets[i].second, F_DUPFD_CLOEXEC, plan.first_free);
    if (moved < 0) report_and_exit(report, Step::prepare);
    plan.targets[i].second = moved;
  }
  if (plan.close_others) close_others_on_exec();
  for (std::size_t i = 0; i < plan.target_count; ++i) {
    if (dup2(plan.targets[i].second, plan.targets[i].first) < 0) report_and_exit(report, Step::prepare);
  }
  if (plan.own_process_group && setpgid(0, 0) != 0) report_and_exit(report, Step::prepare);
  if (plan.death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, plan.death_signal, 0, 0, 0);
    if (getppid() != plan.parent) _exit(127);  // it died before we asked
  }
  if (plan.restore) restore_inherited(*plan.restore);
  if (plan.directory && chdir(plan.directory) != 0) report_and_exit(report, Step::directory);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (program >= 0) {
    syscall(SYS_execveat, program, "", plan.argv, plan.envp, AT_EMPTY_PATH);
  } else {
    execve(plan.path, plan.argv, plan.envp);
    // A script without "#!", as execvp(3) and every shell run it.
    if (errno == ENOEXEC) execve("/bin/sh", plan.shell_argv, plan.envp);
  }
  report_and_exit(report, Step::execute);
}

pid_t start_child(const Plan& plan) {
  const pid_t pid = vfork();
  if (pid == 0) run_child(plan);
  return pid;
}

Error environment_error(std::string_view what, int number) {
  return Error(Code::io, fmt::format("{}: {}", what, std::strerror(number)));
}

Error start_error(Step step, int number, const Command& command) {
  switch (step) {
    case Step::directory:
      return Error(Code::io, fmt::format("entering {}: {}", command.working_directory, std::strerror(number)));
    case Step::execute:
      if (number == ENOENT) {
        return Error(Code::not_found,
                     fmt::format("{} cannot be executed: it or its interpreter is missing", command.argv.front()))
            .because("program_not_found");
      }
      return Error(Code::forbidden,
                   fmt::format("{} cannot be executed: {}", command.argv.front(), std::strerror(number)))
          .because("program_not_executable");
    case Step::prepare:
      break;
  }
  return environment_error(fmt::format("preparing {}", command.argv.front()), number);
}

struct Pipes {
  std::array<UniqueFd, 3> child;
  std::array<UniqueFd, 3> ours;
};

Result<void> open_standard(const Command& command, Pipes& pipes, std::vector<std::pair<int, int>>& targets) {
  const std::array<const Stdio*, 3> standard = {&command.input, &command.output, &command.error};
  for (std::size_t i = 0; i < standard.size(); ++i) {
    int ends[2] = {-1, -1};
    switch (standard[i]->kind()) {
      case Stdio::Kind::inherit:
        continue;
      case Stdio::Kind::given:
        targets.emplace_back(static_cast<int>(i), standard[i]->fd());
        continue;
      case Stdio::Kind::null:
        pipes.child[i].reset(open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
        if (!pipes.child[i]) return fail(environment_error("opening /dev/null", errno));
        break;
      case Stdio::Kind::pipe:
        if (pipe2(ends, O_CLOEXEC) != 0) return fail(environment_error("creating a pipe", errno));
        pipes.child[i].reset(ends[i == 0 ? 0 : 1]);
        pipes.ours[i].reset(ends[i == 0 ? 1 : 0]);
        break;
    }
    targets.emplace_back(static_cast<int>(i), pipes.child[i].get());
  }
  return {};
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What execve needs, kept alive.
struct Image {
  Program program;
  std::vector<std::string> words;
  std::vector<std::string> shell_words;
  std::vector<char*> argv;
  std::vector<char*> shell_argv;
  EnvironmentBlock envp;
};

Result<Image> prepare_image(const Command& command) {
  if (command.argv.empty()) return fail(Code::usage, "there is no program to run");
  Image image{{}, command.argv, {}, {}, {}, EnvironmentBlock(command.environment)};
  if (command.program_fd < 0) {
    TG_TRY(image.program, find_program(command.argv.front(), command.environment.get_or("PATH", "")));
  }
  image.shell_words = {"/bin/sh", image.program.path};
  image.shell_words.insert(image.shell_words.end(), command.argv.begin() + 1, command.argv.end());
  image.argv = pointers_to(image.words);
  image.shell_argv = pointers_to(image.shell_words);
  return image;
}

class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : input(std::move(other.input)),
      output(std::move(other.output)),
      error(std::move(other.error)),
      pid_(std::exchange(other.pid_, -1)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    kill_and_reap();
    input = std::move(other.input);
    output = std::move(other.output);
    error = std::move(other.error);
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  kill_and_reap();
}

void ChildProcess::kill_and_reap() noexcept {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

int ChildProcess::wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  pid_ = -1;
  return status;
}

std::optional<int> ChildProcess::try_wait() {
  int status = 0;
  const pid_t answer = waitpid(pid_, &status, WNOHANG);
  if (answer < 0) throw std::system_error(errno, std::generic_category(), "waitpid");
  if (answer == 0) return std::nullopt;
  pid_ = -1;
  return status;
}

void ChildProcess::kill(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

Result<ChildProcess> spawn(const Command& command) {
  TG_TRY(Image image, prepare_image(command));
  Pipes pipes;
  std::vector<std::pair<int, int>> targets;
  TG_CHECK(open_standard(command, pipes, targets));
  targets.insert(targets.end(), command.descriptors.begin(), command.descriptors.end());
  int report[2] = {-1, -1};
  if (pipe2(report, O_CLOEXEC) != 0) return fail(environment_error("creating a pipe", errno));
  const UniqueFd report_read(report[0]);
  UniqueFd report_write(report[1]);

  Plan plan;
  plan.path = image.program.path.c_str();
  plan.program_fd = command.program_fd;
  plan.argv = image.argv.data();
  plan.shell_argv = image.shell_argv.data();
  plan.envp = image.envp.data();
  plan.directory = command.working_directory.empty() ? nullptr : command.working_directory.c_str();
  plan.targets = targets.data();
  plan.target_count = targets.size();
  for (const auto& target : targets)
    plan.first_free = std::max(plan.first_free, target.first + 1);
  plan.report = report_write.get();
  plan.close_others = !command.pass_inherited_descriptors;
  plan.own_process_group = command.own_process_group;
  plan.death_signal = command.death_signal;
  plan.parent = getpid();
  plan.restore = command.restore ? &*command.restore : nullptr;

  pid_t pid = -1;
  int number = 0;
  {
    const BlockedSignals blocked;
    pid = start_child(plan);
    number = errno;
  }
  if (pid < 0) return fail(environment_error("creating a process", number));
  ChildProcess child(pid);
  report_write.reset();
  int message[2] = {0, 0};
  ssize_t got = 0;
  while ((got = read(report_read.get(), message, sizeof message)) < 0 && errno == EINTR) {
  }
  if (got == static_cast<ssize_t>(sizeof message)) {
    child.wait();
    return fail(start_error(static_cast<Step>(message[0]), message[1], command));
  }
  child.input = std::move(pipes.ours[0]);
  child.output = std::move(pipes.ours[1]);
  child.error = std::move(pipes.ours[2]);
  return child;
}

Error replace_process(const Command& command) {
  auto image = prepare_image(command);
  if (!image) return std::move(image).error();
  if (!command.working_directory.empty() && chdir(command.working_directory.c_str()) != 0) {
    return start_error(Step::directory, errno, command);
  }
  if (command.restore) restore_inherited(*command.restore);
  if (command.program_fd >= 0) {
    syscall(SYS_execveat, command.program_fd, "", image->argv.data(), image->envp.data(), AT_EMPTY_PATH);
  } else {
    execve(image->program.path.c_str(), image->argv.data(), image->envp.data());
    if (errno == ENOEXEC) execve("/bin/sh", image->shell_argv.data(), image->envp.data());
  }
  return start_error(Step::execute, errno, command);
}

std::string describe_wait_status(int wait_status) {
  if (WIFEXITED(wait_status)) return fmt::format("exit code {}", WEXITSTATUS(wait_status));
  if (!WIFSIGNALED(wait_status)) return fmt::format("status {:#x}", wait_status);
  // Not strsignal(3), which asks the locale.
  const char* name = sigdescr_np(WTERMSIG(wait_status));
  return fmt::format("signal {} ({})", WTERMSIG(wait_status), name ? name : "unknown");
}

}  // namespace tollgate::os
