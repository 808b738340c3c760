#include "common/fetch/client/fetch_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "common/base/secret.h"
#include "common/fetch/client/frame.h"
#include "common/os/child_process.h"

namespace tollgate::fetch {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What tollgate-fetch may need to reach the network; nothing else of our environment reaches it.
constexpr std::string_view kPassedVariables[] = {"HTTPS_PROXY",    "https_proxy",   "HTTP_PROXY",   "http_proxy",
                                                 "ALL_PROXY",      "all_proxy",     "NO_PROXY",     "no_proxy",
                                                 "REQUEST_METHOD", "AWS_CA_BUNDLE", "SSL_CERT_FILE"};
// What the program may take beyond the request's own limit before it counts as stuck.
constexpr std::chrono::seconds kGrace{5};

os::Environment environment_for(const FetchOptions& options) {
  os::Environment passed;
  for (const auto& entry : options.environment) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view name = std::string_view(entry).substr(0, equals);
    const bool wanted =
        std::find(std::begin(kPassedVariables), std::end(kPassedVariables), name) != std::end(kPassedVariables);
    if (wanted && !passed.has(name)) passed.set(name, std::string_view(entry).substr(equals + 1));
  }
  if (!options.ca_file.empty()) passed.set("AWS_CA_BUNDLE", options.ca_file);
  return passed;
}

// Waits until the socket is ready; false at the deadline.
bool wait_for(int fd, short events, SteadyClock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return false;
    pollfd entry{fd, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 1 << 30)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// A started tollgate-fetch and the socket to it.
class Peer {
 public:
  static Result<Peer> start(const FetchOptions& options) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return fail(Code::io, fmt::format("creating a socket pair: {}", std::strerror(errno)));
    }
    UniqueFd ours(ends[0]);
    const UniqueFd theirs(ends[1]);
    os::Command command;
    command.argv = {options.program};
    command.environment = environment_for(options);
    command.input = os::Stdio::given(theirs.get());
    command.output = os::Stdio::given(theirs.get());
    command.own_process_group = true;  // a Ctrl-C is ours to judge; the program ends with us in any case
    command.death_signal = SIGKILL;
    auto child = os::spawn(command);
    if (!child) {
      return fail(std::move(child).error().do_next("reinstall tollgate: tollgate-fetch must lie beside it"));
    }
    return Peer(std::move(*child), std::move(ours));
  }

  // False where the program cannot have got all of it, and so has done nothing: it acts on whole frames only.
  bool write(std::string_view bytes, SteadyClock::time_point deadline) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0)
        bytes.remove_prefix(static_cast<std::size_t>(count));
      else if (count < 0 && errno == EINTR)
        continue;
      else if (count < 0 && errno == EAGAIN && wait_for(socket_.get(), POLLOUT, deadline))
        continue;
      else
        return false;
    }
    return true;
  }

  bool read(char* into, std::size_t size, SteadyClock::time_point deadline) {
    while (size > 0) {
      const ssize_t count = recv(socket_.get(), into, size, MSG_DONTWAIT);
      if (count > 0) {
        into += count;
        size -= static_cast<std::size_t>(count);
      } else if (count < 0 && errno == EINTR) {
        continue;
      } else if (count >= 0 || errno != EAGAIN || !wait_for(socket_.get(), POLLIN, deadline)) {
        return false;
      }
    }
    return true;
  }

 private:
  Peer(os::ChildProcess child, UniqueFd socket) : child_(std::move(child)), socket_(std::move(socket)) {}
  os::ChildProcess child_;  // killed and reaped with this
  UniqueFd socket_;
};

class FetchClient final : public net::Client {
 public:
  explicit FetchClient(FetchOptions options) : options_(std::move(options)) {}

  Outcome send(const net::Request& request) override {
    const auto deadline = SteadyClock::now() + request.total_timeout + kGrace;
    std::string frame = frame_of(request);
    auto handed_over = hand_over(frame, deadline);
    wipe(frame);
    if (!handed_over) {
      return tl::unexpected(net::Failure{net::Delivery::not_sent, std::move(handed_over).error()});
    }
    auto outcome = receive(deadline);
    if (outcome) return std::move(*outcome);
    peer_.reset();
    return tl::unexpected(net::Failure{net::Delivery::unknown, std::move(outcome).error()});
  }

 private:
  // A program left from an earlier request may have died since: then a fresh one gets the request.
  Result<void> hand_over(const std::string& frame, SteadyClock::time_point deadline) {
    const bool kept = peer_.has_value();
    for (int attempt = 0; attempt < (kept ? 2 : 1); ++attempt) {
      if (!peer_) {
        TG_TRY(peer_, Peer::start(options_));
      }
      if (peer_->write(frame, deadline)) return {};
      peer_.reset();
    }
    return fail(Error(Code::unavailable, options_.program + " ended before it took the request")
                    .do_next("run it by hand: it must wait for input in silence"));
  }

  Result<Outcome> receive(SteadyClock::time_point deadline) {
    const auto lost = [&](std::string_view why) {
      return fail(Error(Code::unknown, fmt::format("{} {}", options_.program, why)).do_next("try again in a moment"));
    };
    std::array<char, kFrameHeadBytes> head{};
    if (!peer_->read(head.data(), head.size(), deadline)) return lost("ended or fell silent before the answer came");
    const auto size = payload_size(head);
    if (!size) return lost("answered with nonsense");
    std::string payload(*size, '\0');
    const bool whole = peer_->read(payload.data(), payload.size(), deadline);
    auto outcome = whole ? decode_outcome(payload) : Result<Outcome>(lost("ended in the middle of its answer"));
    wipe(payload);
    if (!outcome && whole) return lost("answered with nonsense");
    return outcome;
  }

  FetchOptions options_;
  std::optional<Peer> peer_;
};

}  // namespace

std::unique_ptr<net::Client> make_fetch_client(FetchOptions options) {
  return std::make_unique<FetchClient>(std::move(options));
}

}  // namespace tollgate::fetch
