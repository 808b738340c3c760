// A server on 127.0.0.1 that does to each connection what a test says: answer, truncate, reset, stay silent. It speaks
// no protocol by itself. One thread of its own; the script runs there.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "common/base/unique_fd.h"

namespace tollgate::net {

class LoopbackServer {
 public:
  // Called for every connection in turn; the descriptor is closed afterwards.
  using Script = std::function<void(int fd, int connection)>;

  explicit LoopbackServer(Script script) : script_(std::move(script)), listener_(listening_socket()) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("port");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~LoopbackServer() {
    stopping_ = true;
    shutdown(listener_.get(), SHUT_RDWR);
    const int current = current_.load();
    if (current >= 0) shutdown(current, SHUT_RDWR);
    thread_.join();
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int connections() const { return connections_; }

  // Reads one HTTP request with its body; empty when the peer closed before.
  static std::string read_request(int fd) {
    std::string text;
    char buffer[4096];
    while (true) {
      const auto head = text.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto field = text.find("Content-Length: ");
        const std::size_t length = field == std::string::npos || field > head ? 0 : std::stoul(text.substr(field + 16));
        if (text.size() >= head + 4 + length) return text;
      }
      const ssize_t count = recv(fd, buffer, sizeof buffer, 0);
      if (count <= 0) return "";
      text.append(buffer, static_cast<std::size_t>(count));
    }
  }
  static void write_all(int fd, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t count = ::send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (count <= 0) return;
      at += static_cast<std::size_t>(count);
    }
  }
  static std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  // The next close sends RST instead of FIN.
  static void reset_on_close(int fd) {
    const linger hard{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  static UniqueFd listening_socket() {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd.get(), 16) != 0) {
      throw std::runtime_error("no loopback socket");
    }
    return fd;
  }
  void run() {
    while (!stopping_) {
      const UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      current_ = fd.get();
      const int connection = connections_++;
      if (!stopping_) script_(fd.get(), connection);
      current_ = -1;
    }
  }

  Script script_;
  UniqueFd listener_;
  int port_ = 0;
  std::atomic<int> current_{-1};
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// A port on which nobody listens.
inline int closed_port() {
  int port = 0;
  {
    const LoopbackServer server([](int, int) {});
    port = server.port();
  }
  return port;
}

}  // namespace tollgate::net
