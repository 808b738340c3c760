// Who gets credentials at the endpoint of a phase, and who does not.
#include "runner/credentials_endpoint.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

namespace tollgate::runner {
namespace {

class CredentialsEndpointTest : public testing::Test {
 protected:
  std::string ask(const std::string& head) const { return std::string(endpoint.answer(head).reveal()); }
  std::string with_token(const std::string& line) const {
    return fmt::format("{}\r\nHost: 127.0.0.1:18080\r\nAUTHORIZATION:  {}\r\n", line, endpoint.token().reveal());
  }

  SystemRandom random;
  std::string document = R"({"AccessKeyId":"ASIA1"})";
  CredentialsEndpoint endpoint{random, [this] { return Secret(document); }};
};

TEST_F(CredentialsEndpointTest, TellsSdksWhereAndWithWhat) {
  const auto variables = endpoint.variables(18080);
  ASSERT_EQ(variables.size(), 2u);
  EXPECT_EQ(variables[0].first, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  EXPECT_EQ(variables[0].second, "http://127.0.0.1:18080/credentials");
  EXPECT_EQ(variables[1].first, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  EXPECT_EQ(variables[1].second, endpoint.token().reveal());
  EXPECT_EQ(variables[1].second.size(), 64u);
  const CredentialsEndpoint other(random, [] { return Secret(); });
  EXPECT_NE(other.token().reveal(), endpoint.token().reveal());
}

TEST_F(CredentialsEndpointTest, GivesWhatThereIsToWhoeverHasTheToken) {
  const std::string answer = ask(with_token("GET /credentials HTTP/1.1"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + document)) << answer;
  EXPECT_NE(answer.find("Cache-Control: no-store"), std::string::npos);
  document.clear();
  EXPECT_TRUE(ask(with_token("GET /credentials HTTP/1.1")).starts_with("HTTP/1.1 400 "));
}

TEST_F(CredentialsEndpointTest, RefusesEverythingElse) {
  const std::string token(endpoint.token().reveal());
  for (const std::string& head :
       {std::string("GET /credentials HTTP/1.1\r\nHost: x\r\n"),
        std::string("GET /credentials HTTP/1.1\r\nAuthorization: guess\r\n"),
        "GET /credentials HTTP/1.1\r\nAuthorization: " + token + "x\r\n",
        "GET /credentials HTTP/1.1\r\nAuthorization: " + token.substr(1) + "\r\n",
        "GET /credentials HTTP/1.1\r\nAuthorization: " + token + "\r\nAuthorization: " + token + "\r\n",
        "GET /credentials?Authorization=" + token + " HTTP/1.1\r\n", std::string("\r\n"), std::string("nonsense")}) {
    const std::string answer = ask(head);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << head << answer;
    EXPECT_EQ(answer.find("ASIA1"), std::string::npos);
  }
  for (const char* line : {"POST /credentials HTTP/1.1", "GET / HTTP/1.1", "GET /credentials/ HTTP/1.1"})
    EXPECT_TRUE(ask(with_token(line)).starts_with("HTTP/1.1 404 ")) << line;
}

// What a client reads from the port until it is closed; `say` is sent in two pieces.
std::string talk_to(std::uint16_t port, const std::string& say) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "refused";
  send(fd.get(), say.data(), say.size() / 2, MSG_NOSIGNAL);
  send(fd.get(), say.data() + say.size() / 2, say.size() - say.size() / 2, MSG_NOSIGNAL);
  std::string heard;
  char buffer[4096];
  for (ssize_t got = 0; (got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
    heard.append(buffer, static_cast<std::size_t>(got));
  return heard;
}

TEST_F(CredentialsEndpointTest, ServesOneProgramAfterAnother) {
  for (int program = 0; program < 2; ++program) {
    UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(listener.get(), 8), 0);
    getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    const std::uint16_t port = ntohs(address.sin_port);
    endpoint.listen_on(std::move(listener));
    std::atomic<bool> over{false};
    std::string good;
    std::string bad;
    std::string endless;
    std::thread client([&] {
      good = talk_to(port, with_token("GET /credentials HTTP/1.1") + "\r\n");
      bad = talk_to(port, "GET /credentials HTTP/1.1\r\n\r\n");
      endless = talk_to(port, "GET /" + std::string(40000, 'x'));
      over = true;
    });
    while (!over) {
      std::vector<pollfd> entries;
      endpoint.add_to(entries);
      poll(entries.data(), entries.size(), 50);
      endpoint.handle(entries.data(), entries.size());
    }
    client.join();
    EXPECT_TRUE(good.ends_with(document)) << good;
    EXPECT_TRUE(bad.starts_with("HTTP/1.1 403 ")) << bad;
    EXPECT_EQ(endless.find("ASIA1"), std::string::npos);
    endpoint.listen_on({});
    EXPECT_EQ(talk_to(port, "x"), "refused");
  }
}

}  // namespace
}  // namespace tollgate::runner
