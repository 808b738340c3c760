// Carries connections that were accepted inside a sandbox's network to the same port of the host's loopback, byte for
// byte. Serves the thread that polls. Internal to this folder.
#pragma once

#include <poll.h>

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"

namespace tollgate::isolation {

class LoopbackRelay {
 public:
  void add(UniqueFd listener, std::uint16_t port);
  bool empty() const { return listeners_.empty(); }
  // Appends what has to be polled; `handle` receives the same entries after the poll.
  void collect(std::vector<pollfd>& polled);
  void handle(const std::vector<pollfd>& polled, std::size_t first);

 private:
  struct Listener {
    UniqueFd fd;
    std::uint16_t port;
  };
  struct Direction {
    std::string pending;
    bool ended = false;   // no more will be read
    bool passed = false;  // and the other side knows
  };
  struct Connection {
    UniqueFd inside;
    UniqueFd outside;
    Direction out;  // inside to outside
    Direction in;
    bool connecting = true;
    bool broken = false;
  };
  static void move_bytes(int from, short from_events, int to, short to_events, Direction& direction, bool& broken);
  void accept_one(const Listener& listener);

  std::vector<Listener> listeners_;
  std::list<Connection> connections_;
};

}  // namespace tollgate::isolation
