// The body of an answer that goes on after the handler has returned: text/event-stream, a log that grows. The handler
// makes one, puts it into Response::stream, and whoever has something to say writes to it later. Not a socket: writing
// never blocks and never waits. What a reader has not taken is kept up to a bound; a reader that is slower is told so
// by the stream's last words and ended, so that one of them costs neither memory nor the others' time.
//
// A stream that waits costs its connection and some hundred bytes, and no thread.
//
// Threads: all methods at once. The connection calls take(), attach() and end(); nobody else does, but for tests.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/http/server.h"

namespace tollgate::http {

struct StreamLimits {
  std::size_t most_pending = 64 << 10;  // bytes that the reader has not taken yet
  std::string last_words;               // in place of those, when there are more
};

class ResponseStream {
 public:
  explicit ResponseStream(StreamLimits limits = {}) : limits_(std::move(limits)) {}
  // As end(): an answer that never came to be sent has ended too.
  ~ResponseStream() { end(); }
  ResponseStream(const ResponseStream&) = delete;
  ResponseStream& operator=(const ResponseStream&) = delete;

  // Whole pieces, sent in order. False: nobody will get it, because the stream was closed, its reader is too slow, or
  // the peer has gone.
  bool write(std::string_view piece);
  // What was written still goes out, then the connection ends in order. Idempotent.
  void close();
  // That no write can succeed any more.
  bool over() const;
  // Called once when the connection has ended, whoever ended it; at once where it has already. It runs on the io thread
  // (or where the answer is dropped), so it must be quick; never inside write() or close().
  void on_end(std::function<void()> function);

  struct Outgoing {
    std::string bytes;
    bool last = false;  // nothing follows
  };
  // Everything that is pending.
  Outgoing take();
  // `wake` is called whenever there is something to take, from the writing thread and under the stream's lock.
  void attach(std::function<void()> wake);
  void end();

 private:
  const StreamLimits limits_;
  mutable std::mutex mutex_;  // of what follows
  std::string pending_;
  bool closed_ = false;  // no more is written
  bool ended_ = false;   // no more is read
  std::function<void()> wake_;
  std::function<void()> on_end_;
};

// One event of text/event-stream (WHATWG HTML 9.2.6). An empty name or id is left out; data may have several lines. The
// name and the id must not: line breaks in them are dropped, because they would end the field.
std::string format_event(std::string_view name, std::string_view id, std::string_view data);
// A line that readers ignore; it keeps proxies from taking the connection for dead.
std::string format_comment(std::string_view text);
// The answer that carries `stream` as text/event-stream, not to be stored or held back by anyone between.
Response event_stream(std::shared_ptr<ResponseStream> stream);

}  // namespace tollgate::http
