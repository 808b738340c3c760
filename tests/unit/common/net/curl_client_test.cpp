#include "common/net/curl/curl_client.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "common/http/server.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/common/net/loopback_server.h"

namespace tollgate::net {
namespace {

using Server = LoopbackServer;

Request post_to(const std::string& url, std::string body = "Action=X") {
  Request request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = std::move(body);
  request.connect_timeout = std::chrono::milliseconds(2000);
  request.total_timeout = std::chrono::milliseconds(3000);
  return request;
}

TEST(CurlClient, SendsWhatItIsGiven) {
  std::string seen;
  Server server([&](int fd, int) {
    seen = Server::read_request(fd);
    Server::write_all(fd,
                      "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 403 Forbidden\r\nX-A:  one \r\nX-A: "
                      "two\r\nContent-Length: 4\r\n\r\nbody");
  });
  auto client = make_curl_client({});
  Request request = post_to(server.url("/a/../b%2F?q=1"), std::string("a\0b", 3));
  request.headers.emplace_back("Host", "sts.amazonaws.com");
  request.headers.emplace_back("X-Empty", "");
  request.headers.emplace_back("content-length", "999");
  const auto response = client->send(request);
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(response->body, "body");
  EXPECT_EQ(*find_header(response->headers, "x-a"), "one");
  EXPECT_EQ(find_header(response->headers, "x-interim"), nullptr);
  EXPECT_TRUE(seen.starts_with("POST /a/../b%2F?q=1 HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("\r\nHost: sts.amazonaws.com\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nX-Empty:"), std::string::npos);
  EXPECT_NE(seen.find("\r\nUser-Agent: tollgate/"), std::string::npos);
  EXPECT_NE(seen.find("\r\nContent-Length: 3\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("999"), std::string::npos);
  EXPECT_EQ(seen.find("Expect:"), std::string::npos);
  EXPECT_TRUE(seen.ends_with(std::string("\r\n\r\na\0b", 7)));
}

TEST(CurlClient, UsesEveryMethodWithoutInventingHeaders) {
  for (const std::string method : {"GET", "HEAD", "PUT", "DELETE", "POST"}) {
    std::string seen;
    Server server([&](int fd, int) {
      seen = Server::read_request(fd);
      Server::write_all(fd, method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" : Server::ok(""));
    });
    Request request;
    request.method = method;
    request.url = server.url();
    const auto response = make_curl_client({})->send(request);
    ASSERT_TRUE(response) << method << ": " << response.error().error.message;
    EXPECT_TRUE(seen.starts_with(method + " / HTTP/1.1\r\n")) << seen;
    EXPECT_EQ(seen.find("Content-Type"), std::string::npos) << seen;
    EXPECT_EQ(seen.find("Content-Length: 0") != std::string::npos, method == "PUT" || method == "POST") << seen;
  }
}

TEST(CurlClient, FollowsNoRedirect) {
  Server server([](int fd, int) {
    Server::read_request(fd);
    Server::write_all(fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  });
  const auto response = make_curl_client({})->send(post_to(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
}

// ---- How far a failed request came ----

TEST(CurlClient, NothingWasSentWhereNobodyListens) {
  const auto failed = make_curl_client({})->send(post_to("http://127.0.0.1:" + std::to_string(closed_port())));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().delivery, Delivery::not_sent);
  EXPECT_EQ(failed.error().error.code, Code::unavailable);
  EXPECT_NE(failed.error().error.message.find("127.0.0.1"), std::string::npos);
  EXPECT_FALSE(failed.error().error.next.empty());
}

TEST(CurlClient, NothingWasSentToANameThatDoesNotExist) {
  const auto failed = make_curl_client({})->send(post_to("http://does-not-exist.invalid/"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().delivery, Delivery::not_sent);
}

TEST(CurlClient, NothingWasSentWhereTlsFails) {
  struct Case {
    std::string name;
    std::function<void(int)> behave;
  };
  const std::vector<Case> cases = {
      {"plain_http", [](int fd) { Server::write_all(fd, "HTTP/1.1 400 Bad Request\r\n\r\n"); }},
      {"closes", [](int) {}},
      {"resets", [](int fd) { Server::reset_on_close(fd); }},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    std::string seen;
    Server server([&](int fd, int) {
      char buffer[4096];
      const ssize_t count = recv(fd, buffer, sizeof buffer, 0);
      if (count > 0) seen.assign(buffer, static_cast<std::size_t>(count));
      one.behave(fd);
    });
    const auto failed = make_curl_client({})->send(
        post_to("https://127.0.0.1:" + std::to_string(server.port()) + "/", "TokenCode=123456"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().delivery, Delivery::not_sent);
    EXPECT_EQ(seen.find("123456"), std::string::npos);
  }
}

TEST(CurlClient, NothingWasSentWhenTlsIsSlow) {
  Server server([](int fd, int) {
    char buffer[4096];
    while (recv(fd, buffer, sizeof buffer, 0) > 0) {
    }
  });
  Request request = post_to("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  request.connect_timeout = request.total_timeout = std::chrono::milliseconds(100);
  const auto failed = make_curl_client({})->send(request);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().delivery, Delivery::not_sent);
}

TEST(CurlClient, TheOutcomeIsUnknownOnceTheRequestWasOnItsWay) {
  struct Case {
    std::string name;
    std::function<void(int)> behave;
  };
  const std::vector<Case> cases = {
      {"reset_before_reading",
       [](int fd) {
         // Before the request has come, a reset would prove that it was not read.
         pollfd arrived{fd, POLLIN, 0};
         poll(&arrived, 1, 10'000);
         Server::reset_on_close(fd);
       }},
      {"closed_after_reading", [](int fd) { Server::read_request(fd); }},
      {"reset_after_reading",
       [](int fd) {
         Server::read_request(fd);
         Server::reset_on_close(fd);
       }},
      {"truncated_body",
       [](int fd) {
         Server::read_request(fd);
         Server::write_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
       }},
      {"truncated_chunks",
       [](int fd) {
         Server::read_request(fd);
         Server::write_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf");
       }},
      {"truncated_head",
       [](int fd) {
         Server::read_request(fd);
         Server::write_all(fd, "HTTP/1.1 200 OK\r\nContent-Le");
       }},
      {"not_http",
       [](int fd) {
         Server::read_request(fd);
         Server::write_all(fd, "SSH-2.0-OpenSSH_9\r\n");
       }},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    Server server([&](int fd, int) { one.behave(fd); });
    const auto failed = make_curl_client({})->send(post_to(server.url("/secret-path"), "TokenCode=123456"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().delivery, Delivery::unknown);
    EXPECT_EQ(failed.error().error.code, Code::unknown);
    EXPECT_EQ(failed.error().error.message.find("123456"), std::string::npos);
    EXPECT_EQ(failed.error().error.message.find("secret-path"), std::string::npos);
    EXPECT_EQ(server.connections(), 1) << "it must not be sent twice";
  }
}

TEST(CurlClient, TheOutcomeOfASlowAnswerIsUnknown) {
  Server server([](int fd, int) {
    Server::read_request(fd);
    Server::read_request(fd);  // until the client gives up
  });
  Request request = post_to(server.url());
  request.total_timeout = std::chrono::milliseconds(100);
  const auto failed = make_curl_client({})->send(request);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().delivery, Delivery::unknown);
}

TEST(CurlClient, AHugeAnswerIsCutOff) {
  for (const bool in_header : {false, true}) {
    Server server([&](int fd, int) {
      Server::read_request(fd);
      if (in_header)
        Server::write_all(fd, "HTTP/1.1 200 OK\r\nX-Long: " + std::string(20000, 'h') + "\r\n\r\n");
      else
        Server::write_all(fd, Server::ok(std::string(1 << 20, 'x')));
    });
    Request request = post_to(server.url());
    request.max_response_bytes = 10000;
    const auto failed = make_curl_client({})->send(request);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().delivery, Delivery::unknown);
    EXPECT_NE(failed.error().error.message.find("larger than 10000 bytes"), std::string::npos);
  }
}

TEST(CurlClient, AnAnswerOfExactlyTheLimitIsTaken) {
  const std::string answer = Server::ok(std::string(5000, 'x'));
  Server server([&](int fd, int) {
    Server::read_request(fd);
    Server::write_all(fd, answer);
  });
  Request request = post_to(server.url());
  request.max_response_bytes = answer.size();
  EXPECT_TRUE(make_curl_client({})->send(request));
}

// ---- Kept connections ----

TEST(CurlClient, KeepsItsConnection) {
  Server server([](int fd, int) {
    for (int i = 0; i < 3; ++i) {
      if (Server::read_request(fd).empty()) return;
      Server::write_all(fd, Server::ok("x"));
    }
  });
  auto client = make_curl_client({});
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(client->send(post_to(server.url())));
  EXPECT_EQ(server.connections(), 1);
}

TEST(CurlClient, APostIsNotSentAgainWhenAKeptConnectionDiesUnderIt) {
  for (const std::string method : {"POST", "GET"}) {
    std::atomic<int> requests{0};
    Server server([&](int fd, int connection) {
      while (!Server::read_request(fd).empty()) {
        ++requests;
        if (connection == 0 && requests == 2) return;  // taken, and gone without a word
        Server::write_all(fd, Server::ok("x"));
      }
    });
    auto client = make_curl_client({});
    Request request = post_to(server.url(), method == "GET" ? "" : "TokenCode=123456");
    request.method = method;
    ASSERT_TRUE(client->send(request));
    const auto second = client->send(request);
    if (method == "GET") {
      EXPECT_TRUE(second) << "reading twice is harmless";
      EXPECT_EQ(requests, 3);
    } else {
      ASSERT_FALSE(second);
      EXPECT_EQ(second.error().delivery, Delivery::unknown);
      EXPECT_EQ(requests, 2) << "a one-time code must reach the other side at most once";
    }
  }
}

// ---- What is never sent ----

TEST(CurlClient, RefusesUrlsAndHeadersThatAreNoneOfItsBusiness) {
  auto client = make_curl_client({});
  for (const std::string url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:1/", "", "127.0.0.1"}) {
    const auto failed = client->send(post_to(url));
    ASSERT_FALSE(failed) << url;
    EXPECT_EQ(failed.error().delivery, Delivery::not_sent);
    EXPECT_EQ(failed.error().error.code, Code::invalid);
  }
  for (const auto& header :
       Headers{{"X", "a\r\nEvil: b"}, {"X\r\nEvil", "b"}, {"X", std::string("a\0b", 3)}, {"", "x"}}) {
    Request request = post_to("http://127.0.0.1:1/");
    request.headers.push_back(header);
    const auto failed = client->send(request);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().error.code, Code::invalid);
  }
}

// ---- Proxies ----

TEST(CurlClient, UsesTheProxyButNeverForThisMachine) {
  std::string seen;
  Server proxy([&](int fd, int) {
    seen = Server::read_request(fd);
    Server::write_all(fd, Server::ok("from proxy"));
  });
  Server target([](int fd, int) {
    Server::read_request(fd);
    Server::write_all(fd, Server::ok("direct"));
  });
  CurlOptions options;
  options.http_proxy = options.https_proxy = proxy.url();
  auto client = make_curl_client(options);
  const auto proxied = client->send(post_to("http://sts.example.invalid/x"));
  ASSERT_TRUE(proxied);
  EXPECT_EQ(proxied->body, "from proxy");
  EXPECT_TRUE(seen.starts_with("POST http://sts.example.invalid/x HTTP/1.1\r\n")) << seen;
  EXPECT_EQ(client->send(post_to(target.url()))->body, "direct");
  EXPECT_EQ(client->send(post_to("http://localhost:" + std::to_string(target.port())))->body, "direct");
  Request direct = post_to("http://sts.example.invalid/x");
  direct.use_proxy = false;
  EXPECT_FALSE(client->send(direct));
  options.no_proxy = "localhost,.example.invalid";
  EXPECT_FALSE(make_curl_client(options)->send(post_to("http://sts.example.invalid/x")));
}

TEST(CurlClient, NothingWasSentWhereTheProxyRefusesTheTunnel) {
  for (const std::string answer : {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
                                   "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
                                   "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", ""}) {
    std::string seen;
    Server proxy([&](int fd, int) {
      seen = Server::read_request(fd);
      Server::write_all(fd, answer);
    });
    CurlOptions options;
    options.https_proxy = proxy.url();
    Request request = post_to("https://sts.example.invalid/x", "TokenCode=123456");
    request.headers.emplace_back("Authorization", "signature");
    const auto failed = make_curl_client(options)->send(request);
    ASSERT_FALSE(failed) << answer;
    EXPECT_EQ(failed.error().delivery, Delivery::not_sent) << answer;
    EXPECT_TRUE(seen.starts_with("CONNECT sts.example.invalid:443 ")) << seen;
    EXPECT_EQ(seen.find("signature"), std::string::npos) << "the proxy gets no header of ours";
    EXPECT_EQ(seen.find("123456"), std::string::npos);
  }
}

TEST(CurlClient, ReadsItsOptionsFromTheEnvironment) {
  const auto options_for = [](std::map<std::string, std::string> variables) {
    return curl_options_from([variables](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(std::string(name));
      if (found == variables.end()) return std::nullopt;
      return found->second;
    });
  };
  auto options = options_for({{"HTTPS_PROXY", "a"},
                              {"https_proxy", "b"},
                              {"HTTP_PROXY", "c"},
                              {"no_proxy", "d"},
                              {"AWS_CA_BUNDLE", "e"},
                              {"SSL_CERT_FILE", "f"}});
  EXPECT_EQ(options.https_proxy, "b");
  EXPECT_EQ(options.http_proxy, "c");
  EXPECT_EQ(options.no_proxy, "d");
  EXPECT_EQ(options.ca_file, "e");
  options = options_for({{"ALL_PROXY", "a"}, {"HTTP_PROXY", "c"}, {"REQUEST_METHOD", "GET"}, {"https_proxy", ""}});
  EXPECT_EQ(options.https_proxy, "a");
  EXPECT_EQ(options.http_proxy, "a");
}

// ---- Certificates ----

TEST(CurlClient, TrustsTheNamedCertificateAuthorityAlone) {
  const test::TemporaryDirectory folder;
  const std::string key = folder.path() + "/key.pem";
  const std::string certificate = folder.path() + "/certificate.pem";
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext "
      "subjectAltName=DNS:localhost -keyout " +
      key + " -out " + certificate + " 2>/dev/null";
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "openssl is not on this machine";
  http::ServerOptions server_options;
  server_options.tls = http::TlsFiles{certificate, key};
  std::atomic<int> requests{0};
  const auto server = http::start_server(server_options, [&](const http::Request&) {
    ++requests;
    http::Response response;
    response.body = "over TLS";
    return response;
  });
  ASSERT_TRUE(server) << server.error().message;
  const std::string port = std::to_string((*server)->port());

  const auto untrusted = make_curl_client({})->send(post_to("https://localhost:" + port));
  ASSERT_FALSE(untrusted);
  EXPECT_EQ(untrusted.error().delivery, Delivery::not_sent);
  EXPECT_NE(untrusted.error().error.next.find("AWS_CA_BUNDLE"), std::string::npos);

  CurlOptions options;
  options.ca_file = certificate;
  const auto trusted = make_curl_client(options)->send(post_to("https://localhost:" + port));
  ASSERT_TRUE(trusted) << trusted.error().error.message;
  EXPECT_EQ(trusted->body, "over TLS");
  const auto other_name = make_curl_client(options)->send(post_to("https://127.0.0.1:" + port));
  ASSERT_FALSE(other_name) << "the certificate is for localhost";
  EXPECT_EQ(other_name.error().delivery, Delivery::not_sent);
  EXPECT_EQ(requests, 1);

  options.ca_file = folder.path() + "/missing.pem";
  const auto missing = make_curl_client(options)->send(post_to("https://localhost:" + port));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().delivery, Delivery::not_sent);
}

}  // namespace
}  // namespace tollgate::net
