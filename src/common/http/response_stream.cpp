#include "common/http/response_stream.h"

namespace tollgate::http {
namespace {

void append_field(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ");
  for (const char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') text += c;
  }
  text += '\n';
}

}  // namespace

bool ResponseStream::write(std::string_view piece) {
  const std::lock_guard lock(mutex_);
  if (closed_ || ended_) return false;
  if (pending_.size() + piece.size() > limits_.most_pending) {
    // What the reader misses now it would miss in the middle; it starts over instead.
    pending_ = limits_.last_words;
    closed_ = true;
    if (wake_) wake_();
    return false;
  }
  const bool was_empty = pending_.empty();
  pending_ += piece;
  if (was_empty && wake_) wake_();
  return true;
}

void ResponseStream::close() {
  const std::lock_guard lock(mutex_);
  if (closed_ || ended_) return;
  closed_ = true;
  if (wake_) wake_();
}

bool ResponseStream::over() const {
  const std::lock_guard lock(mutex_);
  return closed_ || ended_;
}

void ResponseStream::on_end(std::function<void()> function) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      on_end_ = std::move(function);
      return;
    }
  }
  function();
}

ResponseStream::Outgoing ResponseStream::take() {
  const std::lock_guard lock(mutex_);
  Outgoing outgoing;
  outgoing.bytes.swap(pending_);
  outgoing.last = closed_;
  return outgoing;
}

void ResponseStream::attach(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  if (!ended_) wake_ = std::move(wake);
}

void ResponseStream::end() {
  std::function<void()> told;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
    wake_ = nullptr;
    pending_ = std::string();
    told.swap(on_end_);
  }
  if (told) told();
}

std::string format_event(std::string_view name, std::string_view id, std::string_view data) {
  std::string text;
  if (!name.empty()) append_field(text, "event", name);
  if (!id.empty()) append_field(text, "id", id);
  while (!data.empty()) {
    const std::size_t end = std::min(data.find_first_of("\r\n"), data.size());
    append_field(text, "data", data.substr(0, end));
    const bool pair = data.substr(end, 2) == "\r\n";
    data.remove_prefix(std::min(end + (pair ? 2 : 1), data.size()));
  }
  text += '\n';
  return text;
}

std::string format_comment(std::string_view text) {
  std::string line;
  append_field(line, "", text);
  return line + "\n";
}

Response event_stream(std::shared_ptr<ResponseStream> stream) {
  Response response;
  response.headers = {{"Content-Type", "text/event-stream; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      // nginx would collect what comes before it passes it on.
                      {"X-Accel-Buffering", "no"}};
  response.stream = std::move(stream);
  return response;
}

}  // namespace tollgate::http
