#include "server/app/curl_webhook.h"

#include <gtest/gtest.h>

#include "tests/unit/common/net/loopback_server.h"

namespace tollgate::app {
namespace {

using Server = net::LoopbackServer;

TEST(CurlWebhook, TakesHttpsToPublicAddressesAndWhatTheConfigurationNames) {
  const CurlWebhook sender("127.0.0.1:9000, Hooks.internal:8080,[::1]:9000", {});
  for (const char* url : {"https://hooks.example.com/a?b=c", "https://8.8.8.8:8443/", "http://127.0.0.1:9000/x",
                          "http://hooks.internal:8080/", "https://[::1]:9000/", "http://HOOKS.internal:8080/"}) {
    EXPECT_TRUE(sender.check(url)) << url;
  }
  for (const char* url :
       {"", "hooks.example.com", "http://hooks.example.com/", "ftp://hooks.example.com/",
        "https://user:pass@hooks.example.com/", "https://localhost/", "https://a.localhost/", "https://127.0.0.1/",
        "http://127.0.0.1:9001/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[::1]/",
        "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::a9fe:a9fe]/",
        "https://hooks.example.com/#part"}) {
    const auto checked = sender.check(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().code, Code::invalid) << url;
  }
  EXPECT_FALSE(sender.check("https://hooks.example.com/" + std::string(2048, 'a')));
}

TEST(CurlWebhook, SendsHeadersAndBodyAndReadsTheAnswer) {
  std::string seen;
  Server server([&](int fd, int) {
    seen = Server::read_request(fd);
    Server::write_all(fd, Server::ok("thanks"));
  });
  CurlWebhook sender(fmt::format("127.0.0.1:{}", server.port()), {});
  const auto answer = sender.send(server.url("/hook?a=b"), {{"X-TFE-Notification-Signature", "abc"}}, "{}");
  EXPECT_TRUE(answer.successful()) << answer.error;
  EXPECT_EQ(answer.body, "thanks");
  EXPECT_TRUE(seen.starts_with("POST /hook?a=b HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("X-TFE-Notification-Signature: abc\r\n"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("\r\n\r\n{}"));
}

// An exception is for one port; and what a check once let pass is looked at again with each message.
TEST(CurlWebhook, NothingIsSentToAnAddressThatIsNotAllowed) {
  Server server([&](int fd, int) { Server::write_all(fd, Server::ok("")); });
  CurlWebhook sender("127.0.0.1:1", {});
  for (const std::string& url :
       {server.url(), fmt::format("https://localhost:{}/", server.port()),
        fmt::format("https://2130706433:{}/", server.port()), fmt::format("https://127.1:{}/", server.port()),
        fmt::format("https://0x7f000001:{}/", server.port())}) {
    const auto answer = sender.send(url, {}, "{}");
    EXPECT_EQ(answer.status, 0) << url;
    EXPECT_FALSE(answer.error.empty()) << url;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(CurlWebhook, RedirectsAreNotFollowedAndErrorsNameTheHostAlone) {
  Server inner([&](int fd, int) { Server::write_all(fd, Server::ok("")); });
  Server server([&](int fd, int) {
    (void)Server::read_request(fd);
    Server::write_all(fd, fmt::format("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", inner.url()));
  });
  CurlWebhook sender(fmt::format("127.0.0.1:{},127.0.0.1:{}", server.port(), inner.port()), {});
  const auto answer = sender.send(server.url("/private-path"), {}, "{}");
  EXPECT_EQ(answer.status, 302);
  EXPECT_FALSE(answer.successful());
  EXPECT_NE(answer.error.find("redirects are not followed"), std::string::npos) << answer.error;
  EXPECT_EQ(answer.error.find("private-path"), std::string::npos);
  EXPECT_EQ(inner.connections(), 0);
  const int nobody = net::closed_port();
  CurlWebhook to_nobody(fmt::format("127.0.0.1:{}", nobody), {});
  const auto refused = to_nobody.send(fmt::format("http://127.0.0.1:{}/private-path", nobody), {}, "{}");
  EXPECT_EQ(refused.status, 0);
  EXPECT_NE(refused.error.find("cannot be reached"), std::string::npos) << refused.error;
  EXPECT_EQ(refused.error.find("private-path"), std::string::npos);
}

// Where the name leads was decided when it was looked at; libcurl does not look again.
TEST(CurlWebhook, TheConnectionGoesToTheAddressThatWasLookedAt) {
  Server server([&](int fd, int) {
    (void)Server::read_request(fd);
    Server::write_all(fd, Server::ok("pinned"));
  });
  const auto client = net::make_curl_client({});
  net::Request request;
  request.url = fmt::format("http://no-such-name.invalid:{}/", server.port());
  request.connect_to = "127.0.0.1";
  request.use_proxy = false;
  const auto response = client->send(request);
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_EQ(response->body, "pinned");
  request.connect_to.clear();
  EXPECT_FALSE(client->send(request)) << "the pin is of one request";
}

}  // namespace
}  // namespace tollgate::app
