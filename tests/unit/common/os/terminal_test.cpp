#include "common/os/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "tests/support/forked.h"

namespace tollgate::os {
namespace {

enum : int { kNoTerminal = 10, kCancelled = 11, kTimedOut = 12, kBackground = 13, kClosed = 14, kOtherError = 15 };

int code_for(const Error& error) {
  if (error.reason == "no_terminal") return kNoTerminal;
  if (error.code == Code::cancelled) return kCancelled;
  if (error.reason == "timed_out") return kTimedOut;
  if (error.reason == "in_background") return kBackground;
  if (error.reason == "terminal_closed") return kClosed;
  return kOtherError;
}

Question question(bool echo = true) {
  Question asked;
  asked.text = "some lines\n";
  asked.label = "Code: ";
  asked.echo = echo;
  return asked;
}

// 0 if the answer is 123456.
int ask(const Question& asked) {
  auto terminal = Terminal::open();
  if (!terminal) return code_for(terminal.error());
  const auto answer = terminal->ask(asked);
  if (!answer) return code_for(answer.error());
  return answer->reveal() == "123456" ? 0 : 1;
}

// stdin, stdout and stderr go somewhere else, as in a credential_process.
void pipe_everything() {
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd)
    dup2(null, fd);
}

class TerminalEcho : public ::testing::TestWithParam<bool> {};

TEST_P(TerminalEcho, AsksWithAllThreeStandardDescriptorsPiped) {
  test::OnTerminal person([echo = GetParam()] {
    pipe_everything();
    return ask(question(echo));
  });
  person.wait_for("some lines\r\nCode: ");
  EXPECT_TRUE(test::eventually([&] { return person.echoes() == GetParam(); }));
  person.type("123456\n");
  EXPECT_EQ(person.exit_code(), 0);
  EXPECT_TRUE(person.echoes());
  EXPECT_EQ(person.read_to_end().find("123456") != std::string::npos, GetParam());
}

TEST_P(TerminalEcho, CtrlCCancelsAndRestores) {
  test::OnTerminal person([echo = GetParam()] {
    pipe_everything();
    return ask(question(echo));
  });
  person.wait_for("Code: ");
  person.type("12\x03");
  EXPECT_EQ(person.exit_code(), kCancelled);
  EXPECT_TRUE(person.echoes());
  EXPECT_TRUE(person.canonical());
}

INSTANTIATE_TEST_SUITE_P(Echo, TerminalEcho, ::testing::Bool(),
                         [](const auto& test) { return test.param ? std::string("on") : std::string("off"); });

TEST(Terminal, CtrlDCancels) {
  test::OnTerminal person([] { return ask(question(false)); });
  person.wait_for("Code: ");
  person.type("\x04");
  EXPECT_EQ(person.exit_code(), kCancelled);
  EXPECT_TRUE(person.echoes());
}

TEST(Terminal, WhatWasTypedBeforeTheQuestionIsNoAnswer) {
  test::OnTerminal person([] {
    auto terminal = Terminal::open();
    terminal->say("before");
    // Waits until the person has typed ahead.
    const int fd = open("/dev/tty", O_RDWR);
    test::eventually([&] {
      int waiting = 0;
      return ioctl(fd, FIONREAD, &waiting) == 0 && waiting == 7;
    });
    return ask(question());
  });
  person.wait_for("before");
  person.type("999999\n");
  person.wait_for("Code: ");
  person.type("123456\n");
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(Terminal, LinesAreEditedAsUsual) {
  test::OnTerminal person([] { return ask(question(false)); });
  person.wait_for("Code: ");
  person.type(
      "12\x7f\x7f"
      "77\x15"
      "12345"
      "99\x7f\x7f"
      "6\n");
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(Terminal, AsksAlsoWhereTheTerminalWasLeftRaw) {
  test::OnTerminal person([] {
    const int fd = open("/dev/tty", O_RDWR);
    termios settings{};
    tcgetattr(fd, &settings);
    cfmakeraw(&settings);
    tcsetattr(fd, TCSANOW, &settings);
    return ask(question());
  });
  person.wait_for("Code: ");
  EXPECT_TRUE(person.canonical());
  person.type("123456\r");
  EXPECT_EQ(person.exit_code(), 0);
  EXPECT_FALSE(person.canonical()) << "as it was before";
}

TEST(Terminal, GivesUpAfterItsTime) {
  test::OnTerminal person([] {
    Question asked = question(false);
    asked.time_limit = Duration(100);
    return ask(asked);
  });
  EXPECT_EQ(person.exit_code(), kTimedOut);
  EXPECT_TRUE(person.echoes());
}

TEST(Terminal, TermTakesItsEffectOnARestoredTerminal) {
  test::OnTerminal person([] { return ask(question(false)); });
  person.wait_for("Code: ");
  ASSERT_TRUE(test::eventually([&] { return !person.echoes(); }));
  person.kill(SIGTERM);
  EXPECT_EQ(person.exit_code(), 128 + SIGTERM);
  EXPECT_TRUE(person.echoes());
}

TEST(Terminal, WithoutAControllingTerminalSaysSo) {
  test::Forked nobody([] {
    setsid();
    return ask(question());
  });
  EXPECT_EQ(nobody.exit_code(), kNoTerminal);
  EXPECT_EQ(Terminal::open("/dev/null").error().reason, "no_terminal");
}

TEST(Terminal, AClosedTerminalEndsTheQuestion) {
  test::Forked holder([] {
    auto person = std::make_unique<test::OnTerminal>([] {
      signal(SIGHUP, SIG_IGN);
      return ask(question());
    });
    person->wait_for("Code: ");
    const pid_t pid = person->pid();
    int status = 0;
    // Closing our end hangs the line up.
    person->hang_up();
    if (!test::eventually([&] { return waitpid(pid, &status, WNOHANG) == pid; })) return 1;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
    return 0;
  });
  const int code = holder.exit_code();
  EXPECT_TRUE(code == kClosed || code == kCancelled) << code;
}

// A shell with job control in small: the asker is its job.
int job(bool in_foreground, const Question& asked, bool stop_and_continue) {
  signal(SIGTTOU, SIG_IGN);
  const int terminal = open("/dev/tty", O_RDWR);
  const pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    if (in_foreground) tcsetpgrp(terminal, getpgrp());
    signal(SIGTTOU, SIG_DFL);
    _exit(ask(asked));
  }
  setpgid(pid, pid);
  if (in_foreground) tcsetpgrp(terminal, pid);
  int status = 0;
  if (stop_and_continue) {
    if (in_foreground) {
      if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)) return 90;
      tcsetpgrp(terminal, getpgrp());
      static_cast<void>(!write(terminal, "stopped\n", 8));
    }
    char line[16];
    if (read(terminal, line, sizeof line) <= 0) return 92;
    tcsetpgrp(terminal, pid);
    kill(-pid, SIGCONT);
  }
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return 93;
  return WEXITSTATUS(status);
}

TEST(Terminal, CtrlZRestoresStopsAndAsksAgain) {
  test::OnTerminal person([] { return job(true, question(false), true); });
  person.wait_for("Code: ");
  ASSERT_TRUE(test::eventually([&] { return !person.echoes(); }));
  person.type("\x1a");
  person.wait_for("stopped");
  EXPECT_TRUE(person.echoes());
  person.type("fg\n");
  person.wait_for("\r\nfg\r\n\rCode: ");
  EXPECT_TRUE(test::eventually([&] { return !person.echoes(); }));
  person.type("123456\n");
  EXPECT_EQ(person.exit_code(), 0);
  EXPECT_TRUE(person.echoes());
}

TEST(Terminal, ABackgroundJobWaitsToBeBroughtForward) {
  test::OnTerminal person([] { return job(false, question(), true); });
  person.wait_for("bring this command to the foreground");
  EXPECT_EQ(person.shown().find("Code: "), std::string::npos);
  person.type("fg\n");
  person.wait_for("Code: ");
  person.type("123456\n");
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(Terminal, ABackgroundJobDoesNotHangForEver) {
  test::OnTerminal person([] {
    Question asked = question();
    asked.time_limit = Duration(300);
    return job(false, asked, false);
  });
  EXPECT_EQ(person.exit_code(), kBackground);
}

TEST(Terminal, CountsDownInPlaceAndHearsCtrlC) {
  test::OnTerminal person([] {
    auto terminal = Terminal::open();
    if (!terminal->count_down(Duration(30), [](Duration) { return std::string("next code"); })) return 1;
    const auto second = terminal->count_down(Duration(60000), [](Duration left) { return format_duration(left); });
    return second ? 2 : code_for(second.error());
  });
  person.wait_for("\rnext code");
  person.wait_for("\r1m 00s");
  EXPECT_FALSE(person.echoes());
  person.type("\x03");
  EXPECT_EQ(person.exit_code(), kCancelled);
  EXPECT_TRUE(person.echoes());
}

TEST(Terminal, KnowsItsName) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  test::OnTerminal person([&] {
    const std::string name = Terminal::open()->name();
    return write(ends[1], name.data(), name.size()) > 0 && name == controlling_terminal_name() ? 0 : 1;
  });
  EXPECT_EQ(person.exit_code(), 0);
  char buffer[64] = {};
  ASSERT_GT(read(ends[0], buffer, sizeof buffer - 1), 0);
  EXPECT_EQ(buffer, person.name());
  test::Forked nobody([] {
    setsid();
    return controlling_terminal_name().empty() ? 0 : 1;
  });
  EXPECT_EQ(nobody.exit_code(), 0);
}

struct Shown {
  const char* name;
  std::string_view text;
  std::string_view shown;
};

class Printable : public ::testing::TestWithParam<Shown> {};

TEST_P(Printable, ShowsNothingThatMovesTheCursor) {
  EXPECT_EQ(printable(GetParam().text), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(Texts, Printable,
                         ::testing::Values(Shown{"plain", "profile prod", "profile prod"},
                                           Shown{"accents", "Zoë 日本 🔑", "Zoë 日本 🔑"},
                                           Shown{"escape", "a\x1b[2Jb", "a[2Jb"},
                                           Shown{"c1_control",
                                                 "a\xc2\x9b"
                                                 "2Jb",
                                                 "a2Jb"},
                                           Shown{"raw_c1_byte",
                                                 "a\x9b"
                                                 "2Jb",
                                                 "a?2Jb"},
                                           Shown{"newline", "a\nb\r\tc\x7f", "abc"},
                                           Shown{"direction_override",
                                                 "a\xe2\x80\xae"
                                                 "b",
                                                 "ab"},
                                           Shown{"line_separator",
                                                 "a\xe2\x80\xa8"
                                                 "b",
                                                 "ab"},
                                           Shown{"overlong", "\xc0\xaf\xe0\x80\xaf", "?????"},
                                           Shown{"cut_sequence", "a\xe2\x80", "a??"},
                                           Shown{"surrogate", "\xed\xa0\x80", "???"}, Shown{"empty", "", ""}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PrintableLines, KeepNewlinesIfAsked) {
  EXPECT_EQ(printable("a\nb\x1b\n", true), "a\nb\n");
}

}  // namespace
}  // namespace tollgate::os
