// A listening TCP socket on its own, for a process that makes it and another (or a Server after this one) that serves
// it: while anyone holds a descriptor of it the kernel takes connections, and nobody is refused between two servers.
// Not a server, and no names: addresses are numeric.
//
// Threads: pure system calls; may be called from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace tollgate::http {

struct Listener {
  UniqueFd fd;  // close-on-exec; a child gets it by os::Command::descriptors
  std::uint16_t port = 0;
};

// IPv4 or IPv6 by the form of `address`; port 0 is any free one. Errors: Code::io, with what to do about an address in
// use, a port that needs a privilege and an address that this machine does not have.
Result<Listener> listen_on(const std::string& address, std::uint16_t port);

struct ListenerAddress {
  std::string address;
  std::uint16_t port = 0;
  bool ipv6 = false;
};

// Of an inherited descriptor. Code::io where it is not a TCP socket that listens.
Result<ListenerAddress> listener_address(int fd);

// Another descriptor, close-on-exec, of the same socket: for ServerOptions::listen_fd, which is taken over.
Result<UniqueFd> share_listener(int fd);

}  // namespace tollgate::http
