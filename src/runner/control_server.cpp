#include "runner/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runner/protocol/phase_client.h"

namespace tollgate::runner {
namespace {

constexpr std::size_t kMaxConnections = 64;

}  // namespace

Result<ControlServer> ControlServer::listen(const Spool& spool) {
  TG_CHECK(spool.directory().remove(spool_file::kControl));
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket_path(spool.directory());
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  if (!listener || bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 16) != 0) {
    return fail(Code::io, fmt::format("listening on {}: {}", path, std::strerror(errno)));
  }
  return ControlServer(std::move(listener));
}

void ControlServer::add_to(std::vector<pollfd>& entries) const {
  entries.push_back({listener_.get(), POLLIN, 0});
  for (const Connection& connection : connections_) {
    const bool wants_out = !connection.deaf && (connection.stale || !connection.unsent.empty());
    entries.push_back({connection.fd.get(), static_cast<short>(wants_out ? POLLIN | POLLOUT : POLLIN), 0});
  }
}

void ControlServer::handle(const pollfd* entries, std::size_t count,
                           const std::function<void(ControlCommand)>& on_command) {
  if (count == 0) return;
  std::size_t at = 1;
  for (Connection& connection : connections_) {
    if (at >= count) break;
    const short events = entries[at++].revents;
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) receive(connection, on_command);
    if ((events & POLLOUT) != 0 && !connection.broken) send_to(connection);
  }
  if (entries[0].revents != 0) accept_all();
  connections_.remove_if([](const Connection& connection) { return connection.broken; });
}

void ControlServer::accept_all() {
  for (;;) {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    // The oldest gives way: it is more likely to be forgotten.
    if (connections_.size() >= kMaxConnections) connections_.pop_front();
    Connection& connection = connections_.emplace_back();
    connection.fd = std::move(fd);
    send_to(connection);
  }
}

void ControlServer::receive(Connection& connection, const std::function<void(ControlCommand)>& on_command) {
  char buffer[4096];
  for (;;) {
    const ssize_t got = recv(connection.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      connection.broken = true;
      return;
    }
    const bool whole = connection.lines.feed({buffer, static_cast<std::size_t>(got)}, [&](std::string_view line) {
      const auto command = parse_control_command(line);
      if (!command) {
        connection.broken = true;
      } else if (*command == ControlCommand::ping) {
        connection.stale = true;
      } else {
        on_command(*command);
      }
    });
    if (!whole) connection.broken = true;
    if (connection.broken) return;
  }
}

void ControlServer::send_to(Connection& connection) const {
  if (connection.deaf) return;
  if (connection.unsent.empty()) {
    if (!connection.stale) return;
    connection.unsent = to_line(progress_);
    connection.stale = false;
  }
  const ssize_t sent =
      send(connection.fd.get(), connection.unsent.data(), connection.unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) connection.unsent.erase(0, static_cast<std::size_t>(sent));
  // Who says a command and closes has not waited for our events; the command is still to be read.
  if (sent < 0 && errno != EAGAIN && errno != EINTR) connection.deaf = true;
}

void ControlServer::tell(const Progress& progress) {
  if (progress == progress_) return;
  progress_ = progress;
  for (Connection& connection : connections_) {
    connection.stale = true;
    send_to(connection);
  }
}

}  // namespace tollgate::runner
