#include "common/fetch/client/fetch_client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <string>

#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/common/net/loopback_server.h"

namespace tollgate::fetch {
namespace {

using net::Delivery;
using Server = net::LoopbackServer;

const std::string kProgram = TOLLGATE_FETCH_PROGRAM;

net::Request post_to(const std::string& url, std::string body = "TokenCode=123456") {
  net::Request request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"X-Amz-Security-Token", "token"}};
  request.body = std::move(body);
  return request;
}

class FetchClientTest : public testing::Test {
 protected:
  // A shell script in place of tollgate-fetch.
  std::string script(const std::string& lines) {
    const std::string path = folder.file("fetch");
    test::write_test_file(path, "#!/bin/sh\n" + lines, 0700);
    return path;
  }
  // A script that writes down its process id and becomes the program.
  std::string recorded_program() { return script("echo $$ > " + pid_file() + "\nexec " + kProgram + "\n"); }
  std::string pid_file() { return folder.file("pid"); }
  pid_t recorded_pid() { return static_cast<pid_t>(std::stol(test::read_whole_file(pid_file()))); }
  static std::unique_ptr<net::Client> client(const std::string& program) {
    return make_fetch_client({program, {}, ""});
  }

  test::TemporaryDirectory folder;
};

// Waits for the end of any process, related or not.
bool ended_within(pid_t pid, int milliseconds) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return errno == ESRCH;
  pollfd entry{process.get(), POLLIN, 0};
  return poll(&entry, 1, milliseconds) == 1;
}

TEST_F(FetchClientTest, OneProgramServesAllRequestsOverOneConnection) {
  Server server([](int fd, int) {
    while (true) {
      const std::string request = Server::read_request(fd);
      if (request.empty()) return;
      Server::write_all(fd, Server::ok(request.substr(request.find("\r\n\r\n") + 4)));
    }
  });
  const auto fetch = client(recorded_program());
  pid_t first = 0;
  for (int i = 0; i < 3; ++i) {
    const auto response = fetch->send(post_to(server.url(), "body " + std::to_string(i)));
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "body " + std::to_string(i));
    if (i == 0) first = recorded_pid();
  }
  EXPECT_EQ(recorded_pid(), first);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(FetchClientTest, HandsOnHowFarARequestCame) {
  const auto fetch = client(kProgram);
  const auto refused = fetch->send(post_to("http://127.0.0.1:" + std::to_string(net::closed_port())));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().delivery, Delivery::not_sent);
  EXPECT_EQ(refused.error().error.code, Code::unavailable);
  Server server([](int fd, int) { Server::read_request(fd); });
  const auto lost = fetch->send(post_to(server.url()));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().delivery, Delivery::unknown);
  EXPECT_EQ(lost.error().error.message.find("123456"), std::string::npos);
}

TEST_F(FetchClientTest, AProgramThatDiedWhileIdleIsReplaced) {
  Server server([](int fd, int) {
    while (!Server::read_request(fd).empty())
      Server::write_all(fd, Server::ok("x"));
  });
  const auto fetch = client(recorded_program());
  ASSERT_TRUE(fetch->send(post_to(server.url())));
  const pid_t first = recorded_pid();
  ASSERT_EQ(kill(first, SIGKILL), 0);
  ASSERT_TRUE(ended_within(first, 5000));
  ASSERT_TRUE(fetch->send(post_to(server.url())));
  EXPECT_NE(recorded_pid(), first);
}

TEST_F(FetchClientTest, AProgramThatDiesWithTheRequestLeavesTheOutcomeUnknown) {
  const auto fetch = client(recorded_program());
  int requests = 0;
  Server server([&](int fd, int) {
    if (Server::read_request(fd).empty()) return;
    ++requests;
    kill(recorded_pid(), SIGKILL);
  });
  const auto lost = fetch->send(post_to(server.url()));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().delivery, Delivery::unknown);
  EXPECT_EQ(requests, 1);
}

TEST_F(FetchClientTest, NothingWasSentByAProgramThatNeverTookTheWholeRequest) {
  const std::string large(4 << 20, 'x');  // does not fit into a socket's buffer
  const auto unread = client(script("exit 0\n"))->send(post_to("http://127.0.0.1:1/", large));
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().delivery, Delivery::not_sent);
  const auto missing = client(folder.file("no-such-program"))->send(post_to("http://127.0.0.1:1/"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().delivery, Delivery::not_sent);
  EXPECT_NE(missing.error().error.next.find("tollgate-fetch"), std::string::npos);
}

TEST_F(FetchClientTest, NonsenseFromTheProgramLeavesTheOutcomeUnknown) {
  const std::string large_frame = "printf '\\377\\377\\377\\377'; exec cat > /dev/null\n";
  const std::string bad_payload = "printf '\\000\\000\\000\\001x'; exec cat > /dev/null\n";
  const std::string torn = "printf '\\000\\000\\000\\011\\001'; head -c 4 > /dev/null\n";
  for (const auto& lines : {large_frame, bad_payload, torn}) {
    const auto failed = client(script(lines))->send(post_to("http://127.0.0.1:1/"));
    ASSERT_FALSE(failed) << lines;
    EXPECT_EQ(failed.error().delivery, Delivery::unknown) << lines;
    EXPECT_EQ(failed.error().error.code, Code::unknown);
  }
}

TEST_F(FetchClientTest, TheProgramSeesOnlyWhatItNeedsOfTheEnvironment) {
  const std::string seen = folder.file("environment");
  FetchOptions options;
  options.program =
      script("/usr/bin/env > " + seen + "\ntr '\\000' '\\n' < /proc/$$/cmdline >> " + seen + "\nexit 0\n");
  options.environment = {"AWS_SECRET_ACCESS_KEY=s3cr3t", "AWS_SESSION_TOKEN=s3cr3t", "HOME=/home/x",
                         "HTTPS_PROXY=http://proxy:1",   "no_proxy=example.com",     "LD_PRELOAD=/evil.so",
                         "AWS_CA_BUNDLE=/etc/other.pem", "HTTPS_PROXY=second"};
  options.ca_file = "/etc/profile.pem";
  EXPECT_FALSE(make_fetch_client(options)->send(post_to("http://127.0.0.1:1/", std::string(4 << 20, 's'))));
  const std::string text = test::read_whole_file(seen);
  EXPECT_NE(text.find("HTTPS_PROXY=http://proxy:1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("no_proxy=example.com\n"), std::string::npos);
  EXPECT_NE(text.find("AWS_CA_BUNDLE=/etc/profile.pem\n"), std::string::npos);
  for (const std::string unwanted : {"s3cr3t", "HOME=/home/x", "LD_PRELOAD", "second", "other.pem"}) {
    EXPECT_EQ(text.find(unwanted), std::string::npos) << unwanted;
  }
}

TEST_F(FetchClientTest, TheProgramLeavesNoCore) {
  Server server([](int fd, int) {
    Server::read_request(fd);
    Server::write_all(fd, Server::ok("x"));
  });
  const auto fetch = client(recorded_program());
  ASSERT_TRUE(fetch->send(post_to(server.url())));
  const std::string limits = test::read_whole_file("/proc/" + std::to_string(recorded_pid()) + "/limits");
  const auto line = limits.substr(limits.find("Max core file size"));
  EXPECT_EQ(line.substr(26, 1), "0") << line.substr(0, 60);
}

TEST_F(FetchClientTest, TheProgramEndsWithTheClientAndWithTheProcess) {
  Server server([](int fd, int) {
    while (!Server::read_request(fd).empty())
      Server::write_all(fd, Server::ok("x"));
  });
  auto fetch = client(recorded_program());
  ASSERT_TRUE(fetch->send(post_to(server.url())));
  const pid_t first = recorded_pid();
  fetch.reset();
  EXPECT_TRUE(ended_within(first, 5000));

  // A process that is killed cannot clean up; its fetch program must go all the same, even in the middle of a request.
  Server silent([](int fd, int) {
    if (Server::read_request(fd).empty()) return;
    Server::read_request(fd);
  });
  const std::string program = recorded_program();
  test::write_test_file(pid_file(), "");
  const pid_t process = fork();
  if (process == 0) {
    const auto doomed = make_fetch_client({program, {}, ""});
    (void)doomed->send(post_to(silent.url()));
    _exit(0);
  }
  while (silent.connections() == 0)
    sched_yield();
  const pid_t second = recorded_pid();
  kill(process, SIGKILL);
  EXPECT_TRUE(ended_within(second, 5000));
  EXPECT_EQ(waitpid(process, nullptr, 0), process);
}

}  // namespace
}  // namespace tollgate::fetch
