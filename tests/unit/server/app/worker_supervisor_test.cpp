#include "server/app/worker_supervisor.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "common/base/unique_fd.h"
#include "tests/support/forked.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::app {
namespace {

// A worker that notes its start and its end in a file.
constexpr const char* kWorker =
    "echo start $$ >>\"$NOTES\"; trap 'echo end >>\"$NOTES\"; exit 0' TERM; echo >&4; "
    "while :; do sleep 0.02; done";

class WorkerSupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_.get(), 16), 0);
    socklen_t size = sizeof address_;
    ASSERT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }

  SupervisorOptions options(const std::string& script) const {
    SupervisorOptions result;
    result.worker_argv = {"/bin/sh", "-c", script};
    result.environment.set("NOTES", notes_path()).set("PATH", "/usr/bin:/bin");
    result.listen_fd = listener_.get();
    return result;
  }
  test::Forked supervise(const std::string& script, Duration grace = Duration(35000)) const {
    return test::Forked([this, script, grace] {
      SilentLog log;
      SystemClock clock;
      SupervisorOptions made = options(script);
      made.stop_grace = grace;
      const auto ended = supervise_workers(made, log, clock);
      return ended ? *ended : (ended.error().reason == "worker_dies" ? 42 : 43);
    });
  }

  std::string notes_path() const { return folder_.file("notes"); }
  std::string notes() const {
    std::ifstream file(notes_path());
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  long count(const std::string& word) const {
    std::istringstream text(notes());
    long found = 0;
    for (std::string line; std::getline(text, line);)
      found += line.starts_with(word) ? 1 : 0;
    return found;
  }
  bool can_connect() const {
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0) return false;
    // These workers accept nothing: taken out of the queue, so that it does not fill up.
    return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)).get() >= 0;
  }
  pid_t last_worker() const {
    const std::string text = notes();
    return static_cast<pid_t>(std::stol(text.substr(text.rfind("start ") + 6)));
  }

  test::TemporaryDirectory folder_;
  UniqueFd listener_;
  sockaddr_in address_{};
};

TEST_F(WorkerSupervisorTest, ReplacesTheWorkerAndNeverRefusesAConnection) {
  test::Forked supervisor = supervise(kWorker);
  ASSERT_TRUE(test::eventually([&] { return count("start") == 1; }));
  for (int round = 2; round <= 4; ++round) {
    supervisor.kill(SIGHUP);
    ASSERT_TRUE(test::eventually([&] {
      EXPECT_TRUE(can_connect());
      return count("start") == round;
    }));
    EXPECT_EQ(count("end"), round - 1) << "the old one ends before the new one starts";
  }
  supervisor.kill(SIGTERM);
  EXPECT_EQ(supervisor.exit_code(), 0);
  EXPECT_EQ(count("end"), 4);
}

TEST_F(WorkerSupervisorTest, StartsAnotherWhereOneDies) {
  test::Forked supervisor = supervise(kWorker);
  ASSERT_TRUE(test::eventually([&] { return count("start") == 1; }));
  // Readiness is written after the note; a death before it would count as a failed start.
  ASSERT_TRUE(test::eventually([&] { return test::process_state(last_worker()) == 'S'; }));
  usleep(50000);
  ::kill(last_worker(), SIGKILL);
  EXPECT_TRUE(test::eventually([&] { return count("start") == 2; }));
  EXPECT_TRUE(can_connect());
  supervisor.kill(SIGTERM);
  EXPECT_EQ(supervisor.exit_code(), 0);
}

TEST_F(WorkerSupervisorTest, GivesUpOnAWorkerThatKeepsDying) {
  EXPECT_EQ(supervise("echo start >>\"$NOTES\"; echo >&4; exit 1").exit_code(), 42);
  EXPECT_EQ(count("start"), 5);
}

TEST_F(WorkerSupervisorTest, DoesNotRepeatAStartThatNeverServed) {
  EXPECT_EQ(supervise("echo start >>\"$NOTES\"; exit 78").exit_code(), 42);
  EXPECT_EQ(count("start"), 1);
}

TEST_F(WorkerSupervisorTest, KillsAWorkerThatDoesNotEnd) {
  test::Forked supervisor =
      supervise("trap '' TERM; echo start $$ >>\"$NOTES\"; echo >&4; while :; do sleep 0.02; done", Duration(100));
  ASSERT_TRUE(test::eventually([&] { return count("start") == 1; }));
  supervisor.kill(SIGTERM);
  EXPECT_EQ(supervisor.exit_code(), 0);
}

}  // namespace
}  // namespace tollgate::app
