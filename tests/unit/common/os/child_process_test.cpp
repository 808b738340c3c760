#include "common/os/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "common/os/program_search.h"
#include "tests/support/forked.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::os {
namespace {

Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  command.environment.set("PATH", "/usr/bin:/bin");
  return command;
}

std::string output_of(Command command) {
  command.output = Stdio::pipe();
  auto child = spawn(command);
  if (!child) return "error: " + child.error().message;
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(child->output.get(), buffer, sizeof buffer)) > 0)
    text.append(buffer, static_cast<size_t>(got));
  child->wait();
  return text;
}

TEST(ChildProcess, GetsExactlyItsArgumentsAndEnvironment) {
  Command command = shell("printf '%s|' \"$@\"; env | sort");
  command.argv.insert(command.argv.end(), {"name", "a b", "", "$(x)"});
  command.environment.set("ONLY", "this");
  const std::string text = output_of(command);
  EXPECT_EQ(text.substr(0, text.find('\n')), "a b||$(x)|ONLY=this");
  EXPECT_EQ(text.find("HOME="), std::string::npos);
}

TEST(ChildProcess, GetsNoOtherDescriptorAndNoBlockedSignal) {
  const UniqueFd leaking(open("/dev/null", O_RDONLY));  // not close-on-exec, on purpose
  const UniqueFd named(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  Command command = shell("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/7; grep SigBlk /proc/self/status");
  command.descriptors = {{7, named.get()}};
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const std::string text = output_of(command);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_NE(text.find("0 1 2 3 7 /dev/zero\n"), std::string::npos) << text;  // 3 is ls's own
  EXPECT_NE(text.find("SigBlk:\t0000000000000000"), std::string::npos) << text;
}

TEST(ChildProcess, PassesInheritedDescriptorsOnWhenAsked) {
  const UniqueFd inherited(open("/dev/zero", O_RDONLY));
  Command command = shell("readlink /proc/self/fd/" + std::to_string(inherited.get()));
  EXPECT_EQ(output_of(command), "");
  command.pass_inherited_descriptors = true;
  EXPECT_EQ(output_of(command), "/dev/zero\n");
}

TEST(ChildProcess, DescriptorsMayTradePlaces) {
  const UniqueFd zero(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  Command command = shell(fmt::format("readlink /proc/self/fd/{} /proc/self/fd/{}", zero.get(), null.get()));
  command.descriptors = {{zero.get(), null.get()}, {null.get(), zero.get()}};
  EXPECT_EQ(output_of(command), "/dev/null\n/dev/zero\n");
}

TEST(ChildProcess, WorksInItsDirectoryWithTheUsersUmask) {
  test::TemporaryDirectory directory;
  Command command = shell("pwd; umask; ulimit -c");
  command.working_directory = directory.path();
  command.restore = Inherited{027, 0};
  EXPECT_EQ(output_of(command), directory.path() + "\n0027\n0\n");
  command.working_directory = directory.file("none");
  const auto child = spawn(command);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Code::io);
}

struct StartCase {
  const char* name;
  const char* content;
  unsigned mode;
  int status;  // 0: it runs
};

class ChildProcessStart : public ::testing::TestWithParam<StartCase> {};

TEST_P(ChildProcessStart, SaysWhatAShellWouldSay) {
  test::TemporaryDirectory directory;
  const std::string path = directory.file("program");
  test::write_test_file(path, GetParam().content, GetParam().mode);
  Command command;
  command.argv = {path, "argument"};
  if (GetParam().status == 0) {
    EXPECT_EQ(output_of(command), "ran argument\n");
    return;
  }
  const auto child = spawn(command);
  ASSERT_FALSE(child);
  EXPECT_EQ(program_error_status(child.error()), GetParam().status) << child.error().message;
}

INSTANTIATE_TEST_SUITE_P(Kinds, ChildProcessStart,
                         ::testing::Values(StartCase{"script", "#!/bin/sh\necho ran $1\n", 0755, 0},
                                           StartCase{"script_without_a_first_line", "echo ran $1\n", 0755, 0},
                                           StartCase{"interpreter_missing", "#!/no/such/thing\n", 0755, 127},
                                           StartCase{"not_executable", "#!/bin/sh\n", 0644, 126}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ChildProcess, MissingProgramIs127) {
  Command command;
  command.argv = {"there-is-no-such-program"};
  EXPECT_EQ(program_error_status(spawn(command).error()), 127);
  EXPECT_EQ(spawn(Command{}).error().code, Code::usage);
}

TEST(ChildProcess, ExecutesTheFileThatWasChecked) {
  auto program = find_program("cat", "/bin:/usr/bin");
  ASSERT_TRUE(program);
  Command command;
  command.argv = {"a name of its own", "/proc/self/cmdline"};
  command.program_fd = program->file.get();
  EXPECT_EQ(output_of(command).substr(0, 17), "a name of its own");
}

TEST(ChildProcess, ThatNobodyWaitedForIsKilledAndReaped) {
  pid_t pid = -1;
  {
    auto child = spawn(shell("exec sleep 100"));
    ASSERT_TRUE(child);
    pid = child->pid();
    EXPECT_EQ(child->try_wait(), std::nullopt);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(ChildProcess, DiesWithItsParentWhenAsked) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  test::Forked parent([&] {
    Command command = shell("echo $$ >&3; exec sleep 100");
    command.descriptors = {{3, ends[1]}};
    command.death_signal = SIGKILL;
    auto child = spawn(command);
    pause();
    return 0;
  });
  char buffer[32] = {};
  ASSERT_GT(read(ends[0], buffer, sizeof buffer - 1), 0);
  const pid_t grandchild = static_cast<pid_t>(std::stol(buffer));
  parent.kill(SIGKILL);
  parent.wait();
  EXPECT_TRUE(test::eventually(
      [&] { return test::process_state(grandchild) == '?' || test::process_state(grandchild) == 'Z'; }));
  close(ends[0]);
  close(ends[1]);
}

TEST(ChildProcess, StatusesReadAsPeopleSayThem) {
  auto failed = spawn(shell("exit 3"));
  EXPECT_EQ(describe_wait_status(failed->wait()), "exit code 3");
  auto killed = spawn(shell("kill -TERM $$"));
  EXPECT_EQ(describe_wait_status(killed->wait()), "signal 15 (Terminated)");
}

TEST(ChildProcess, ManyThreadsMayStartChildrenAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&good, i] {
      for (int round = 0; round < 10; ++round) {
        if (output_of(shell("echo " + std::to_string(i))) == std::to_string(i) + "\n") ++good;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(good, 80);
}

TEST(ReplaceProcess, BecomesTheProgramOrSaysWhyNot) {
  test::Forked replaced([] { return program_error_status(replace_process(shell("exit $((40 + $(umask)))"))); });
  EXPECT_NE(replaced.exit_code(), 127);
  test::Forked missing([] {
    Command command;
    command.argv = {"there-is-no-such-program"};
    return program_error_status(replace_process(command));
  });
  EXPECT_EQ(missing.exit_code(), 127);
  test::Forked restored([] {
    ::umask(077);
    Command command = shell("test $(umask) = 0022");
    command.restore = Inherited{022, 0};
    return program_error_status(replace_process(command));
  });
  EXPECT_EQ(restored.exit_code(), 0);
}

}  // namespace
}  // namespace tollgate::os
