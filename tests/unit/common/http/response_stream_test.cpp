#include "common/http/response_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "tests/unit/common/http/raw_client.h"

namespace tollgate::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RawClient;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(ResponseStream, GivesWhatWasWrittenInOrderAndThenItsEnd) {
  ResponseStream stream;
  int woken = 0;
  EXPECT_TRUE(stream.write("a"));
  stream.attach([&] { ++woken; });
  EXPECT_TRUE(stream.write("b"));
  EXPECT_EQ(woken, 0) << "it was not empty, so whoever takes has been told";
  EXPECT_EQ(stream.take().bytes, "ab");
  EXPECT_TRUE(stream.write("c"));
  EXPECT_EQ(woken, 1);
  stream.close();
  stream.close();
  EXPECT_EQ(woken, 2);
  EXPECT_TRUE(stream.over());
  EXPECT_FALSE(stream.write("d"));
  const auto rest = stream.take();
  EXPECT_EQ(rest.bytes, "c");
  EXPECT_TRUE(rest.last);
}

TEST(ResponseStream, ASlowReaderGetsTheLastWordsInPlaceOfWhatItDidNotTake) {
  StreamLimits limits;
  limits.most_pending = 10;
  limits.last_words = "resync";
  ResponseStream stream(limits);
  EXPECT_TRUE(stream.write("12345"));
  EXPECT_TRUE(stream.write("67890"));
  EXPECT_FALSE(stream.over());
  EXPECT_FALSE(stream.write("1"));
  EXPECT_TRUE(stream.over());
  EXPECT_FALSE(stream.write("2"));
  const auto rest = stream.take();
  EXPECT_EQ(rest.bytes, "resync");
  EXPECT_TRUE(rest.last);
}

TEST(ResponseStream, ItsEndIsToldOnce) {
  int told = 0;
  ResponseStream stream;
  stream.on_end([&] { ++told; });
  stream.end();
  stream.end();
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(stream.write("a"));
  stream.on_end([&] { ++told; });
  EXPECT_EQ(told, 2) << "who asks later hears it at once";
  {
    ResponseStream dropped;
    dropped.on_end([&] { ++told; });
  }
  EXPECT_EQ(told, 3);
}

TEST(EventText, IsWhatBrowsersRead) {
  EXPECT_EQ(format_event("run", "e.7", R"({"a":1})"), "event: run\nid: e.7\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(format_event("", "", "one\ntwo\r\nthree"), "data: one\ndata: two\ndata: three\n\n");
  EXPECT_EQ(format_event("", "e.0", ""), "id: e.0\n\n");
  EXPECT_EQ(format_event("a\nevent: b", "", ""), "event: aevent: b\n\n");
  EXPECT_EQ(format_comment("still\nhere"), ": stillhere\n\n");
}

// A server whose answers are streams that the test holds.
class StreamServer {
 public:
  explicit StreamServer(ServerOptions options = {}, StreamLimits limits = {}) {
    server = start_server(options, [this, limits](const Request& request) {
               if (request.target == "/plain") return Response();
               auto stream = std::make_shared<ResponseStream>(limits);
               stream->on_end([this] { ++ended; });
               stream->write("hello ");
               {
                 const std::lock_guard lock(mutex);
                 streams.push_back(stream);
               }
               return event_stream(stream);
             }).value();
  }
  std::shared_ptr<ResponseStream> stream(std::size_t index = 0) {
    for (;;) {
      {
        const std::lock_guard lock(mutex);
        if (streams.size() > index) return streams[index];
      }
      std::this_thread::yield();
    }
  }
  void wait_for_ends(int count) const {
    while (ended < count)
      std::this_thread::yield();
  }

  std::mutex mutex;
  std::vector<std::shared_ptr<ResponseStream>> streams;
  std::atomic<int> ended = 0;
  std::unique_ptr<Server> server;  // goes first: its connections use what stands above
};

TEST(HttpStream, ReachesTheReaderPieceByPieceAndEndsInOrder) {
  StreamServer world;
  RawClient client(world.server->port());
  client.send(kGet);
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos);
  EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(client.read_until("hello "), "6\r\nhello ");
  const auto stream = world.stream();
  EXPECT_TRUE(stream->write("one"));
  EXPECT_EQ(client.read_until("one\r\n"), "\r\n3\r\none\r\n");
  client.send("GET /ignored HTTP/1.1\r\n");  // what a peer says now is nobody's business
  EXPECT_TRUE(stream->write("two"));
  EXPECT_EQ(client.read_until("two\r\n"), "3\r\ntwo\r\n");
  EXPECT_EQ(world.ended, 0);
  stream->close();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(client.last_error(), 0);
  world.wait_for_ends(1);
}

TEST(HttpStream, OldClientsGetItUpToTheEndOfTheConnectionAndHeadGetsNone) {
  StreamServer world;
  RawClient old(world.server->port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_until("\r\n\r\n").find("Transfer-Encoding"), std::string::npos);
  const auto stream = world.stream();
  stream->write("one");
  EXPECT_EQ(old.read_until("one"), "hello one");
  stream->close();
  EXPECT_TRUE(old.ended());
  RawClient head(world.server->port());
  head.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(head.receive(true)->has("200 OK"));
  EXPECT_TRUE(head.ended());
  world.wait_for_ends(2);
}

TEST(HttpStream, ThatThePeerWentIsNoticedWithoutWriting) {
  StreamServer world;
  {
    RawClient client(world.server->port());
    client.send(kGet);
    client.read_until("hello ");
  }
  world.wait_for_ends(1);
  EXPECT_FALSE(world.stream()->write("x"));
}

TEST(HttpStream, AReaderThatDoesNotReadIsEndedWithTheLastWords) {
  StreamLimits limits;
  limits.most_pending = 1 << 20;
  limits.last_words = "resync";
  StreamServer world({}, limits);
  RawClient client(world.server->port());
  client.send(kGet);
  client.read_until("hello ");
  const auto stream = world.stream();
  const std::string piece(64 << 10, 'x');
  std::size_t written = 0;
  while (stream->write(piece))
    written += piece.size();
  EXPECT_GE(written, limits.most_pending - piece.size());
  const std::string rest = client.read_until("0\r\n\r\n");
  EXPECT_TRUE(rest.ends_with("\r\n6\r\nresync\r\n0\r\n\r\n")) << rest.size();
  EXPECT_TRUE(client.ended());
  world.wait_for_ends(1);
}

TEST(HttpStream, AReaderThatNeverReadsIsCut) {
  ServerOptions options;
  options.read_timeout = milliseconds(50);
  StreamLimits limits;
  limits.most_pending = 128 << 20;
  StreamServer world(options, limits);
  RawClient client(world.server->port());
  client.send(kGet);
  client.read_until("hello ");
  // More than the kernel takes for a peer that does not read.
  EXPECT_TRUE(world.stream()->write(std::string(24 << 20, 'x')));
  world.wait_for_ends(1);
  EXPECT_LT(client.read_until("0\r\n\r\n").size(), std::size_t{24} << 20);
}

TEST(HttpStream, ADrainEndsStreamsAfterWhatWasWritten) {
  StreamServer world;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(world.server->port()));
    clients.back()->send(kGet);
    clients.back()->read_until("hello ");
    world.stream(i)->write("last");
  }
  auto drained = std::async(std::launch::async, [&] { return world.server->drain(seconds(20)); });
  for (const auto& client : clients) {
    EXPECT_EQ(client->read_until("0\r\n\r\n"), "\r\n4\r\nlast\r\n0\r\n\r\n");
    EXPECT_TRUE(client->ended());
    EXPECT_EQ(client->last_error(), 0);
    client->finish_sending();
  }
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(world.ended, 20);
}

TEST(HttpStream, StopEndsThemTooAndWritersHearOfIt) {
  StreamServer world;
  RawClient client(world.server->port());
  client.send(kGet);
  client.read_until("hello ");
  std::atomic<bool> over = false;
  std::thread writer([&, stream = world.stream()] {
    while (stream->write("x"))
      std::this_thread::yield();
    over = true;
  });
  std::thread reader([&] { client.read_until("0\r\n\r\n"); });
  world.server->stop();
  writer.join();
  reader.join();
  EXPECT_TRUE(over);
  EXPECT_EQ(world.ended, 1);
}

// What waits holds no thread: there are more streams than the pool has.
TEST(HttpStream, ManyWaitBesideOtherRequests) {
  ServerOptions options;
  options.handler_threads = 1;
  StreamServer world(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawClient>(world.server->port()));
    clients.back()->send(kGet);
    clients.back()->read_until("hello ");
  }
  RawClient other(world.server->port());
  EXPECT_EQ(other.exchange("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")->status, 200);
  for (std::size_t i = 0; i < clients.size(); ++i)
    world.stream(i)->write("now");
  for (const auto& client : clients)
    EXPECT_EQ(client->read_until("now"), "\r\n3\r\nnow");
  clients.clear();
  world.wait_for_ends(200);
}

}  // namespace
}  // namespace tollgate::http
