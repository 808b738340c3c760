#include "runner/isolation/loopback_relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace tollgate::isolation {
namespace {

constexpr std::size_t kMaxConnections = 256;
constexpr std::size_t kBuffer = 65536;

short wanted(bool read, bool write) {
  return static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0));
}

}  // namespace

void LoopbackRelay::add(UniqueFd listener, std::uint16_t port) {
  fcntl(listener.get(), F_SETFL, O_NONBLOCK);
  listeners_.push_back(Listener{std::move(listener), port});
}

void LoopbackRelay::collect(std::vector<pollfd>& polled) {
  const bool room = connections_.size() < kMaxConnections;
  for (const Listener& listener : listeners_)
    polled.push_back({room ? listener.fd.get() : -1, POLLIN, 0});
  for (const Connection& connection : connections_) {
    const bool up = !connection.connecting;
    const short inside =
        wanted(up && !connection.out.ended && connection.out.pending.empty(), !connection.in.pending.empty());
    const short outside =
        wanted(up && !connection.in.ended && connection.in.pending.empty(), !up || !connection.out.pending.empty());
    // With nothing wanted, poll would still report POLLHUP, again and again.
    polled.push_back({inside ? connection.inside.get() : -1, inside, 0});
    polled.push_back({outside ? connection.outside.get() : -1, outside, 0});
  }
}

void LoopbackRelay::accept_one(const Listener& listener) {
  UniqueFd inside(accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!inside) return;
  UniqueFd outside(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!outside || (connect(outside.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                   errno != EINPROGRESS)) {
    return;  // closing tells the program what the host's port would have told it
  }
  Connection connection;
  connection.inside = std::move(inside);
  connection.outside = std::move(outside);
  connections_.push_back(std::move(connection));
}

void LoopbackRelay::move_bytes(int from, short from_events, int to, short to_events, Direction& direction,
                               bool& broken) {
  if ((from_events & (POLLIN | POLLHUP | POLLERR)) && direction.pending.empty() && !direction.ended) {
    direction.pending.resize(kBuffer);
    const ssize_t count = recv(from, direction.pending.data(), kBuffer, 0);
    direction.pending.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count == 0) direction.ended = true;
    if (count < 0 && errno != EAGAIN && errno != EINTR) broken = true;
  }
  if (!direction.pending.empty() && (to_events & (POLLOUT | POLLERR | POLLHUP))) {
    const ssize_t count = send(to, direction.pending.data(), direction.pending.size(), MSG_NOSIGNAL);
    if (count > 0) direction.pending.erase(0, static_cast<std::size_t>(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR) broken = true;
  }
  if (direction.ended && direction.pending.empty() && !direction.passed) {
    shutdown(to, SHUT_WR);
    direction.passed = true;
  }
}

void LoopbackRelay::handle(const std::vector<pollfd>& polled, std::size_t first) {
  const std::size_t listeners = first;
  std::size_t next = first + listeners_.size();
  for (auto connection = connections_.begin(); connection != connections_.end();) {
    const short inside = polled[next].revents;
    const short outside = polled[next + 1].revents;
    next += 2;
    if (connection->connecting && outside) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection->outside.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      connection->connecting = false;
      connection->broken = error != 0;
    }
    if (!connection->connecting && !connection->broken) {
      move_bytes(connection->inside.get(), inside, connection->outside.get(), outside, connection->out,
                 connection->broken);
      move_bytes(connection->outside.get(), outside, connection->inside.get(), inside, connection->in,
                 connection->broken);
    }
    const bool over = connection->broken || (connection->out.passed && connection->in.passed);
    connection = over ? connections_.erase(connection) : std::next(connection);
  }
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (polled[listeners + i].revents & POLLIN) accept_one(listeners_[i]);
  }
}

}  // namespace tollgate::isolation
