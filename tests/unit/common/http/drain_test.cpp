#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "common/http/listener.h"
#include "common/http/server.h"
#include "tests/unit/common/http/raw_client.h"

namespace tollgate::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RawClient;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

Response answer(const Request&) {
  Response response;
  response.body = "answer";
  return response;
}

// Asks again until an answer says that the server drains; false where an answer does not come.
bool asks_until_close(RawClient& client) {
  for (;;) {
    const auto response = client.exchange(kGet);
    if (!response || response->has("Connection: close\r\n")) return response.has_value();
  }
}

std::unique_ptr<Server> serve(const UniqueFd& listener, Handler handler = answer, ServerOptions options = {}) {
  options.listen_fd = share_listener(listener.get()).value().release();
  return start_server(options, std::move(handler)).value();
}

TEST(HttpDrain, AnswersWhatIsInFlightAndEndsWhatIsIdle) {
  const Listener listener = listen_on("127.0.0.1", 0).value();
  std::promise<void> entered;
  std::promise<void> leave;
  const auto server = serve(listener.fd, [&](const Request& request) {
    if (request.target == "/slow") {
      entered.set_value();
      leave.get_future().wait();
    }
    return answer(request);
  });
  RawClient idle(listener.port);
  EXPECT_EQ(idle.exchange(kGet)->status, 200);
  RawClient silent(listener.port);
  RawClient half(listener.port);
  half.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  RawClient busy(listener.port);
  busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.get_future().wait();
  auto drained = std::async(std::launch::async, [&] { return server->drain(seconds(20)); });
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(silent.ended());
  EXPECT_EQ(idle.last_error(), 0);
  EXPECT_EQ(silent.last_error(), 0);
  half.send("bc");
  EXPECT_TRUE(half.receive()->has("Connection: close\r\n"));
  EXPECT_EQ(drained.wait_for(milliseconds(0)), std::future_status::timeout);
  leave.set_value();
  const auto last = busy.receive();
  EXPECT_EQ(last->body, "answer");
  EXPECT_TRUE(last->has("Connection: close\r\n"));
  EXPECT_TRUE(busy.ended());
  EXPECT_EQ(busy.last_error(), 0);
  // The clients' own ends, so that nobody has to be waited for.
  for (RawClient* client : {&idle, &silent, &half, &busy})
    client->finish_sending();
  EXPECT_TRUE(drained.get());
  EXPECT_TRUE(server->drain(seconds(20)));
}

TEST(HttpDrain, ARequestThatIsOnItsWayIsAnswered) {
  const Listener listener = listen_on("127.0.0.1", 0).value();
  const auto server = serve(listener.fd);
  RawClient kept(listener.port);
  EXPECT_FALSE(kept.exchange(kGet)->has("Connection: close\r\n"));
  RawClient fresh(listener.port);
  auto drained = std::async(std::launch::async, [&] { return server->drain(seconds(20)); });
  EXPECT_TRUE(asks_until_close(kept));
  EXPECT_TRUE(fresh.exchange(kGet)->has("Connection: close\r\n"));
  kept.finish_sending();
  fresh.finish_sending();
  EXPECT_TRUE(drained.get());
}

TEST(HttpDrain, ThoseBehindTheLastAnswerSeeAnEndAndNoReset) {
  const Listener listener = listen_on("127.0.0.1", 0).value();
  std::promise<void> entered;
  std::promise<void> leave;
  const auto server = serve(listener.fd, [&](const Request& request) {
    entered.set_value();
    leave.get_future().wait();
    return answer(request);
  });
  RawClient client(listener.port);
  client.send(kGet);
  entered.get_future().wait();
  // Begun before the handler goes on: the thread below comes to it some time later.
  EXPECT_FALSE(server->drain(milliseconds(1)));
  auto drained = std::async(std::launch::async, [&] { return server->drain(seconds(20)); });
  RawClient idle(listener.port);  // goes to the queue that stays, or is ended
  client.send(kGet);
  client.send(std::string(300000, 'x'));
  leave.set_value();
  const auto last = client.receive();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->body, "answer");
  client.finish_sending();
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(client.last_error(), 0);
  idle.finish_sending();
  EXPECT_TRUE(drained.get());
}

TEST(HttpDrain, TheGraceEndsIt) {
  const Listener listener = listen_on("127.0.0.1", 0).value();
  std::promise<void> entered;
  std::promise<void> leave;
  const auto server = serve(listener.fd, [&](const Request& request) {
    entered.set_value();
    leave.get_future().wait();
    return answer(request);
  });
  RawClient client(listener.port);
  client.send(kGet);
  entered.get_future().wait();
  EXPECT_FALSE(server->drain(milliseconds(10)));
  leave.set_value();
  EXPECT_EQ(client.receive()->body, "answer");
  client.finish_sending();
  EXPECT_TRUE(server->drain(seconds(20)));
  server->stop();
}

TEST(HttpDrain, StopEndsADrain) {
  const Listener listener = listen_on("127.0.0.1", 0).value();
  const auto server = serve(listener.fd);
  RawClient client(listener.port);
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  RawClient other(listener.port);
  EXPECT_EQ(other.exchange(kGet)->status, 200);
  auto drained = std::async(std::launch::async, [&] { return server->drain(seconds(60)); });
  EXPECT_TRUE(asks_until_close(other));
  server->stop(milliseconds(10));
  EXPECT_FALSE(drained.get());
  EXPECT_TRUE(client.ended());
}

TEST(HttpDrain, TheKernelsQueueIsServedBeforeTheSocketCloses) {
  ServerOptions options;
  options.port = 0;
  std::promise<void> entered;
  std::promise<void> leave;
  const auto server = start_server(options, [&](const Request& request) {
                        if (request.target == "/first") {
                          entered.set_value();
                          leave.get_future().wait();
                        }
                        return answer(request);
                      }).value();
  RawClient first(server->port());
  first.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.get_future().wait();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    ASSERT_TRUE(clients.back()->connected());
    clients.back()->send(kGet);
  }
  auto drained = std::async(std::launch::async, [&] { return server->drain(seconds(20)); });
  leave.set_value();
  for (const auto& client : clients) {
    const auto response = client->receive();
    EXPECT_TRUE(response && response->body == "answer");
  }
  EXPECT_TRUE(first.receive());
  first.finish_sending();
  clients.clear();
  EXPECT_TRUE(drained.get());
  EXPECT_FALSE(RawClient(server->port()).connected());
}

// What clients see that go on while servers take turns on one socket.
class Load {
 public:
  explicit Load(std::uint16_t port) {
    for (int i = 0; i < 8; ++i)
      threads_.emplace_back([this, port, keeps = i % 2 == 0] { run(port, keeps); });
  }
  ~Load() { stop(); }
  void stop() {
    over_ = true;
    for (auto& thread : threads_)
      thread.join();
    threads_.clear();
  }
  void wait_for(int more) const {
    for (const int until = answered + more; answered < until;)
      std::this_thread::yield();
  }

  std::atomic<int> answered = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> lost = 0;  // reset, ended without an answer, or half an answer

 private:
  void run(std::uint16_t port, bool keeps) {
    while (!over_) {
      RawClient client(port);
      if (!client.connected()) {
        ++refused;
        continue;
      }
      for (bool again = true; again && !over_;) {
        const auto response = client.exchange(kGet);
        const bool good = response && response->status == 200 && response->body == "answer";
        ++(good ? answered : lost);
        again = good && keeps && !response->has("Connection: close\r\n");
      }
    }
  }

  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

TEST(HttpDrain, ServersTakeTurnsUnderLoadAndNobodyNotices) {
  const Listener listener = listen_on("127.0.0.1", 0).value();
  auto server = serve(listener.fd);
  Load load(listener.port);
  for (int round = 0; round < 4; ++round) {
    load.wait_for(500);
    if (round % 2 == 0) {
      // The next one is there before the last one goes.
      auto next = serve(listener.fd);
      EXPECT_TRUE(server->drain(seconds(30)));
      server = std::move(next);
    } else {
      // For a while there is none: connections wait in the kernel.
      EXPECT_TRUE(server->drain(seconds(30)));
      server.reset();
      server = serve(listener.fd);
    }
  }
  load.wait_for(500);
  load.stop();
  EXPECT_EQ(load.refused, 0);
  EXPECT_EQ(load.lost, 0);
  EXPECT_GE(load.answered, 2500);
}

}  // namespace
}  // namespace tollgate::http
