#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "common/os/child_process.h"
#include "common/os/program_search.h"
#include "tests/support/forked.h"

namespace tollgate::os {
namespace {

Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  command.environment.set("PATH", "/usr/bin:/bin");
  return command;
}

[[noreturn]] void supervise_and_end(const std::string& script) {
  const auto status = run_supervised(shell(script));
  if (!status) _exit(program_error_status(status.error()));
  end_like(*status);
}

// A shell that counts what reaches it, one line per signal, until it gets TERM twice or is told to end.
constexpr const char* kCounter =
    "trap 'echo INT' INT; trap 'echo QUIT' QUIT; trap 'echo USR1' USR1; trap 'echo USR2' USR2; trap 'echo HUP' HUP; "
    "trap 'echo TERM; exit 7' TERM; echo ready; while :; do sleep 0.05; done";

TEST(Supervision, PassesTheExitCodeThrough) {
  for (const int code : {0, 1, 2, 77, 255}) {
    test::Forked supervisor([code] {
      supervise_and_end("exit " + std::to_string(code));
      return 0;
    });
    EXPECT_EQ(supervisor.exit_code(), code);
  }
}

TEST(Supervision, DiesBySameSignalWithoutACore) {
  for (const int number : {SIGTERM, SIGKILL, SIGINT, SIGSEGV, SIGABRT, SIGPIPE, SIGHUP}) {
    test::Forked supervisor([number] {
      supervise_and_end("kill -" + std::to_string(number) + " $$; sleep 5");
      return 0;
    });
    const int status = supervisor.wait();
    ASSERT_TRUE(WIFSIGNALED(status)) << number;
    EXPECT_EQ(WTERMSIG(status), number);
    EXPECT_FALSE(WCOREDUMP(status));
  }
}

TEST(Supervision, DiesAlsoByASignalThatWasIgnoredOrBlocked) {
  test::Forked supervisor([] {
    signal(SIGTERM, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    end_like(SIGTERM);
    return 0;
  });
  EXPECT_EQ(supervisor.exit_code(), 128 + SIGTERM);
}

TEST(Supervision, SaysThatThereIsNoProgram) {
  test::Forked supervisor([] {
    Command command;
    command.argv = {"there-is-no-such-program"};
    return program_error_status(run_supervised(command).error());
  });
  EXPECT_EQ(supervisor.exit_code(), 127);
}

TEST(Supervision, CountsChildrenAlsoWhereSigchldWasIgnored) {
  test::Forked supervisor([] {
    signal(SIGCHLD, SIG_IGN);
    supervise_and_end("exit 5");
    return 0;
  });
  EXPECT_EQ(supervisor.exit_code(), 5);
}

struct Relay {
  const char* name;
  int number;
};

class SupervisionRelay : public ::testing::TestWithParam<Relay> {};

TEST_P(SupervisionRelay, WhatAProcessSendsReachesTheChildOnce) {
  test::OnTerminal supervisor([] {
    supervise_and_end(kCounter);
    return 0;
  });
  supervisor.wait_for("ready");
  supervisor.kill(GetParam().number);
  supervisor.wait_for(GetParam().name);
  supervisor.kill(SIGTERM);
  supervisor.wait_for("TERM");
  EXPECT_EQ(supervisor.exit_code(), 7);
  const std::string shown = supervisor.read_to_end();
  EXPECT_EQ(shown.find(GetParam().name), shown.rfind(GetParam().name)) << shown;
}

INSTANTIATE_TEST_SUITE_P(Signals, SupervisionRelay,
                         ::testing::Values(Relay{"INT", SIGINT}, Relay{"QUIT", SIGQUIT}, Relay{"HUP", SIGHUP},
                                           Relay{"USR1", SIGUSR1}, Relay{"USR2", SIGUSR2}),
                         [](const auto& test) { return std::string(test.param.name); });

// Terraform takes the second interrupt as an order to drop everything, state included.
TEST(Supervision, CtrlCReachesTheChildExactlyOnce) {
  for (int round = 0; round < 12; ++round) {
    test::OnTerminal supervisor([] {
      supervise_and_end(kCounter);
      return 0;
    });
    supervisor.wait_for("ready");
    supervisor.type("\x03");
    supervisor.wait_for("INT\r\n");
    supervisor.type("\x1c");
    supervisor.wait_for("QUIT\r\n");
    supervisor.kill(SIGTERM);
    EXPECT_EQ(supervisor.exit_code(), 7);
    const std::string shown = supervisor.read_to_end();
    EXPECT_EQ(shown.find("INT\r\n"), shown.rfind("INT\r\n")) << shown;
    EXPECT_EQ(shown.find("QUIT\r\n"), shown.rfind("QUIT\r\n")) << shown;
  }
}

// What a shell with job control does, in small: a group of its own in the foreground, Ctrl-Z seen by waitpid.
int run_as_job(const std::string& script) {
  signal(SIGTTOU, SIG_IGN);
  const int terminal = open("/dev/tty", O_RDWR);
  const pid_t job = fork();
  if (job == 0) {
    setpgid(0, 0);
    tcsetpgrp(terminal, getpgrp());
    signal(SIGTTOU, SIG_DFL);
    supervise_and_end(script);
  }
  setpgid(job, job);
  tcsetpgrp(terminal, job);
  int status = 0;
  if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status)) return 90;
  if (WSTOPSIG(status) != SIGTSTP) return 91;
  tcsetpgrp(terminal, getpgrp());
  static_cast<void>(!write(terminal, "stopped\n", 8));
  char line[16];
  if (read(terminal, line, sizeof line) <= 0) return 92;
  tcsetpgrp(terminal, job);
  kill(-job, SIGCONT);
  if (waitpid(job, &status, 0) != job || !WIFEXITED(status)) return 93;
  return WEXITSTATUS(status);
}

TEST(Supervision, CtrlZStopsBothAndForegroundContinuesBoth) {
  test::OnTerminal terminal([] { return run_as_job("echo ready; read answer; echo \"got $answer\"; exit 8"); });
  terminal.wait_for("ready");
  terminal.type("\x1a");
  terminal.wait_for("stopped");
  terminal.type("fg\n");
  terminal.type("later\n");
  terminal.wait_for("got later");
  EXPECT_EQ(terminal.exit_code(), 8);
}

TEST(Supervision, AChildStoppedAloneIsLeftToWhoStoppedIt) {
  // No terminal: nobody would ever continue the supervisor, so it does not stop.
  test::Forked supervisor([] {
    setsid();
    supervise_and_end("kill -STOP $$; exit 9");
    return 0;
  });
  pid_t child = 0;
  const std::string children = fmt::format("/proc/{0}/task/{0}/children", supervisor.pid());
  ASSERT_TRUE(test::eventually([&] {
    FILE* file = fopen(children.c_str(), "r");
    int number = 0;
    if (file && fscanf(file, "%d", &number) == 1) child = number;
    if (file) fclose(file);
    return child > 0 && test::process_state(child) == 'T';
  }));
  EXPECT_NE(test::process_state(supervisor.pid()), 'T');
  supervisor.kill(SIGCONT);
  EXPECT_EQ(supervisor.exit_code(), 9);
}

TEST(Supervision, PollsWhileTheChildRuns) {
  test::Forked supervisor([] {
    int polls = 0;
    SuperviseOptions options;
    options.poll_every = Duration(20);
    int ends[2];
    if (pipe(ends) != 0) return 1;
    // The third poll lets the child end.
    options.on_poll = [&] {
      if (++polls == 3) static_cast<void>(!write(ends[1], "x", 1));
    };
    Command command = shell("head -c 1 >/dev/null; exit 6");
    command.input = Stdio::given(ends[0]);
    const auto status = run_supervised(command, options);
    return status && WEXITSTATUS(*status) == 6 && polls >= 3 ? 0 : 2;
  });
  EXPECT_EQ(supervisor.exit_code(), 0);
}

TEST(Supervision, LeavesTheSignalMaskAsItWas) {
  test::Forked supervisor([] {
    sigset_t before;
    sigset_t after;
    sigprocmask(SIG_SETMASK, nullptr, &before);
    static_cast<void>(run_supervised(shell("exit 0")));
    sigprocmask(SIG_SETMASK, nullptr, &after);
    for (int number = 1; number < 32; ++number) {
      if (sigismember(&before, number) != sigismember(&after, number)) return 1;
    }
    return 0;
  });
  EXPECT_EQ(supervisor.exit_code(), 0);
}

}  // namespace
}  // namespace tollgate::os
