// Inside a fresh network namespace, before the program is there: loopback up, refused destinations, listening sockets.
// Internal to this folder. Called between fork and exec of a process that may have had threads: every function is
// async-signal-safe, does not allocate, and returns 0 or an errno.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tollgate::isolation {

int raise_loopback();
// Routes that answer "prohibited": link-local and the metadata addresses in it; with `private_too` 10/8 (but slirp's
// own 10.0.2.0/24, which is more specific), 172.16/12, 192.168/16 and 100.64/10.
int refuse_destinations(bool private_too);
// A socket of 127.0.0.1 that listens; below zero an errno.
int listen_on_loopback(std::uint16_t port);
// Bytes and descriptors over a UNIX socket (SCM_RIGHTS).
int send_descriptors(int socket, int status[2], const int* descriptors, std::size_t count);

inline constexpr std::size_t kMaxListeners = 32;

}  // namespace tollgate::isolation
