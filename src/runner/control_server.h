// The runner's end of the control socket: accepts any number of connections (up to a limit), tells each of them about
// progress, and hands on commands. A connection that does not read is told the latest when it does; one that says
// nonsense is closed. Driven by the phase's loop: one thread.
#pragma once

#include <poll.h>

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "runner/protocol/control.h"
#include "runner/protocol/spool.h"

namespace tollgate::runner {

class ControlServer {
 public:
  // Replaces what a killed runner left.
  static Result<ControlServer> listen(const Spool& spool);

  // Appends what is to be polled; handle() gets the same entries back.
  void add_to(std::vector<pollfd>& entries) const;
  void handle(const pollfd* entries, std::size_t count, const std::function<void(ControlCommand)>& on_command);
  // Tells everybody, where it is not what they were told last.
  void tell(const Progress& progress);

 private:
  struct Connection {
    UniqueFd fd;
    LineSplitter lines;
    std::string unsent;
    bool stale = true;  // what was told last is not the latest
    bool deaf = false;  // it takes nothing more; what it said before may still lie here unread
    bool broken = false;
  };
  explicit ControlServer(UniqueFd listener) : listener_(std::move(listener)) {}
  void accept_all();
  void receive(Connection& connection, const std::function<void(ControlCommand)>& on_command);
  void send_to(Connection& connection) const;

  UniqueFd listener_;
  std::list<Connection> connections_;
  Progress progress_;
};

}  // namespace tollgate::runner
