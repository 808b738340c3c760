// tollgate-confine alone, without the sandbox around it: what Landlock by itself allows and refuses.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "common/os/child_process.h"
#include "tests/support/temporary_directory.h"

namespace tollgate {
namespace {

long landlock_version() {
  return syscall(444, nullptr, 0, 1U);
}

struct Ended {
  int status = 0;
  std::string output;
  std::string error;
};

Ended run(os::Command command) {
  command.error = os::Stdio::pipe();
  auto done = os::capture(std::move(command));
  if (!done) {
    ADD_FAILURE() << done.error().text();
    return {};
  }
  return {WEXITSTATUS(done->wait_status), std::string(done->output.reveal()), done->error_output};
}

Ended confine(const std::vector<std::string>& words) {
  os::Command command;
  command.argv = {TOLLGATE_CONFINE};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.environment.set("PATH", "/usr/bin:/bin");
  return run(std::move(command));
}

class Confine : public testing::Test {
 protected:
  void SetUp() override {
    if (landlock_version() < 2) GTEST_SKIP() << "this kernel has no Landlock of version 2";
  }
  Ended shell(const std::string& script) const {
    return confine({"--write", mine_.path(), "--write", "/dev/null", "--", "/bin/sh", "-c", script});
  }
  test::TemporaryDirectory mine_;
  test::TemporaryDirectory other_;
};

TEST_F(Confine, WritesBelowWhatWasNamedAndNowhereElse) {
  test::write_test_file(other_.file("kept"), "kept", 0666);
  const auto done =
      shell(fmt::format("cd {0} && echo a > a && mkdir d && mv a d/a && cat d/a && cat {1}/kept; echo;"
                        "echo gone > {1}/kept; true > {1}/new; rm {1}/kept; mv d/a {1}/a; ln {1}/kept h;"
                        "mkdir {1}/d; echo n > /dev/null && echo null",
                        mine_.path(), other_.path()));
  EXPECT_EQ(done.output, "a\nkept\nnull\n") << done.error;
  EXPECT_EQ(access(other_.file("new").c_str(), F_OK), -1);
  EXPECT_EQ(access(other_.file("a").c_str(), F_OK), -1);
  EXPECT_EQ(access(other_.file("d").c_str(), F_OK), -1);
  EXPECT_EQ(access(mine_.file("h").c_str(), F_OK), -1);
  EXPECT_EQ(access(other_.file("kept").c_str(), F_OK), 0);
}

TEST_F(Confine, NoSignalAndNoAbstractSocketReachesTheOutside) {
  if (landlock_version() < 6) GTEST_SKIP() << "signals and abstract sockets take Landlock of version 6";
  const UniqueFd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("tollgate-confine-{}", getpid());
  std::copy(name.begin(), name.end(), address.sun_path + 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(bind(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(socket_fd.get(), 1), 0);
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "/usr/bin/python3 is not installed";
  const auto done = shell(fmt::format(
      "kill -0 {} 2>/dev/null || echo refused; kill -0 $$ && echo allowed; /usr/bin/python3 -c 'import socket\n"
      "try:\n socket.socket(socket.AF_UNIX).connect(\"\\0{}\")\nexcept PermissionError: print(\"refused\")'",
      getpid(), name));
  EXPECT_EQ(done.output, "refused\nallowed\nrefused\n") << done.error;
}

TEST_F(Confine, ItsOwnDescriptorsStayBehind) {
  const UniqueFd kept(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  os::Command command;
  command.argv = {TOLLGATE_CONFINE, "--", "/bin/ls", "/proc/self/fd"};
  command.descriptors = {{7, kept.get()}};
  EXPECT_EQ(run(std::move(command)).output, "0\n1\n2\n3\n") << "ls has the directory itself open";
}

TEST_F(Confine, WhatCannotBeDoneIsSaidAndNothingIsExecuted) {
  const auto absent = confine({"--write", other_.file("absent"), "--", "/bin/echo", "executed"});
  EXPECT_EQ(absent.output, "");
  EXPECT_EQ(absent.status, 126);
  EXPECT_NE(absent.error.find("absent: No such file or directory"), std::string::npos) << absent.error;
  const auto program = confine({"--", other_.file("program")});
  EXPECT_EQ(program.status, 127);
  EXPECT_NE(program.error.find("cannot be executed"), std::string::npos) << program.error;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{}, {"--write"}, {"--write", "/tmp"}, {"--"}, {"/bin/echo"}}) {
    EXPECT_EQ(confine(words).status, 64);
  }
}

}  // namespace
}  // namespace tollgate
