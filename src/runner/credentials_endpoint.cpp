#include "runner/credentials_endpoint.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::runner {
namespace {

constexpr std::string_view kPath = "/credentials";
constexpr std::size_t kMaxHead = 16384;
constexpr std::size_t kMaxConnections = 64;

Secret reply(std::string_view status, std::string_view body) {
  return Secret::take(
      fmt::format("HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
                  "Connection: close\r\n\r\n{}",
                  status, body.size(), body));
}

Secret refusal(std::string_view status, std::string_view code, std::string_view message) {
  return reply(status, fmt::format(R"({{"code":"{}","message":"{}"}})", code, message));
}

bool same_name(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && std::equal(name.begin(), name.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

// The value of a header that must be there once; empty otherwise.
std::string_view only_header(std::string_view lines, std::string_view name) {
  std::string_view found;
  int count = 0;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !same_name(line.substr(0, colon), name)) continue;
    line.remove_prefix(colon + 1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
      line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t'))
      line.remove_suffix(1);
    found = line;
    ++count;
  }
  return count == 1 ? found : std::string_view();
}

}  // namespace

CredentialsEndpoint::CredentialsEndpoint(RandomSource& random, std::function<Secret()> document)
    : token_(Secret::take(hex_encode(random.bytes(32)))), document_(std::move(document)) {}

std::vector<std::pair<std::string, std::string>> CredentialsEndpoint::variables(std::uint16_t port) const {
  return {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", fmt::format("http://127.0.0.1:{}{}", port, kPath)},
          {"AWS_CONTAINER_AUTHORIZATION_TOKEN", std::string(token_.reveal())}};
}

void CredentialsEndpoint::listen_on(UniqueFd listener) {
  connections_.clear();
  listener_ = std::move(listener);
  if (listener_) fcntl(listener_.get(), F_SETFL, O_NONBLOCK);
}

void CredentialsEndpoint::add_to(std::vector<pollfd>& entries) const {
  entries.push_back({listener_.get(), POLLIN, 0});
  for (const Connection& connection : connections_) {
    entries.push_back({connection.fd.get(), static_cast<short>(connection.answered ? POLLOUT : POLLIN), 0});
  }
}

void CredentialsEndpoint::handle(const pollfd* entries, std::size_t count) {
  if (count == 0) return;
  std::size_t at = 1;
  for (Connection& connection : connections_) {
    if (at >= count) break;
    if (entries[at++].revents == 0) continue;
    if (!connection.answered) receive(connection);
    if (connection.answered && !connection.over) send_to(connection);
  }
  connections_.remove_if([](const Connection& connection) { return connection.over; });
  if (entries[0].revents != 0) accept_all();
}

void CredentialsEndpoint::accept_all() {
  for (;;) {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    // The oldest gives way: it has had the most time.
    if (connections_.size() >= kMaxConnections) connections_.pop_front();
    connections_.emplace_back().fd = std::move(fd);
  }
}

void CredentialsEndpoint::receive(Connection& connection) const {
  char buffer[4096];
  const ssize_t got = recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    connection.over = true;
    return;
  }
  connection.head.append(buffer, static_cast<std::size_t>(got));
  const std::size_t end = connection.head.find("\r\n\r\n");
  if (end == std::string::npos && connection.head.size() <= kMaxHead) return;
  connection.unsent = end == std::string::npos ? refusal("431 Request Header Fields Too Large", "TooLarge", "too large")
                                               : answer(std::string_view(connection.head).substr(0, end + 2));
  wipe(connection.head);
  connection.answered = true;
}

void CredentialsEndpoint::send_to(Connection& connection) {
  const std::string_view left = connection.unsent.reveal().substr(connection.sent);
  const ssize_t sent = send(connection.fd.get(), left.data(), left.size(), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent > 0) connection.sent += static_cast<std::size_t>(sent);
  connection.over = sent <= 0 || connection.sent == connection.unsent.reveal().size();
}

Secret CredentialsEndpoint::answer(std::string_view head) const {
  const std::size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const std::string_view headers = line_end == std::string_view::npos ? std::string_view() : head.substr(line_end + 2);
  if (!crypto::constant_time_equal(only_header(headers, "authorization"), token_.reveal())) {
    return refusal("403 Forbidden", "AccessDenied", "the authorization token is not that of this phase");
  }
  if (line != fmt::format("GET {} HTTP/1.1", kPath) && line != fmt::format("GET {} HTTP/1.0", kPath)) {
    return refusal("404 Not Found", "NotFound", "there is only one path here");
  }
  const Secret document = document_();
  if (document.empty()) {
    return refusal("400 Bad Request", "ExpiredToken", "the AWS session of this phase has ended and was not renewed");
  }
  return reply("200 OK", document.reveal());
}

}  // namespace tollgate::runner
