#include "common/http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <cerrno>

namespace tollgate::http {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool parse(const std::string& address, std::uint16_t port, SocketAddress& result) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    result.size = sizeof(sockaddr_in);
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    result.size = sizeof(sockaddr_in6);
    return true;
  }
  return false;
}

std::string remedy(int error, std::uint16_t port) {
  switch (error) {
    case EADDRINUSE:
      return fmt::format(
          "Another program listens there (ss -ltnp 'sport = :{}' shows it); end it, or take another port.", port);
    case EACCES:
      return "Ports below 1024 need the capability CAP_NET_BIND_SERVICE; take a higher one, or have systemd hand over "
             "the socket.";
    case EADDRNOTAVAIL:
      return "This machine does not have that address; 0.0.0.0 and :: are all that it has.";
    default:
      return {};
  }
}

}  // namespace

Result<Listener> listen_on(const std::string& address, std::uint16_t port) {
  const auto refuse = [&](std::string_view why, std::string next) {
    return fail(
        Error(Code::io, fmt::format("cannot listen on {} port {}: {}", address, port, why)).do_next(std::move(next)));
  };
  SocketAddress where;
  if (address.find('\0') != address.npos || !parse(address, port, where)) {
    return refuse("it is not an IP address", "Give a numeric address, for example 127.0.0.1 or ::.");
  }
  Listener listener;
  listener.fd.reset(::socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  // The port of a server that has just ended is free again, although its last connections linger in TIME_WAIT.
  const bool done = listener.fd && ::setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                    ::bind(listener.fd.get(), where.get(), where.size) == 0 &&
                    ::listen(listener.fd.get(), SOMAXCONN) == 0;
  if (!done) {
    const int error = errno;
    return refuse(::strerror(error), remedy(error, port));
  }
  TG_TRY(const ListenerAddress actual, listener_address(listener.fd.get()));
  listener.port = actual.port;
  return listener;
}

Result<ListenerAddress> listener_address(int fd) {
  SocketAddress where;
  where.size = sizeof(where.storage);
  int listens = 0;
  socklen_t size = sizeof(listens);
  const bool known = ::getsockname(fd, where.get(), &where.size) == 0 &&
                     ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0;
  const int family = where.storage.ss_family;
  if (!known || listens == 0 || (family != AF_INET && family != AF_INET6)) {
    return fail(Error(Code::io, fmt::format("file descriptor {} is not a TCP socket that listens", fd))
                    .do_next("Check what the program that started this one handed over."));
  }
  char text[INET6_ADDRSTRLEN];
  ListenerAddress result;
  result.ipv6 = family == AF_INET6;
  if (result.ipv6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&where.storage);
    result.address = ::inet_ntop(family, &v6->sin6_addr, text, sizeof(text));
    result.port = ntohs(v6->sin6_port);
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&where.storage);
    result.address = ::inet_ntop(family, &v4->sin_addr, text, sizeof(text));
    result.port = ntohs(v4->sin_port);
  }
  return result;
}

Result<UniqueFd> share_listener(int fd) {
  TG_CHECK(listener_address(fd));
  UniqueFd shared(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!shared) {
    return fail(Code::io, fmt::format("cannot share the listening socket {}: {}", fd, ::strerror(errno)));
  }
  return shared;
}

}  // namespace tollgate::http
