// A client that sends bytes as they are, so that tests can be as rude as a network. Blocking, with a time limit of ten
// seconds on every wait. Not synchronised.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/unique_fd.h"

namespace tollgate::http::test {

struct RawResponse {
  int status = 0;
  std::string head;  // status line and headers
  std::string body;
  bool complete = false;  // false: the connection ended before Content-Length was reached

  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  int fd() const { return fd_.get(); }
  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void finish_sending() { ::shutdown(fd_.get(), SHUT_WR); }

  // One response; `head_only` for the answer to HEAD. nullopt: the connection ended before any head.
  std::optional<RawResponse> receive(bool head_only = false) {
    std::size_t end = std::string::npos;
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    RawResponse response;
    response.head = pending_.substr(0, end + 2);
    pending_.erase(0, end + 4);
    response.status = std::stoi(response.head.substr(9, 3));
    std::size_t length = 0;
    const std::size_t at = response.head.find("Content-Length: ");
    if (at != std::string::npos && !head_only) length = std::stoul(response.head.substr(at + 16));
    while (pending_.size() < length && read_more()) {
    }
    response.complete = pending_.size() >= length;
    response.body = pending_.substr(0, length);
    pending_.erase(0, length);
    return response;
  }
  std::optional<RawResponse> exchange(std::string_view bytes, bool head_only = false) {
    send(bytes);
    return receive(head_only);
  }

  // What comes up to and with `mark`, heads included; what came where the connection ended before.
  std::string read_until(std::string_view mark) {
    std::size_t at = std::string::npos;
    while ((at = pending_.find(mark)) == std::string::npos && read_more()) {
    }
    const std::size_t size = at == std::string::npos ? pending_.size() : at + mark.size();
    std::string text = pending_.substr(0, size);
    pending_.erase(0, size);
    return text;
  }

  // Whether the peer has ended the connection (after at most ten seconds), with nothing left unread.
  bool ended() { return pending_.empty() && !read_more(); }
  // errno of the last read: ECONNRESET after a reset, 0 after an orderly end.
  int last_error() const { return error_; }

 private:
  bool read_more() {
    pollfd ready{fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 10000) <= 0) {
      ADD_FAILURE() << "nothing came within ten seconds";
      return false;
    }
    char chunk[16384];
    const ssize_t count = ::recv(fd_.get(), chunk, sizeof(chunk), 0);
    error_ = count < 0 ? errno : 0;
    if (count <= 0) return false;
    pending_.append(chunk, static_cast<std::size_t>(count));
    return true;
  }

  UniqueFd fd_;
  bool connected_ = false;
  std::string pending_;
  int error_ = 0;
};

}  // namespace tollgate::http::test
