#include "common/fetch/client/frame.h"

#include <cstdint>
#include <stdexcept>

#include "common/base/secret.h"

namespace tollgate::fetch {
namespace {

constexpr std::uint8_t kAnswered = 1;
constexpr std::uint8_t kFailed = 2;
constexpr std::size_t kMaxHeaders = 1000;

// Appends to one buffer of known capacity: growing would leave copies of secrets behind.
class Writer {
 public:
  explicit Writer(std::size_t payload_bytes) {
    if (payload_bytes > kMaxFrameBytes) throw std::length_error("the request is too large for tollgate-fetch");
    frame_.reserve(kFrameHeadBytes + payload_bytes);
    number(payload_bytes, kFrameHeadBytes);
  }
  void byte(std::uint8_t value) { number(value, 1); }
  void number(std::uint64_t value, unsigned bytes) {
    for (unsigned shift = bytes * 8; shift > 0; shift -= 8)
      frame_.push_back(static_cast<char>(value >> (shift - 8)));
  }
  void text(std::string_view value) {
    number(value.size(), 4);
    frame_ += value;
  }
  void headers(const net::Headers& values) {
    number(values.size(), 4);
    for (const auto& [name, value] : values) {
      text(name);
      text(value);
    }
  }
  std::string take() { return std::move(frame_); }

 private:
  std::string frame_;
};

std::size_t size_of(std::string_view value) {
  return 4 + value.size();
}

std::size_t size_of(const net::Headers& values) {
  std::size_t size = 4;
  for (const auto& [name, value] : values)
    size += size_of(name) + size_of(value);
  return size;
}

// After the first thing that does not fit, everything reads as empty and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view payload) : rest_(payload) {}

  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (const char c : take(bytes))
      value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string text() { return std::string(take(number(4))); }
  net::Headers headers() {
    const std::uint64_t count = number(4);
    if (count > kMaxHeaders) failed_ = true;
    net::Headers values;
    for (std::uint64_t i = 0; i < count && !failed_; ++i) {
      std::string name = text();
      values.emplace_back(std::move(name), text());
    }
    return values;
  }
  bool complete() const { return !failed_ && rest_.empty(); }
  void fail() { failed_ = true; }

 private:
  std::string_view take(std::uint64_t bytes) {
    if (failed_ || bytes > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::string_view rest_;
  bool failed_ = false;
};

std::string frame_of(const net::Response& response) {
  Writer writer(1 + 4 + size_of(response.headers) + size_of(response.body));
  writer.byte(kAnswered);
  writer.number(static_cast<std::uint64_t>(response.status), 4);
  writer.headers(response.headers);
  writer.text(response.body);
  return writer.take();
}

std::string frame_of(const net::Failure& failure) {
  Writer writer(3 + size_of(failure.error.message) + size_of(failure.error.next) + size_of(failure.error.reason));
  writer.byte(kFailed);
  writer.byte(failure.delivery == net::Delivery::not_sent ? 0 : 1);
  writer.byte(static_cast<std::uint8_t>(failure.error.code));
  writer.text(failure.error.message);
  writer.text(failure.error.next);
  writer.text(failure.error.reason);
  return writer.take();
}

tl::unexpected<Error> malformed() {
  return fail(Code::invalid, "a malformed message between tollgate and tollgate-fetch");
}

}  // namespace

std::string frame_of(const net::Request& request) {
  Writer writer(size_of(request.method) + size_of(request.url) + 4 + 4 + 8 + 1 + size_of(request.headers) +
                size_of(request.body));
  writer.text(request.method);
  writer.text(request.url);
  writer.number(static_cast<std::uint64_t>(request.connect_timeout.count()), 4);
  writer.number(static_cast<std::uint64_t>(request.total_timeout.count()), 4);
  writer.number(request.max_response_bytes, 8);
  writer.byte(request.use_proxy ? 1 : 0);
  writer.headers(request.headers);
  writer.text(request.body);
  return writer.take();
}

std::string frame_of(const Outcome& outcome) {
  return outcome ? frame_of(*outcome) : frame_of(outcome.error());
}

std::optional<std::size_t> payload_size(const std::array<char, kFrameHeadBytes>& head) {
  const std::uint64_t size = Reader({head.data(), head.size()}).number(kFrameHeadBytes);
  return size > kMaxFrameBytes ? std::nullopt : std::optional<std::size_t>(size);
}

Result<net::Request> decode_request(std::string_view payload) {
  Reader reader(payload);
  net::Request request;
  request.method = reader.text();
  request.url = reader.text();
  request.connect_timeout = std::chrono::milliseconds(reader.number(4));
  request.total_timeout = std::chrono::milliseconds(reader.number(4));
  request.max_response_bytes = reader.number(8);
  request.use_proxy = reader.number(1) != 0;
  request.headers = reader.headers();
  request.body = reader.text();
  if (!reader.complete()) return malformed();
  return request;
}

Result<Outcome> decode_outcome(std::string_view payload) {
  Reader reader(payload);
  const std::uint64_t kind = reader.number(1);
  if (kind == kAnswered) {
    net::Response response;
    const std::uint64_t status = reader.number(4);
    if (status < 100 || status > 999) reader.fail();
    response.status = static_cast<int>(status);
    response.headers = reader.headers();
    response.body = reader.text();
    if (!reader.complete()) return malformed();
    return Outcome(std::move(response));
  }
  if (kind != kFailed) return malformed();
  net::Failure failure;
  const std::uint64_t delivery = reader.number(1);
  const std::uint64_t code = reader.number(1);
  if (delivery > 1 || code > static_cast<std::uint64_t>(Code::internal)) reader.fail();
  failure.delivery = delivery == 0 ? net::Delivery::not_sent : net::Delivery::unknown;
  failure.error = Error(static_cast<Code>(code), reader.text());
  failure.error.next = reader.text();
  failure.error.reason = reader.text();
  if (!reader.complete()) return malformed();
  return Outcome(tl::unexpected(std::move(failure)));
}

}  // namespace tollgate::fetch
