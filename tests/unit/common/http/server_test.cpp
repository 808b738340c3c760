#include "common/http/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "tests/unit/common/http/raw_client.h"

namespace tollgate::http {
namespace {

using test::RawClient;

// Answers with what it understood.
Response echo(const Request& request) {
  Response response;
  response.body = fmt::format("{} {} {}", request.method, request.target, request.body);
  return response;
}

std::unique_ptr<Server> serve(Handler handler, ServerOptions options = {}) {
  auto server = start_server(options, std::move(handler));
  if (!server) throw std::runtime_error(server.error().text());
  return std::move(*server);
}

// A gate that a handler waits at until the test opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST(HttpServer, AnswersSeveralRequestsOnOneConnection) {
  const auto server = serve(echo);
  RawClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    const auto response = client.exchange("POST /a%2Fb%20c?q=%41 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /a%2Fb%20c?q=%41 hi");
    EXPECT_TRUE(response->has("Date: "));
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = serve(echo);
  RawClient client(server->port());
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  for (const char* target : {"GET /1 ", "GET /2 ", "GET /3 "})
    EXPECT_EQ(client.receive()->body, target);
}

TEST(HttpServer, HandsHeadersOnInOrderAndAsSent) {
  const auto server = serve([](const Request& request) {
    Response response;
    for (const auto& [name, value] : request.headers)
      response.body += name + "=" + value + ";";
    response.body += request.peer;
    return response;
  });
  RawClient client(server->port());
  EXPECT_EQ(client.exchange("GET / HTTP/1.1\r\nhOST: x\r\nX-B: 2\r\nX-A:  1 \r\nx-b: 3\r\n\r\n")->body,
            "hOST=x;X-B=2;x-b=3;X-A=1;127.0.0.1");
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  const auto server = serve(echo);
  RawClient client(server->port());
  const auto response = client.exchange("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n", true);
  EXPECT_TRUE(response->has("Content-Length: 8\r\n"));
  EXPECT_EQ(client.exchange("GET /y HTTP/1.1\r\nHost: x\r\n\r\n")->body, "GET /y ");
}

TEST(HttpServer, SaysContinueToWhoWaitsForIt) {
  const auto server = serve(echo);
  RawClient client(server->port());
  const auto interim =
      client.exchange("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", true);
  EXPECT_EQ(interim->status, 100);
  EXPECT_EQ(client.exchange("abc")->body, "PUT / abc");
}

TEST(HttpServer, UndoesChunkedCodingAndIgnoresTrailers) {
  const auto server = serve([](const Request& request) {
    Response response;
    response.body = request.body + (request.header("X-Late") != nullptr ? " with" : " without");
    return response;
  });
  RawClient client(server->port());
  EXPECT_EQ(client
                .exchange("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n")
                ->body,
            "abcde without");
  EXPECT_EQ(client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n")->body, " without");
}

TEST(HttpServer, ClosesWhenEitherSideSaysSo) {
  const auto server = serve([](const Request& request) {
    Response response;
    if (request.target == "/bye") response.headers.emplace_back("Connection", "close");
    return response;
  });
  for (const char* text : {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
                           "GET /bye HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    RawClient client(server->port());
    EXPECT_TRUE(client.exchange(text)->has("Connection: close\r\n")) << text;
    EXPECT_TRUE(client.ended()) << text;
  }
}

TEST(HttpServer, KeepsHttp10AliveOnRequest) {
  const auto server = serve(echo);
  RawClient client(server->port());
  EXPECT_TRUE(client.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->has("Connection: keep-alive\r\n"));
  EXPECT_EQ(client.exchange("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")->body, "GET /2 ");
}

TEST(HttpServer, RefusesAndCloses) {
  ServerOptions options;
  options.max_header_bytes = 1024;
  options.max_body_bytes = 100;
  const auto server = serve(echo, options);
  const std::string long_header = "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2000, 'a') + "\r\n\r\n";
  const std::string long_line = "GET /" + std::string(300000, 'a');
  const std::string chunk(101, 'b');
  struct Case {
    const char* name;
    std::string text;
    int status;
  };
  for (const auto& [name, text, status] : std::vector<Case>{
           {"garbage", "\x16\x03\x01 hello\r\n\r\n", 400},
           {"no version", "GET /\r\n\r\n", 400},
           {"version 3", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", 400},
           {"version 0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 400},
           {"blank in name", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
           {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
           {"bad length", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
           {"huge length", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
           {"bad chunk", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
           {"control in target", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
           {"header too large", long_header, 431},
           {"line too large", long_line, 431},
           {"body too large", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", 413},
           {"chunks too large",
            "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + chunk + "\r\n", 413},
           {"expectation", "PUT / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417},
           {"coding", "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
           {"torn body", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", 400},
       }) {
    RawClient client(server->port());
    client.send(text);
    client.finish_sending();
    const auto response = client.receive();
    ASSERT_TRUE(response) << name;
    EXPECT_EQ(response->status, status) << name << ": " << response->body;
    EXPECT_TRUE(response->has("Connection: close\r\n")) << name;
    EXPECT_TRUE(client.ended()) << name;
  }
  RawClient client(server->port());
  EXPECT_EQ(client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n")->status, 200);
}

TEST(HttpServer, MethodAndTargetDecideHowLargeABodyMayBe) {
  ServerOptions options;
  options.max_body_bytes = 5;
  options.body_limit = [](std::string_view method, std::string_view target) -> std::uint64_t {
    if (target == "/throws") throw std::runtime_error("secret detail");
    if (method == "PUT" && target == "/upload?part=1") return 2U << 20;
    return 10;
  };
  const auto server = serve(echo, options);
  const auto put = [&](const char* line, std::size_t size) {
    RawClient client(server->port());
    client.send(
        fmt::format("{} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", line, size, std::string(size, 'b')));
    return client.receive();
  };
  EXPECT_EQ(put("PUT /upload?part=1", 2U << 20)->body.size(), 19U + (2U << 20));
  EXPECT_EQ(put("PUT /upload?part=1", (2U << 20) + 1)->status, 413);
  EXPECT_EQ(put("POST /upload?part=1", 10)->status, 200);
  EXPECT_EQ(put("POST /upload?part=1", 11)->status, 413);
  EXPECT_EQ(put("POST /throws", 1)->status, 500);
  EXPECT_EQ(put("GET /", 0)->status, 200);
  for (const char* line : {"PUT /other", "POST /other"}) {
    RawClient client(server->port());
    const auto chunked = client.exchange(
        fmt::format("{} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nghijk\r\n", line));
    EXPECT_EQ(chunked->status, 413) << line;
  }
  // Who asks first is told before sending anything.
  RawClient client(server->port());
  const auto refused =
      client.exchange("PUT /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(refused->status, 413);
  // One request's limit is not the next one's.
  RawClient kept(server->port());
  EXPECT_EQ(kept.exchange("PUT /upload?part=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nabcdefghijk")->status,
            200);
  EXPECT_EQ(kept.exchange("PUT /other HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nabcdefghijk")->status, 413);
}

TEST(HttpServer, ABodyRefusedEarlyDoesNotLoseTheAnswer) {
  ServerOptions options;
  options.max_body_bytes = 10;
  const auto server = serve(echo, options);
  RawClient client(server->port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n");
  client.send(std::string(200000, 'x'));
  client.finish_sending();
  EXPECT_EQ(client.receive()->status, 413);
}

TEST(HttpServer, AThrowingHandlerIsA500WithoutItsText) {
  const auto server = serve([](const Request&) -> Response { throw std::runtime_error("secret detail"); });
  RawClient client(server->port());
  const auto response = client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ(response->body.find("secret"), std::string::npos);
}

TEST(HttpServer, ImitatesAReset) {
  const auto server = serve([](const Request&) {
    Response response;
    response.wire = Wire::reset;
    return response;
  });
  RawClient client(server->port());
  EXPECT_FALSE(client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(client.last_error(), ECONNRESET);
}

TEST(HttpServer, ImitatesATruncatedBody) {
  const auto server = serve([](const Request&) {
    Response response;
    response.body = "0123456789";
    response.wire = Wire::truncate_body;
    return response;
  });
  RawClient client(server->port());
  const auto response = client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(response->has("Content-Length: 10\r\n"));
  EXPECT_FALSE(response->complete);
  EXPECT_EQ(response->body, "01234");
}

TEST(HttpServer, SendsAFile) {
  const std::string path = ::testing::TempDir() + "/http_server_test_file";
  std::string content;
  for (int i = 0; i < 60000; ++i)
    content += "line " + std::to_string(i) + "\n";
  std::ofstream(path) << content;
  const auto server = serve([&](const Request& request) {
    Response response;
    response.file = request.target == "/there" ? path : path + ".gone";
    return response;
  });
  RawClient client(server->port());
  EXPECT_EQ(client.exchange("GET /there HTTP/1.1\r\nHost: x\r\n\r\n")->body, content);
  EXPECT_TRUE(client.exchange("HEAD /there HTTP/1.1\r\nHost: x\r\n\r\n", true)
                  ->has(fmt::format("Content-Length: {}\r\n", content.size())));
  EXPECT_EQ(client.exchange("GET /gone HTTP/1.1\r\nHost: x\r\n\r\n")->status, 500);
  std::filesystem::remove(path);
}

TEST(HttpServer, EndsSlowAndIdleConnections) {
  ServerOptions options;
  options.read_timeout = std::chrono::milliseconds(50);
  options.idle_timeout = std::chrono::milliseconds(50);
  const auto server = serve(echo, options);
  RawClient idle(server->port());
  RawClient half(server->port());
  half.send("GET / HTTP/1.1\r\nHo");
  RawClient body(server->port());
  body.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(half.ended());
  EXPECT_TRUE(body.ended());
}

TEST(HttpServer, ConnectionsBeyondTheLimitWait) {
  ServerOptions options;
  options.max_connections = 2;
  const auto server = serve(echo, options);
  auto first = std::make_unique<RawClient>(server->port());
  RawClient second(server->port());
  EXPECT_EQ(first->exchange("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")->status, 200);
  EXPECT_EQ(second.exchange("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")->status, 200);
  RawClient third(server->port());
  ASSERT_TRUE(third.send("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n"));
  pollfd ready{third.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 50), 0);
  first.reset();
  EXPECT_EQ(third.receive()->body, "GET /3 ");
}

TEST(HttpServer, TakesAnInheritedSocketOver) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(fd, 8), 0);
  ServerOptions options;
  options.listen_fd = fd;
  const auto server = serve(echo, options);
  RawClient client(server->port());
  EXPECT_EQ(client.exchange("GET /i HTTP/1.1\r\nHost: x\r\n\r\n")->body, "GET /i ");
}

TEST(HttpServer, SaysWhatIsWrongWithItsOptions) {
  ServerOptions options;
  options.address = "not an address";
  EXPECT_EQ(start_server(options, echo).error().code, Code::io);
  options = {};
  const auto server = serve(echo);
  options.port = server->port();
  EXPECT_EQ(start_server(options, echo).error().code, Code::io);
  options = {};
  options.tls = TlsFiles{"/nowhere/chain.pem", "/nowhere/key.pem"};
  const auto refused = start_server(options, echo);
  EXPECT_EQ(refused.error().code, Code::config);
  EXPECT_EQ(refused.error().place, "/nowhere/chain.pem");
  options = {};
  options.listen_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(start_server(options, echo).error().code, Code::io);
}

TEST(HttpServer, StopLetsARunningHandlerAnswer) {
  Gate entered;
  Gate leave;
  const auto server = serve([&](const Request& request) {
    entered.open();
    leave.wait();
    return echo(request);
  });
  RawClient busy(server->port());
  RawClient idle(server->port());
  busy.send("GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.wait();
  std::thread stopper([&] { server->stop(std::chrono::seconds(10)); });
  EXPECT_TRUE(idle.ended());
  leave.open();
  const auto response = busy.receive();
  EXPECT_EQ(response->body, "GET /last ");
  EXPECT_TRUE(response->has("Connection: close\r\n"));
  stopper.join();
  server->stop();
  EXPECT_FALSE(RawClient(server->port()).connected());
}

TEST(HttpServer, StopCutsThoseWhoNeverFinish) {
  const auto server = serve(echo);
  RawClient client(server->port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  RawClient other(server->port());
  EXPECT_EQ(other.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n")->status, 200);
  server->stop(std::chrono::milliseconds(10));
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, ServesManyClientsAtOnce) {
  std::atomic<int> handled = 0;
  ServerOptions options;
  options.max_connections = 8;
  auto server = serve(
      [&](const Request& request) {
        ++handled;
        return echo(request);
      },
      options);
  std::vector<std::thread> clients;
  for (int c = 0; c < 12; ++c) {
    clients.emplace_back([&, c] {
      for (int round = 0; round < 4; ++round) {
        RawClient client(server->port());
        for (int i = 0; i < 10; ++i) {
          const std::string target = fmt::format("/{}/{}/{}", c, round, i);
          const auto response = client.exchange(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target));
          EXPECT_TRUE(response && response->body == fmt::format("GET {} ", target));
        }
      }
    });
  }
  for (auto& thread : clients)
    thread.join();
  EXPECT_EQ(handled, 12 * 4 * 10);
  server.reset();
}

}  // namespace
}  // namespace tollgate::http
