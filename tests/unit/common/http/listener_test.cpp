#include "common/http/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/unit/common/http/raw_client.h"

namespace tollgate::http {
namespace {

using test::RawClient;

TEST(HttpListener, ListensAndSaysWhere) {
  const auto listener = listen_on("127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error().text();
  EXPECT_NE(listener->port, 0);
  EXPECT_EQ(::fcntl(listener->fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_TRUE(RawClient(listener->port).connected());
  const auto where = listener_address(listener->fd.get());
  ASSERT_TRUE(where);
  EXPECT_EQ(where->address, "127.0.0.1");
  EXPECT_EQ(where->port, listener->port);
  EXPECT_FALSE(where->ipv6);
}

TEST(HttpListener, ListensOnIpv6) {
  const auto listener = listen_on("::1", 0);
  if (!listener) GTEST_SKIP() << listener.error().text();
  const auto where = listener_address(listener->fd.get());
  EXPECT_EQ(where->address, "::1");
  EXPECT_TRUE(where->ipv6);
}

TEST(HttpListener, ASharedOneOutlivesTheFirst) {
  auto listener = listen_on("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  auto shared = share_listener(listener->fd.get());
  ASSERT_TRUE(shared);
  EXPECT_EQ(::fcntl(shared->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  listener->fd.reset();
  EXPECT_TRUE(RawClient(listener->port).connected());
  shared->reset();
  EXPECT_FALSE(RawClient(listener->port).connected());
}

TEST(HttpListener, SaysWhyNotAndWhatToDo) {
  const auto taken = listen_on("127.0.0.1", 0);
  ASSERT_TRUE(taken);
  struct Case {
    std::string address;
    std::uint16_t port;
    const char* next;
  };
  for (const auto& [address, port, next] : std::vector<Case>{
           {"127.0.0.1", taken->port, "Another program listens there"},
           {"192.0.2.1", 0, "does not have that address"},
           {"localhost", 0, "numeric address"},
           {"", 0, "numeric address"},
           {std::string("127.0.0.1\0x", 11), 0, "numeric address"},
       }) {
    const auto refused = listen_on(address, port);
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, Code::io);
    EXPECT_NE(refused.error().next.find(next), std::string::npos) << refused.error().next;
  }
}

TEST(HttpListener, OtherDescriptorsAreNoListeners) {
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd unbound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd datagram(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const int fd : {file.get(), unbound.get(), datagram.get(), local.get(), -1}) {
    EXPECT_EQ(listener_address(fd).error().code, Code::io) << fd;
    EXPECT_EQ(share_listener(fd).error().code, Code::io) << fd;
  }
}

}  // namespace
}  // namespace tollgate::http
