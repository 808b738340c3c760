// The server's log: one JSON object a line on a descriptor, in UTC, as journald and log shippers read it. Lines of
// several threads never mix. Who reads the log must not be able to stop the server: with a thread of its own, write()
// only puts a line into a bounded queue; without one (in a process that forks) it waits a moment at most. A line that
// finds no room is dropped and counted, and the log says how many were as soon as it flows again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/base/log.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace tollgate::app {

struct JsonLogOptions {
  LogLevel least = LogLevel::info;
  bool own_thread = false;
  std::size_t most_waiting = std::size_t{4} << 20;  // bytes of lines that wait for their reader
  Duration patience{1000};  // without a thread: how long a line waits; with one: how long the destructor does
};

class JsonLog final : public Log {
 public:
  // Neither takes `fd` over nor closes it. The clock must outlive this.
  JsonLog(int fd, const Clock& clock, JsonLogOptions options = {});
  // What waits is still written, as long as the reader takes it within `patience`.
  ~JsonLog() override;

  void write(LogLevel level, std::string_view event, std::string_view message, const LogFields& fields) override;
  // Waits until everything so far is written, `patience` at most.
  void flush();
  std::uint64_t dropped() const override { return dropped_; }

 private:
  std::string line(LogLevel level, std::string_view event, std::string_view message, const LogFields& fields) const;
  void drop();
  void tell_of_dropped();
  Duration left() const;
  bool put(std::string_view text, std::optional<Duration> patience);
  void run();

  const int fd_;
  const Clock& clock_;
  const JsonLogOptions options_;
  std::atomic<std::uint64_t> dropped_{0};
  std::mutex mutex_;  // of what follows
  std::condition_variable more_;
  std::uint64_t untold_ = 0;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool writing_ = false;
  bool stop_ = false;
  std::condition_variable idle_;
  using Steady = std::chrono::steady_clock;
  std::atomic<Steady::time_point> end_{Steady::time_point::max()};
  UniqueFd stopping_;  // an eventfd, readable once it is to end
  std::thread thread_;
};

}  // namespace tollgate::app
