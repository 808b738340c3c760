// The credentials endpoint inside the sandbox of a phase: AWS SDKs that find AWS_CONTAINER_CREDENTIALS_FULL_URI ask
// here whenever they need credentials, and so get those of the moment. Its listening socket belongs to the sandbox's
// own loopback, so nothing outside can connect, and whoever asks has to show the phase's token. GET of one path; not an
// HTTP server for anything else. Driven by the phase's loop: one thread.
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/unique_fd.h"

namespace tollgate::runner {

class CredentialsEndpoint {
 public:
  // `document` gives the JSON of the moment; empty: there are none.
  CredentialsEndpoint(RandomSource& random, std::function<Secret()> document);

  // What makes SDKs ask here. The second value is a secret.
  std::vector<std::pair<std::string, std::string>> variables(std::uint16_t port) const;
  const Secret& token() const { return token_; }

  // The listening socket of the program that starts now; an empty one where it has ended. Older connections are closed.
  void listen_on(UniqueFd listener);
  // Appends what is to be polled; handle() gets the same entries back.
  void add_to(std::vector<pollfd>& entries) const;
  void handle(const pollfd* entries, std::size_t count);

  // The answer to the head of a request (all lines up to the empty one). Public for tests.
  Secret answer(std::string_view head) const;

 private:
  struct Connection {
    UniqueFd fd;
    std::string head;
    Secret unsent;
    std::size_t sent = 0;
    bool answered = false;
    bool over = false;
  };
  void accept_all();
  void receive(Connection& connection) const;
  static void send_to(Connection& connection);

  Secret token_;
  std::function<Secret()> document_;
  UniqueFd listener_;
  std::list<Connection> connections_;
};

}  // namespace tollgate::runner
