#include "server/app/json_log.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/json/value.h"

namespace tollgate::app {
namespace {

constexpr Duration kForEver{-1};

// Whether it may be written to; false where the time is over, or `stopping` was said first.
bool wait_for_room(int fd, Duration patience, int stopping) {
  pollfd both[] = {{fd, POLLOUT, 0}, {stopping, POLLIN, 0}};
  const nfds_t count = stopping >= 0 ? 2 : 1;
  while (::poll(both, count, static_cast<int>(patience.count())) < 0) {
    if (errno != EINTR) return false;
  }
  return both[0].revents != 0;
}

}  // namespace

JsonLog::JsonLog(int fd, const Clock& clock, JsonLogOptions options) : fd_(fd), clock_(clock), options_(options) {
  if (!options_.own_thread) return;
  stopping_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread([this] { run(); });
}

JsonLog::~JsonLog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    end_ = Steady::now() + options_.patience;
  }
  const std::uint64_t one = 1;
  (void)!::write(stopping_.get(), &one, sizeof one);
  more_.notify_all();
  thread_.join();
}

std::string JsonLog::line(LogLevel level, std::string_view event, std::string_view message,
                          const LogFields& fields) const {
  json::Value line = json::Value::object(
      {{"ts", format_iso8601(clock_.now())}, {"level", to_text(level)}, {"event", event}, {"message", message}});
  for (const auto& [name, value] : fields)
    std::visit([&, &key = name](const auto& plain) { line.set(std::string(key), plain); }, value);
  return json::to_text(line) + "\n";
}

void JsonLog::write(LogLevel level, std::string_view event, std::string_view message, const LogFields& fields) {
  if (level < options_.least) return;
  std::string text = line(level, event, message, fields);
  const std::lock_guard lock(mutex_);
  if (!options_.own_thread) {
    if (untold_ > 0) tell_of_dropped();
    if (!put(text, options_.patience)) drop();
    return;
  }
  if (waiting_bytes_ + text.size() > options_.most_waiting) {
    drop();
    return;
  }
  if (untold_ > 0) tell_of_dropped();
  waiting_bytes_ += text.size();
  waiting_.push_back(std::move(text));
  more_.notify_one();
}

void JsonLog::flush() {
  std::unique_lock lock(mutex_);
  idle_.wait_for(lock, options_.patience, [this] { return waiting_.empty() && !writing_; });
}

void JsonLog::drop() {
  ++dropped_;
  ++untold_;
}

// Where the gap is, and not before what is older.
void JsonLog::tell_of_dropped() {
  std::string text = line(LogLevel::warning, "log.dropped", "lines were dropped: nobody read this log in time",
                          {{"lines", static_cast<std::int64_t>(untold_)}});
  if (options_.own_thread) {
    waiting_bytes_ += text.size();
    waiting_.push_back(std::move(text));
  } else if (!put(text, Duration(0))) {
    return;
  }
  untold_ = 0;
}

// How long the thread still waits for its reader: for ever, until the destructor has begun.
Duration JsonLog::left() const {
  const auto end = end_.load();
  if (end == Steady::time_point::max()) return kForEver;
  return std::max(Duration(0), std::chrono::ceil<Duration>(end - Steady::now()));
}

// In pieces that do not block once there is room at all (PIPE_BUF). False where nothing of it was written.
bool JsonLog::put(std::string_view text, std::optional<Duration> patience) {
  bool begun = false;
  while (!text.empty()) {
    const Duration wait = patience ? *patience : left();
    if (!wait_for_room(fd_, wait, wait == kForEver ? stopping_.get() : -1)) {
      if (wait == kForEver) continue;  // it is to end: from now on there is an end
      return begun;
    }
    const ssize_t count = ::write(fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return false;
    begun = true;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void JsonLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (waiting_.empty() && untold_ > 0) tell_of_dropped();
    more_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::string text = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= text.size();
    writing_ = true;
    lock.unlock();
    if (!put(text, std::nullopt)) ++dropped_;
    lock.lock();
    writing_ = false;
    idle_.notify_all();
  }
}

}  // namespace tollgate::app
