// An HTTP/1.1 server: requests and responses as values, a handler as a plain function. The only Asio and Beast code of
// the project lives behind this header. It knows no resource, no route and no authentication.
//
// Threads: one io thread accepts, reads and writes; handlers run on a bounded pool and may block. The handler is called
// from several threads at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace tollgate::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string target;  // as sent: path and query, undecoded
  Headers headers;     // in the order sent, names as sent
  std::string body;
  std::string peer;  // remote address without port
  bool tls = false;

  // Parts of `target`, undecoded.
  std::string_view path() const;
  std::string_view query() const;
  // Case-insensitive; the first of that name; nullptr if absent.
  const std::string* header(std::string_view name) const;
};

// What happens to the connection instead of a proper answer, for servers that imitate faults.
enum class Wire {
  normal,
  reset,          // RST without an answer
  truncate_body,  // full Content-Length announced, half the body sent, then closed
};

class ResponseStream;

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  Wire wire = Wire::normal;
  std::optional<std::string> file;  // a body read from this file instead of `body`; not yet for Wire faults
  // A body that somebody goes on writing (response_stream.h) instead of `body`; not for Wire faults. The connection
  // ends with it: HTTP/1.1 gets it chunked, so that a broken stream can be told from one that is over.
  std::shared_ptr<ResponseStream> stream;
};

using Handler = std::function<Response(const Request&)>;

struct TlsFiles {
  std::string certificate_chain;  // PEM
  std::string private_key;        // PEM
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0 = any free one
  // A listening socket (listener.h) instead of address and port. Taken over where the server starts; closing it leaves
  // other descriptors of the same socket, here or in another process, as they are.
  int listen_fd = -1;
  std::optional<TlsFiles> tls;
  unsigned handler_threads = 4;
  std::size_t max_header_bytes = 64 << 10;
  std::uint64_t max_body_bytes = 64ULL << 20;
  // How large a body this request may have, instead of max_body_bytes for all; more is answered with 413 before it is
  // read. Called on the io thread when the head is there, so it must not block; the target is as sent.
  std::function<std::uint64_t(std::string_view method, std::string_view target)> body_limit = nullptr;
  // Further headers of an answer that the server itself makes, because the head or the body of a request is none that
  // it takes or the handler threw. `head` is what was read of it, perhaps nothing. On the io thread or a handler's.
  std::function<Headers(const Request& head, int status)> refusing = nullptr;
  unsigned max_connections = 1024;
  std::chrono::milliseconds read_timeout{30000};
  std::chrono::milliseconds idle_timeout{60000};
};

class Server {
 public:
  virtual ~Server() = default;  // stops as stop() does
  virtual std::uint16_t port() const = 0;
  // Stops accepting and ends every connection in order: requests under way are answered, with Connection: close; what
  // the kernel had already connected is served too; a connection that waits for a request may send one more for half a
  // second (at most half the grace), so that a request that is on its way is not lost. Connections on which a client
  // says nothing and does not take the end are cut a second later. While another descriptor of the listening socket is
  // open nobody is refused or reset. Without one, who connects after this call is.
  // Streams end after what was written to them. True: all have ended. False: the grace is over, and the rest goes on;
  // call again, or stop(). stop() ends a drain.
  virtual bool drain(std::chrono::milliseconds grace) = 0;
  // Stops accepting, lets running handlers finish for at most `grace`, closes connections. Idempotent.
  virtual void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(2000)) = 0;
};

// Binds, listens and starts its threads. Errors: Code::io where the address cannot be had, Code::config for TLS files.
Result<std::unique_ptr<Server>> start_server(const ServerOptions& options, Handler handler);

}  // namespace tollgate::http
