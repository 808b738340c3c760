#include "common/http/session.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>

#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/http/message.h"
#include "common/http/response_stream.h"

namespace tollgate::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Plain = beast::tcp_stream;
using Tls = asio::ssl::stream<beast::tcp_stream>;

constexpr std::size_t kChunk = 128 << 10;
// A body may take the read timeout plus what this rate needs: slow lines pass, a byte now and then does not.
constexpr std::uint64_t kLeastBytesPerSecond = 4096;
// After an answer that ends the connection early the peer may still be sending. Closing then would make the kernel
// send RST, which can overtake the answer (RFC 9112 9.6); so input is thrown away for this long at most.
constexpr std::chrono::milliseconds kLinger{1000};

constexpr std::string_view kBodyTooLarge = "the request's body is larger than this server takes";

// An answer with its file opened, as the pool thread hands it to the io thread.
struct Prepared {
  Response response;
  UniqueFd file;
  std::uint64_t size = 0;
};

Response own_answer(const ServerOptions& options, const Request& head, int status, std::string_view sentence) {
  Response response = plain_response(status, sentence);
  if (!options.refusing) return response;
  try {
    for (auto& header : options.refusing(head, status))
      response.headers.push_back(std::move(header));
  } catch (const std::exception& e) {
    fmt::print(stderr, "http: the headers of a refusal failed: {}\n", e.what());
  }
  return response;
}

Prepared prepare(const SessionHost& host, const Request& request) {
  Prepared prepared;
  try {
    prepared.response = host.handler(request);
  } catch (const std::exception& e) {
    // The catch-all of a session. The text may hold anything, so it does not go to the peer.
    fmt::print(stderr, "http: the handler of {} failed: {}\n", request.method, e.what());
    prepared.response = own_answer(host.options, request, 500, "internal error");
  }
  Response& response = prepared.response;
  if (response.file) {
    struct stat status {};
    prepared.file.reset(::open(response.file->c_str(), O_RDONLY | O_CLOEXEC));
    if (!prepared.file || ::fstat(prepared.file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
      prepared.file.reset();
      response = own_answer(host.options, request, 500, "internal error");
    } else {
      prepared.size = static_cast<std::uint64_t>(status.st_size);
    }
  }
  if (!prepared.file) prepared.size = response.body.size();
  return prepared;
}

template <class Stream>
class StreamSession final : public Session, public std::enable_shared_from_this<StreamSession<Stream>> {
 public:
  StreamSession(Stream stream, SessionHost& host)
      : host_(host), stream_(std::move(stream)), buffer_(host.options.max_header_bytes + kChunk) {}
  ~StreamSession() override {
    drop_body();
    host_.ended(this);
  }

  void start() override {
    error_code ignored;
    socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto remote = socket().remote_endpoint(ignored);
    if (!ignored) peer_ = remote.address().to_string();
    if constexpr (std::is_same_v<Stream, Tls>) {
      expire_after(host_.options.read_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](error_code error) {
        if (!error) self->wait_for_request();
      });
    } else {
      wait_for_request();
    }
  }

  void stop(bool at_once) override {
    if (at_once) {
      cut(false);
    } else if (idle_) {
      beast::get_lowest_layer(stream_).cancel();
    } else {
      end_stream();
    }
  }

  void end_idle() override {
    if (idle_) beast::get_lowest_layer(stream_).cancel();
  }

  void end_stream() override {
    if (body_) body_->close();
  }

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;

  asio::ip::tcp::socket& socket() { return beast::get_lowest_layer(stream_).socket(); }
  void expire_after(std::chrono::milliseconds time) { beast::get_lowest_layer(stream_).expires_after(time); }
  void expire_never() { beast::get_lowest_layer(stream_).expires_never(); }
  void expire_for_progress(std::chrono::steady_clock::time_point start, std::uint64_t bytes) {
    const std::chrono::seconds allowance(bytes / kLeastBytesPerSecond);
    beast::get_lowest_layer(stream_).expires_at(start + host_.options.read_timeout + allowance);
  }

  // Waits for the first byte on its own, because an idle connection has another time limit than a half-sent request.
  void wait_for_request() {
    parser_.emplace();
    // Beast counts in 32 bits here.
    parser_->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(host_.options.max_header_bytes, 1U << 30)));
    parser_->body_limit(boost::none);  // decided when the head is there
    parser_->eager(false);
    request_ = {};
    skip_empty_lines();
    if (buffer_.size() != 0) return read_header();
    if (host_.stopping) return close();
    // An answer from before the drain promised that the connection stays.
    expire_after(host_.draining ? std::min(kLinger, host_.options.idle_timeout) : host_.options.idle_timeout);
    wait_for_byte();
  }

  void wait_for_byte() {
    idle_ = true;
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = this->shared_from_this()](error_code error, std::size_t count) {
                              self->idle_ = false;
                              if (error == asio::error::operation_aborted && self->host_.draining)
                                return self->end_in_order();
                              if (error) return self->close();
                              self->buffer_.commit(count);
                              self->skip_empty_lines();
                              if (self->buffer_.size() == 0) return self->wait_for_byte();
                              self->read_header();
                            });
  }

  // Some clients end a body with a CRLF too many (RFC 9112 2.2).
  void skip_empty_lines() {
    const std::string_view text(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    buffer_.consume(std::min(text.find_first_not_of("\r\n"), text.size()));
  }

  void read_header() {
    expire_after(host_.options.read_timeout);
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](error_code error, std::size_t) { self->on_header(error); });
  }

  void on_header(error_code error) {
    if (error) return on_read_error(error);
    const auto& message = parser_->get();
    request_.method = message.method_string();
    request_.target = message.target();
    for (const auto& field : message)
      request_.headers.emplace_back(field.name_string(), field.value());
    request_.peer = peer_;
    request_.tls = std::is_same_v<Stream, Tls>;
    http_1_0_ = message.version() < 11;
    if (message.version() < 10 || message.version() > 11) {
      return refuse(505, "this server speaks HTTP/1.0 and HTTP/1.1");
    }
    // RFC 3986: what is not ASCII travels percent-encoded. Beast lets it pass.
    const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x7f; };
    if (!std::all_of(request_.target.begin(), request_.target.end(), ascii)) {
      return refuse(400, "malformed request: the target is not ASCII");
    }
    if (const FramingFault fault = check_framing(request_.headers, http_1_0_); fault.status != 0) {
      return refuse(fault.status, fault.sentence);
    }
    if (!set_body_limit()) return;
    body_start_ = std::chrono::steady_clock::now();
    body_bytes_ = 0;
    // A client that waits for 100 Continue may send its body regardless; then nobody waits any more.
    if (!http_1_0_ && request_.header("Expect") != nullptr && !parser_->is_done() && buffer_.size() == 0) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(stream_, asio::buffer(kContinue),
                        [self = this->shared_from_this()](error_code write_error, std::size_t) {
                          if (write_error) return self->close();
                          self->read_body();
                        });
      return;
    }
    read_body();
  }

  // False where the request was refused.
  bool set_body_limit() {
    std::uint64_t limit = host_.options.max_body_bytes;
    if (host_.options.body_limit) {
      try {
        limit = host_.options.body_limit(request_.method, request_.target);
      } catch (const std::exception& e) {
        fmt::print(stderr, "http: the body limit of {} failed: {}\n", request_.method, e.what());
        refuse(500, "internal error");
        return false;
      }
    }
    const auto announced = parser_->content_length();
    if (announced && *announced > limit) {
      refuse(413, kBodyTooLarge);
      return false;
    }
    parser_->body_limit(limit);
    return true;
  }

  void read_body() {
    if (parser_->is_done()) return dispatch();
    expire_for_progress(body_start_, body_bytes_);
    beast::http::async_read_some(stream_, buffer_, *parser_,
                                 [self = this->shared_from_this()](error_code error, std::size_t count) {
                                   if (error) return self->on_read_error(error);
                                   self->body_bytes_ += count;
                                   self->read_body();
                                 });
  }

  void on_read_error(error_code error) {
    namespace http = beast::http;
    if (error == http::error::end_of_stream) return close();
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return refuse(431, "the request's head is larger than this server takes");
    }
    if (error == http::error::body_limit) return refuse(413, kBodyTooLarge);
    if (error.category() == make_error_code(http::error::bad_target).category()) {
      return refuse(400, fmt::format("malformed request: {}", error.message()));
    }
    close();  // the peer went, or was too slow
  }

  void dispatch() {
    keep_alive_ = parser_->get().keep_alive();
    request_.body = std::move(parser_->get().body());
    parser_.reset();
    // The timer must not fire while the handler thinks; there is no operation for it to end.
    expire_never();
    asio::post(host_.pool, [self = this->shared_from_this()]() mutable {
      Prepared prepared = prepare(self->host_, self->request_);
      auto& io = self->host_.io;
      // The session moves along, so that it never ends on this thread.
      asio::post(io, [self = std::move(self), prepared = std::move(prepared)]() mutable {
        self->respond(std::move(prepared), true);
      });
    });
  }

  void refuse(int status, std::string_view sentence) {
    keep_alive_ = false;
    discard_input_ = true;
    Prepared prepared;
    prepared.response = own_answer(host_.options, request_, status, sentence);
    prepared.size = prepared.response.body.size();
    respond(std::move(prepared), false);
  }

  void respond(Prepared prepared, bool from_handler) {
    prepared_ = std::move(prepared);
    const Response& response = prepared_.response;
    if (response.wire == Wire::reset) return cut(true);
    for (const auto& [name, value] : response.headers) {
      if (iequals(name, "Connection") && iequals(value, "close")) keep_alive_ = false;
    }
    if (host_.stopping || host_.draining || response.wire == Wire::truncate_body || response.stream) {
      keep_alive_ = false;
    }
    HeadOptions options;
    options.streams = response.stream != nullptr;
    options.body_size = prepared_.size;
    options.head_request = from_handler && request_.method == "HEAD";
    options.keep_alive = keep_alive_;
    options.http_1_0 = http_1_0_;
    options.now = SystemClock().now();
    head_ = format_head(response, options);
    write_start_ = std::chrono::steady_clock::now();
    if (response.stream && !options.head_request) return write_head_then_stream();
    left_ = options.head_request || bodiless(response.status) ? 0 : prepared_.size;
    if (response.wire == Wire::truncate_body) left_ /= 2;
    if (prepared_.file) return write_head_then_file();
    expire_for_progress(write_start_, left_);
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(head_), asio::buffer(response.body.data(), left_)};
    asio::async_write(stream_, buffers,
                      [self = this->shared_from_this()](error_code error, std::size_t) { self->on_written(error); });
  }

  void write_head_then_file() {
    expire_for_progress(write_start_, prepared_.size);
    asio::async_write(stream_, asio::buffer(head_), [self = this->shared_from_this()](error_code error, std::size_t) {
      if (error) return self->close();
      self->write_file_chunk();
    });
  }

  void write_file_chunk() {
    if (left_ == 0) return on_written({});
    head_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left_, kChunk)));
    const ssize_t count = ::read(prepared_.file.get(), head_.data(), head_.size());
    // A file that became shorter cannot be announced any more: the peer sees a truncated body.
    if (count <= 0) return close();
    left_ -= static_cast<std::uint64_t>(count);
    asio::async_write(stream_, asio::buffer(head_.data(), static_cast<std::size_t>(count)),
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        if (error) return self->close();
                        self->write_file_chunk();
                      });
  }

  // A stream has its own time limit for each write, because the read that sees the peer go has none.
  void write_head_then_stream() {
    body_ = std::move(prepared_.response.stream);
    prepared_ = {};
    request_ = {};
    buffer_ = beast::flat_buffer(buffer_.max_size());
    write_deadline_.emplace(host_.io);
    expire_never();
    body_->attach([&io = host_.io, weak = this->weak_from_this()] {
      asio::post(io, [weak] {
        if (const auto self = weak.lock()) self->write_pending();
      });
    });
    if (host_.stopping || host_.draining) body_->close();
    watch_peer();
    write_piece(false);
  }

  // Nothing is expected from the peer; that it ends or breaks the connection ends the stream.
  void watch_peer() {
    watching_ = true;
    stream_.async_read_some(asio::buffer(ignored_), [self = this->shared_from_this()](error_code error, std::size_t) {
      self->watching_ = false;
      if (self->stream_written_) return self->end_in_order();
      if (error) return self->cut(false);
      self->watch_peer();
    });
  }

  void write_pending() {
    if (writing_ || stream_written_ || !body_) return;
    ResponseStream::Outgoing outgoing = body_->take();
    if (outgoing.bytes.empty() && !outgoing.last) return;
    head_.clear();
    if (!outgoing.bytes.empty()) head_ = http_1_0_ ? std::move(outgoing.bytes) : chunk(outgoing.bytes);
    if (outgoing.last && !http_1_0_) head_ += "0\r\n\r\n";
    write_piece(outgoing.last);
  }

  static std::string chunk(std::string_view bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }

  // What stands in head_; after it what has come meanwhile, or the end.
  void write_piece(bool last) {
    writing_ = true;
    write_deadline_->expires_after(host_.options.read_timeout);
    write_deadline_->async_wait([self = this->shared_from_this()](error_code) {
      if (self->writing_ && self->write_deadline_->expiry() <= std::chrono::steady_clock::now()) self->cut(false);
    });
    asio::async_write(stream_, asio::buffer(head_),
                      [self = this->shared_from_this(), last](error_code error, std::size_t) {
                        self->writing_ = false;
                        self->write_deadline_->cancel();
                        self->head_ = std::string();
                        if (error) return self->cut(false);
                        if (!last) return self->write_pending();
                        self->on_stream_written();
                      });
  }

  void on_stream_written() {
    drop_body();
    stream_written_ = true;
    // Two reads at once must not be; the end begins when this one has ended.
    if (watching_) {
      beast::get_lowest_layer(stream_).cancel();
    } else {
      end_in_order();
    }
  }

  void drop_body() {
    if (body_) std::exchange(body_, nullptr)->end();
  }

  void on_written(error_code error) {
    if (prepared_.response.stream) prepared_.response.stream->end();  // of HEAD
    prepared_ = {};
    if (error) return close();
    if (keep_alive_ && !host_.stopping) return wait_for_request();
    if (discard_input_) return linger();
    if (host_.draining) return end_in_order();
    close();
  }

  // As close(), but what the peer still sends is read and dropped, so that it sees an end and no reset.
  void end_in_order() {
    if constexpr (std::is_same_v<Stream, Tls>) {
      expire_after(kLinger);
      stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->linger(); });
    } else {
      linger();
    }
  }

  void linger() {
    error_code ignored;
    socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    expire_after(kLinger);
    discard();
  }

  void discard() {
    buffer_.clear();
    // Thousands of streams may end at once.
    beast::get_lowest_layer(stream_).async_read_some(buffer_.prepare(stream_written_ ? 4096 : kChunk),
                                                     [self = this->shared_from_this()](error_code error, std::size_t) {
                                                       if (error) return self->cut(false);
                                                       self->discard();
                                                     });
  }

  void close() {
    if constexpr (std::is_same_v<Stream, Tls>) {
      if (socket().is_open() && !host_.stopping) {
        expire_after(kLinger);
        stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->cut(false); });
        return;
      }
    }
    error_code ignored;
    socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    cut(false);
  }

  void cut(bool with_reset) {
    drop_body();
    error_code ignored;
    if (with_reset) socket().set_option(asio::socket_base::linger(true, 0), ignored);
    socket().close(ignored);
  }

  SessionHost& host_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;  // one request each
  std::string peer_;
  Request request_;
  Prepared prepared_;
  std::string head_;
  std::uint64_t left_ = 0;  // bytes of the body still to write
  std::chrono::steady_clock::time_point body_start_{};
  std::uint64_t body_bytes_ = 0;
  std::chrono::steady_clock::time_point write_start_{};
  bool idle_ = false;  // waiting for a request
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool discard_input_ = false;

  // Of an answer that is a stream.
  std::shared_ptr<ResponseStream> body_;
  std::optional<asio::steady_timer> write_deadline_;
  std::array<char, 64> ignored_{};
  bool watching_ = false;
  bool writing_ = false;
  bool stream_written_ = false;
};

}  // namespace

std::shared_ptr<Session> make_session(asio::ip::tcp::socket socket, SessionHost& host) {
  return std::make_shared<StreamSession<Plain>>(Plain(std::move(socket)), host);
}

std::shared_ptr<Session> make_tls_session(asio::ip::tcp::socket socket, asio::ssl::context& tls, SessionHost& host) {
  return std::make_shared<StreamSession<Tls>>(Tls(Plain(std::move(socket)), tls), host);
}

}  // namespace tollgate::http
