#include "runner/isolation/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "common/os/atomic_file.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::isolation {
namespace {

struct Outcome {
  Exit end;
  std::string output;
  std::string error;
};

std::string drain(const UniqueFd& fd) {
  std::string text;
  char buffer[65536];
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  for (ssize_t count; (count = read(fd.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

// Gone, but not yet waited for by whoever adopted it.
bool is_zombie(pid_t pid) {
  return os::read_file(fmt::format("/proc/{}/status", pid), 10000).value_or("").find("State:\tZ") != std::string::npos;
}

class Sandbox : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/bwrap", X_OK) != 0) GTEST_SKIP() << "bubblewrap is not installed";
    spec_.work_directory = work_.path();
    spec_.confine = TOLLGATE_CONFINE;
    spec_.environment.push_back({"PATH", Secret("/usr/bin:/usr/sbin")});
  }
  SandboxSpec shell(const std::string& script) const {
    SandboxSpec spec = spec_;
    spec.argv = {"/usr/bin/bash", "-c", script};
    return spec;
  }
  // Output must fit into a pipe.
  static Outcome run(const SandboxSpec& spec) {
    Result<SandboxedProgram> program = start(spec);
    if (!program) {
      ADD_FAILURE() << program.error().text();
      return {};
    }
    Outcome outcome;
    outcome.end = program->wait();
    outcome.output = drain(program->output);
    outcome.error = drain(program->error);
    return outcome;
  }
  static std::string first_line(SandboxedProgram& program) {
    std::string line;
    char byte = 0;
    while (read(program.output.get(), &byte, 1) == 1 && byte != '\n')
      line += byte;
    return line;
  }

  test::TemporaryDirectory work_;
  SandboxSpec spec_;
};

TEST_F(Sandbox, PassesOutputErrorsAndTheExitStatus) {
  const Outcome outcome = run(shell("echo out; echo err >&2; pwd; exit 7"));
  EXPECT_EQ(outcome.end.status, 7);
  EXPECT_EQ(outcome.output, fmt::format("out\n{}\n", kWorkDirectory));
  EXPECT_EQ(outcome.error, "err\n");
  EXPECT_TRUE(outcome.end.limits.empty());
  EXPECT_EQ(run(shell("kill -TERM $$")).end.status, 128 + SIGTERM);
}

TEST_F(Sandbox, EnvironmentIsExactlyWhatWasGivenAndNowhereElse) {
  SandboxSpec spec = shell(
      "/usr/bin/env | sort | cut -d= -f1 | tr '\\n' ' '; tr '\\0' '\\n' < /proc/1/environ;"
      "tr '\\0' ' ' < /proc/1/cmdline | grep -c CANAR[Y]; grep -c CANAR[Y] /proc/self/environ");
  spec.environment.push_back({"SECRET", Secret("CANARY")});
  const Outcome outcome = run(spec);
  EXPECT_EQ(outcome.output, "PATH PWD SECRET SHLVL _ 0\n1\n");
}

TEST_F(Sandbox, WorkDirectoryIsWritableAndTheSystemIsNot) {
  const Outcome outcome =
      run(shell("echo x > file && echo good; echo x > /usr/x; echo x > /etc/x;"
                "echo x > /new; mkdir /run/other; echo x > /tmp/y && echo good; ls /sys /root"));
  EXPECT_EQ(outcome.output, "good\ngood\n");
  struct stat status {};
  EXPECT_EQ(stat(work_.file("file").c_str(), &status), 0);
}

TEST_F(Sandbox, OnlyTheThreeStandardDescriptorsAreOpen) {
  const int inherited = open("/etc/passwd", O_RDONLY);  // not close-on-exec
  const Outcome outcome = run(shell("ls /proc/self/fd | tr '\\n' ' '; ls -l /proc/1/fd | grep -c passwd"));
  close(inherited);
  EXPECT_EQ(outcome.output, "0 1 2 3 0\n");  // 3: the directory that ls reads
}

TEST_F(Sandbox, InterruptArrivesOnceAndAtTheProgramAlone) {
  Result<SandboxedProgram> program = start(shell(
      "n=0; trap 'n=$((n+1))' INT; (trap 'echo child >> hit' INT; for i in $(seq 20); do sleep 0.05; done) & echo up;"
      "wait; wait; echo $n"));
  ASSERT_TRUE(program) << program.error().text();
  EXPECT_EQ(first_line(*program), "up");
  program->interrupt();
  program->interrupt();
  EXPECT_EQ(program->wait().status, 0);
  EXPECT_EQ(drain(program->output), "1\n");
  EXPECT_NE(access(work_.file("hit").c_str(), F_OK), 0);
}

TEST_F(Sandbox, NothingSurvivesTheProgramNorKeepsItsLogOpen) {
  const Outcome outcome =
      run(shell("setsid bash -c 'trap \"\" TERM HUP INT; sleep 1000 & sleep 1000' & disown; echo $$; exit 0"));
  EXPECT_EQ(outcome.end.status, 0);
  EXPECT_EQ(outcome.output, "2\n");
}

TEST_F(Sandbox, KillEndsWhatIgnoresEverything) {
  Result<SandboxedProgram> program = start(shell("trap '' INT TERM HUP; echo up; while :; do sleep 100; done"));
  ASSERT_TRUE(program) << program.error().text();
  EXPECT_EQ(first_line(*program), "up");
  program->terminate();
  program->kill();
  EXPECT_EQ(program->wait().status, 128 + SIGKILL);
}

TEST_F(Sandbox, WallTimeIsALimit) {
  SandboxSpec spec = shell("sleep 100");
  spec.limits.wall_seconds = 1;
  EXPECT_EQ(run(spec).end.limits, std::vector<LimitHit>{LimitHit::wall_time});
}

TEST_F(Sandbox, DiskIsALimit) {
  SandboxSpec spec = shell("for i in $(seq 64); do head -c 1048576 /dev/zero > $i; done; sleep 100");
  spec.limits.disk_bytes = 8 << 20;
  EXPECT_EQ(run(spec).end.limits, std::vector<LimitHit>{LimitHit::disk});
  spec = shell("head -c 2000000 /dev/zero > big; wc -c < big");
  spec.limits.file_bytes = 1 << 20;
  EXPECT_EQ(run(spec).output, "1048576\n");
}

TEST_F(Sandbox, MissingPartsAreNamedAndNothingIsStarted) {
  SandboxSpec spec = shell("echo x > started");
  spec.bwrap = "/nonexistent/bwrap";
  Result<SandboxedProgram> program = start(spec);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().reason, "sandbox_unavailable");
  EXPECT_FALSE(program.error().next.empty());
  spec = shell("echo x > started");
  spec.readable.push_back({"/nonexistent/mirror", ""});
  EXPECT_EQ(start(spec).error().reason, "sandbox_unavailable");
  spec.readable = {{"/etc/hostname", "/proc/1/x"}};  // bubblewrap itself cannot do it
  program = start(spec);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().reason, "sandbox_unavailable");
  EXPECT_NE(access(work_.file("started").c_str(), F_OK), 0);
}

TEST_F(Sandbox, UnsandboxedSaysSoAndRunsAPlainChild) {
  SandboxSpec spec =
      shell("pwd; setsid bash -c 'echo $$ > left; exec sleep 5' & while [ ! -s left ]; do :; done; exit 3");
  spec.unsandboxed = true;
  Result<SandboxedProgram> program = start(spec);
  ASSERT_TRUE(program) << program.error().text();
  EXPECT_EQ(program->report().applied.front(), "none");
  EXPECT_EQ(program->wait().status, 3);
  const pid_t left = std::stoi(os::read_file(work_.file("left"), 100).value_or("0"));
  ASSERT_GT(left, 0);
  // Without a control group the report has a second sentence, and the process may be there.
  if (program->report().downgrades.size() == 1) {
    EXPECT_TRUE(::kill(left, 0) != 0 || is_zombie(left));
  }
  EXPECT_EQ(drain(program->output), work_.path() + "\n");
}

// A server of the test on a port of 127.0.0.1.
class Echo {
 public:
  Echo() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd_.get(), 8) != 0) abort();
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      const UniqueFd connection(accept(fd_.get(), nullptr, nullptr));
      if (connection) [[maybe_unused]]
        const ssize_t ignored = write(connection.get(), "hello\n", 6);
    });
  }
  ~Echo() {
    shutdown(fd_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::uint16_t port = 0;

 private:
  UniqueFd fd_;
  std::thread thread_;
};

TEST_F(Sandbox, LoopbackPortsAreLetInOneByOne) {
  Echo let_in;
  Echo not_let_in;
  const std::string script = fmt::format(
      "head -n1 < /dev/tcp/127.0.0.1/{}; (: < /dev/tcp/127.0.0.1/{}) || echo refused", let_in.port, not_let_in.port);
  SandboxSpec spec = shell(script);
  spec.loopback_ports = {let_in.port};
  EXPECT_EQ(run(spec).output, "hello\nrefused\n");
}

TEST_F(Sandbox, TheCallerServesAPortInside) {
  SandboxSpec spec = shell("head -n1 < /dev/tcp/127.0.0.1/18080");
  spec.served_ports = {18080};
  Result<SandboxedProgram> program = start(spec);
  ASSERT_TRUE(program) << program.error().text();
  ASSERT_EQ(program->listeners.size(), 1U);
  {
    const UniqueFd connection(accept(program->listeners[0].get(), nullptr, nullptr));
    ASSERT_TRUE(connection);
    ASSERT_EQ(write(connection.get(), "credentials\n", 12), 12);
  }
  EXPECT_EQ(program->wait().status, 0);
  EXPECT_EQ(drain(program->output), "credentials\n");
}

TEST_F(Sandbox, ProgramsOneAfterTheOtherShareAKeptNetwork) {
  SandboxSpec spec = shell("readlink /proc/self/ns/net; head -n1 < /dev/tcp/127.0.0.1/18080");
  spec.served_ports = {18080};
  const auto one = [&] {
    Result<SandboxedProgram> program = start(spec);
    if (!program) return program.error().text();
    {
      // Closed on our side first, so that its end waits in the network that the next one gets.
      const UniqueFd connection(accept(program->listeners.at(0).get(), nullptr, nullptr));
      if (write(connection.get(), "credentials\n", 12) != 12) return std::string("not written");
    }
    program->wait();
    return drain(program->output);
  };
  // All networks that are compared are held, because the number of one that is gone may be another's next.
  const auto kept = std::make_shared<KeptNetwork>();
  EXPECT_FALSE(kept->is_there());
  spec.kept_network = kept;
  const std::string first = one();
  EXPECT_NE(first.find("credentials\n"), std::string::npos) << first;
  EXPECT_TRUE(kept->is_there());
  EXPECT_EQ(one(), first);
  EXPECT_EQ(one(), first);
  spec.kept_network = std::make_shared<KeptNetwork>();
  EXPECT_NE(one(), first);
  spec.kept_network = nullptr;
  EXPECT_NE(one(), first) << "a network of its own for each";
}

TEST_F(Sandbox, AKeptNetworkThatLostItsConnectionIsMadeAnew) {
  SandboxSpec spec = shell("readlink /proc/self/ns/net");
  spec.kept_network = std::make_shared<KeptNetwork>();
  const std::string first = run(spec).output;
  // Else its number might be the next one's.
  const UniqueFd held(fcntl(spec.kept_network->network_namespace(), F_DUPFD_CLOEXEC, 0));
  os::Command command;
  command.argv = {"/usr/bin/true"};
  Result<os::ChildProcess> ended = os::spawn(command);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(spec.kept_network->keep(getpid(), std::move(*ended)));
  while (spec.kept_network->is_there())
    sched_yield();
  EXPECT_NE(run(spec).output, first);
  EXPECT_TRUE(spec.kept_network->is_there());
}

TEST_F(Sandbox, LandlockIsInForceWhereTheKernelHasIt) {
  const bool there = syscall(444, nullptr, 0, 1U) >= 2;
  const auto reported = [](const SandboxSpec& spec) {
    Result<SandboxedProgram> program = start(spec);
    EXPECT_TRUE(program);
    program->wait();
    return program->report();
  };
  SandboxSpec spec = shell("exit 0");
  const IsolationReport with = reported(spec);
  EXPECT_EQ(std::count(with.applied.begin(), with.applied.end(), "landlock"), there ? 1 : 0);
  EXPECT_EQ(with.downgrades.empty(), there);
  spec.confine.clear();
  const IsolationReport without = reported(spec);
  EXPECT_EQ(std::count(without.applied.begin(), without.applied.end(), "landlock"), 0);
  ASSERT_FALSE(without.downgrades.empty());
  EXPECT_NE(without.downgrades.front().find("Landlock"), std::string::npos);
  spec.confine = work_.file("absent");
  const auto refused = start(spec);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("absent is not there"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::isolation
