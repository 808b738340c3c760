#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "common/os/child_process.h"
#include "tests/support/forked.h"

namespace tollgate::os {
namespace {

Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  command.environment.set("PATH", "/usr/bin:/bin");
  return command;
}

TEST(Capture, CollectsOutputAndStatus) {
  Command command = shell("echo out; echo err >&2; exit 4");
  command.error = Stdio::pipe();
  const auto captured = capture(command);
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->output.reveal(), "out\n");
  EXPECT_EQ(captured->error_output, "err\n");
  EXPECT_EQ(WEXITSTATUS(captured->wait_status), 4);
  EXPECT_FALSE(captured->succeeded());
}

TEST(Capture, FeedsAndCollectsMoreThanAPipeHolds) {
  CaptureOptions options;
  options.input = std::string(300000, 'x') + "end";
  const auto captured = capture(shell("cat"), options);
  ASSERT_TRUE(captured);
  EXPECT_TRUE(captured->output.reveal() == options.input);
  EXPECT_TRUE(captured->succeeded());
}

TEST(Capture, AChildThatReadsNothingIsNoTrouble) {
  CaptureOptions options;
  options.input = std::string(1 << 20, 'x');
  const auto captured = capture(shell("exec <&-; echo done"), options);
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->output.reveal(), "done\n");
}

TEST(Capture, StdinIsEmptyAndNeverOurs) {
  const auto captured = capture(shell("wc -c"));
  ASSERT_TRUE(captured);
  EXPECT_EQ(std::stoi(std::string(captured->output.reveal())), 0);
}

TEST(Capture, KillsTheWholeGroupWhenTheTimeIsOver) {
  for (const bool may_use_terminal : {false, true}) {
    CaptureOptions options;
    options.time_limit = Duration(300);
    options.may_use_terminal = may_use_terminal;
    Command command = shell("sleep 100 & echo $! >&2; wait");
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    command.error = Stdio::given(ends[1]);
    const auto captured = capture(command, options);
    ASSERT_FALSE(captured);
    EXPECT_EQ(captured.error().reason, "timed_out");
    char buffer[32] = {};
    ASSERT_GT(read(ends[0], buffer, sizeof buffer - 1), 0);
    const pid_t grandchild = static_cast<pid_t>(std::stol(buffer));
    EXPECT_TRUE(test::eventually([&] {
      return test::process_state(grandchild) == '?' || test::process_state(grandchild) == 'Z';
    })) << may_use_terminal;
    close(ends[0]);
    close(ends[1]);
  }
}

TEST(Capture, EndsWithTheChildAlsoIfItLeftSomethingBehind) {
  const auto begin = std::chrono::steady_clock::now();
  const auto captured = capture(shell("sleep 3 & echo kept"));
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->output.reveal(), "kept\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST(Capture, RefusesTooMuchOutput) {
  CaptureOptions options;
  options.output_limit = 1000;
  const auto captured = capture(shell("yes"), options);
  ASSERT_FALSE(captured);
  EXPECT_EQ(captured.error().reason, "too_much_output");
  options.output_limit = 6;
  EXPECT_EQ(capture(shell("printf 123456"), options)->output.reveal(), "123456");
  EXPECT_EQ(capture(shell("printf 1234567"), options).error().reason, "too_much_output");
}

}  // namespace
}  // namespace tollgate::os
