// Outbound HTTP as values, and the interface of a client. Implementations: net/curl (libcurl), the broker's
// FetchClient (a child process that holds libcurl). No redirects are followed. A client may be used by one thread at a
// time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace tollgate::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url;  // absolute, http or https, without user info
  Headers headers;
  std::string body;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds total_timeout{20000};
  // Limit of what is accepted, headers included; more is a Failure with Delivery::unknown.
  std::size_t max_response_bytes = 4 << 20;
  bool use_proxy = true;  // HTTPS_PROXY, HTTP_PROXY, NO_PROXY; never for loopback
  // A numeric address to connect to, in place of what the host's name resolves to; certificates are still the host's.
  // Not with a proxy, and only libcurl's client itself knows it.
  std::string connect_to;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
};

// How far a failed request came. A one-time code may be sent again only after not_sent.
enum class Delivery {
  not_sent,  // provably no byte of the request left: DNS, connect or TLS failed
  unknown,   // it was sent in part or whole and no complete answer came
};

// Error::reason of a Failure: the other side's certificate has no trusted authority or another name; the file of
// authorities cannot be used. Who knows which setting names that file can say so.
inline constexpr std::string_view kNotTrusted = "tls_not_trusted";
inline constexpr std::string_view kBadCaFile = "ca_file_unusable";

struct Failure {
  Delivery delivery = Delivery::unknown;
  Error error;
};

class Client {
 public:
  virtual ~Client() = default;
  // Any HTTP status is a Response. A Failure names host and reason, never a header or body.
  virtual tl::expected<Response, Failure> send(const Request& request) = 0;
};

// Case-insensitive; nullptr if absent. The first one where a header repeats.
const std::string* find_header(const Headers& headers, std::string_view name);

}  // namespace tollgate::net
