// The probes of a hostile configuration against the sandbox: none may succeed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "common/os/atomic_file.h"
#include "runner/isolation/sandbox.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::isolation {
namespace {

constexpr uid_t kOtherUser = 62001;  // in no passwd file

class Probes : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/bwrap", X_OK) != 0) GTEST_SKIP() << "bubblewrap is not installed";
    if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "/usr/bin/python3 is not installed";
    test::write_test_file(secret_.file("canary"), "canary", 0644);
    chmod(secret_.path().c_str(), 0755);
    const Result<std::string> script = os::read_file("tests/unit/runner/isolation/evil_probes.py", 1 << 20);
    ASSERT_TRUE(script) << "run from the top of the source tree";
    test::write_test_file(work_.file("probes.py"), *script, 0644);
    listener_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(listener_.get(), 16), 0);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    abstract_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const std::string name = fmt::format("tollgate-probe-{}", port_);
    std::memcpy(local.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    ASSERT_EQ(bind(abstract_.get(), reinterpret_cast<sockaddr*>(&local), length), 0);
    ASSERT_EQ(listen(abstract_.get(), 16), 0);
  }

  void expect_all_blocked(SandboxSpec spec, const char* mode) {
    spec.work_directory = work_.path();
    spec.confine = TOLLGATE_CONFINE;
    spec.environment.push_back({"PATH", Secret("/usr/bin")});
    spec.argv = {"/usr/bin/python3",
                 fmt::format("{}/probes.py", kWorkDirectory),
                 mode,
                 secret_.file("canary"),
                 std::to_string(getpid()),
                 std::to_string(port_)};
    if (spec.user) {
      ASSERT_EQ(chown(work_.path().c_str(), *spec.user, *spec.group), 0);
    }
    Result<SandboxedProgram> program = start(spec);
    ASSERT_TRUE(program) << program.error().text() << "; " << program.error().next;
    EXPECT_EQ(program->wait().status, 0);
    std::string text(65536, '\0');
    const ssize_t count = read(program->output.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    std::size_t blocked = 0;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      const std::string line = text.substr(at, text.find('\n', at) - at);
      blocked += line.rfind("blocked ", 0) == 0;
      EXPECT_NE(line.rfind("SUCCEEDED ", 0), 0U) << line;
      if (text.find('\n', at) == std::string::npos) break;
    }
    EXPECT_GE(blocked, 100U) << text;
    RecordProperty("blocked", static_cast<int>(blocked));
  }

  test::TemporaryDirectory work_;
  test::TemporaryDirectory secret_;
  UniqueFd listener_;
  UniqueFd abstract_;
  std::uint16_t port_ = 0;
};

TEST_F(Probes, NoneSucceedsAsTheRunnersOwnUser) {
  expect_all_blocked({}, "none");
}

TEST_F(Probes, NoneSucceedsAsAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "another user needs root";
  SandboxSpec spec;
  spec.user = kOtherUser;
  spec.group = kOtherUser;
  expect_all_blocked(spec, "none");
}

TEST_F(Probes, NoneSucceedsWithTheInternet) {
  if (access("/usr/bin/slirp4netns", X_OK) != 0) GTEST_SKIP() << "slirp4netns is not installed";
  if (access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "/dev/net/tun cannot be opened";
  SandboxSpec spec;
  spec.network = Network::internet;
  expect_all_blocked(spec, "internet");
}

TEST_F(Probes, ProcessesAndMemoryAreLimited) {
  SandboxSpec spec;
  spec.work_directory = work_.path();
  spec.argv = {"/usr/bin/bash", "-c", "for i in $(seq 100); do sleep 30 & done; sleep 30"};
  spec.environment.push_back({"PATH", Secret("/usr/bin")});
  spec.limits.processes = 20;
  spec.limits.wall_seconds = 3;
  Result<SandboxedProgram> program = start(spec);
  ASSERT_TRUE(program) << program.error().text();
  Exit end = program->wait();
  if (program->report().downgrades.empty()) {
    EXPECT_NE(std::find(end.limits.begin(), end.limits.end(), LimitHit::processes), end.limits.end());
  }
  spec.argv = {"/usr/bin/python3", "-c", "x = b'x' * (512 << 20)"};
  spec.limits = {};
  spec.limits.memory_bytes = 128 << 20;
  Result<SandboxedProgram> hog = start(spec);
  ASSERT_TRUE(hog) << hog.error().text();
  end = hog->wait();
  EXPECT_NE(end.status, 0);
  if (hog->report().downgrades.empty()) {
    EXPECT_EQ(end.limits, std::vector<LimitHit>{LimitHit::memory});
  }
}

TEST_F(Probes, StartUpCost) {
  SandboxSpec spec;
  spec.work_directory = work_.path();
  spec.argv = {"/usr/bin/true"};
  std::vector<long> micros;
  for (int i = 0; i < 20; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    Result<SandboxedProgram> program = start(spec);
    ASSERT_TRUE(program) << program.error().text();
    micros.push_back(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count());
    EXPECT_EQ(program->wait().status, 0);
  }
  std::sort(micros.begin(), micros.end());
  RecordProperty("median_microseconds", static_cast<int>(micros[10]));
}

}  // namespace
}  // namespace tollgate::isolation
