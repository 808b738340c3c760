// tollgate-fetch: performs HTTP requests for the broker and the runner, so that these link neither libcurl nor OpenSSL,
// nor load the forty libraries behind them at every start. Reads frames (client/frame.h) from standard input, answers
// on standard output, ends with its input. Takes no arguments; proxies and certificate authorities come from the
// environment.

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

#include "common/base/secret.h"
#include "common/fetch/client/frame.h"
#include "common/net/curl/curl_client.h"
#include "common/os/process_hardening.h"

namespace tollgate::fetch {
namespace {

enum class Read { whole, end, torn };

// `end` only where not a single byte came.
Read read_all(char* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(STDIN_FILENO, into + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return done == 0 && count == 0 ? Read::end : Read::torn;
    done += static_cast<std::size_t>(count);
  }
  return Read::whole;
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::optional<std::string> variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Outcome perform(std::unique_ptr<net::Client>& client, const net::Request& request) {
  if (!client) {
    try {
      client = net::make_curl_client(net::curl_options_from(variable));
    } catch (const std::exception& broken) {
      return tl::unexpected(net::Failure{net::Delivery::not_sent, Error(Code::unavailable, broken.what())});
    }
  }
  return client->send(request);
}

int serve() {
  std::unique_ptr<net::Client> client;
  while (true) {
    std::array<char, kFrameHeadBytes> head{};
    const Read outcome = read_all(head.data(), head.size());
    if (outcome == Read::end) return 0;
    const auto size = outcome == Read::whole ? payload_size(head) : std::nullopt;
    if (!size) return exit_status(Code::invalid);
    std::string payload(*size, '\0');
    if (*size > 0 && read_all(payload.data(), payload.size()) != Read::whole) return exit_status(Code::invalid);
    auto request = decode_request(payload);
    wipe(payload);
    if (!request) return exit_status(Code::invalid);
    std::string frame = frame_of(perform(client, *request));
    wipe(request->body);
    for (auto& header : request->headers)
      wipe(header.second);
    const bool written = write_all(frame);
    wipe(frame);
    if (!written) return exit_status(Code::io);
  }
}

}  // namespace
}  // namespace tollgate::fetch

int main() {
  tollgate::os::harden_process();
  try {
    return tollgate::fetch::serve();
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "tollgate-fetch: %s\n", broken.what());
    return tollgate::exit_status(tollgate::Code::internal);
  }
}
