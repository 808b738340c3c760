// The logs of plans and applies: append-only bytes, sealed at rest, with what the server itself says kept apart from
// what terraform wrote. Readers see STX (0x02) first and, once the phase has ended, ETX (0x03) last; both count in
// offsets (the protocol of stock clients). I5: an acknowledged byte is never lost, and readers see the runner's bytes.
// Threads: all methods at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace tollgate::runs {

struct LogSlice {
  std::string bytes;       // empty: nothing yet at that offset
  std::uint64_t size = 0;  // of the log so far
  bool complete = false;   // ETX is written: the log grows no more
};

// A part of the log that the server wrote, as opposed to terraform.
struct SystemSpan {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

class LogHub {
 public:
  virtual ~LogHub() = default;

  // Begins the log with STX; a log that exists stays as it is. `phase_id` is a plan's or an apply's id. The log of an
  // apply then has three lines of the server's own, because stock clients do not show its first three.
  virtual void open(std::string_view phase_id) = 0;
  // One line of the server's own, ended by a newline; `structured` logs get it as a JSON line that stock clients print.
  virtual void append_system(std::string_view phase_id, std::string_view line, bool structured) = 0;
  // Terraform's bytes, which lie at `spool_offset` of the runner's output: what is already here is skipped, so that
  // copying may start over after a crash.
  virtual void append_output(std::string_view phase_id, std::uint64_t spool_offset, std::string_view bytes) = 0;
  // How much of the runner's output is here.
  virtual std::uint64_t output_size(std::string_view phase_id) = 0;
  // Ends the log with ETX. More of anything is ignored.
  virtual void close(std::string_view phase_id) = 0;

  // At most `limit` bytes from `offset` on. A log that nobody opened yet is empty, never an error.
  virtual LogSlice read(std::string_view phase_id, std::uint64_t offset, std::uint64_t limit) = 0;
  virtual std::vector<SystemSpan> system_spans(std::string_view phase_id) = 0;
  virtual void erase(std::string_view phase_id) = 0;

  // Calls `changed` after each growth or end, from the thread that caused it, until the returned handle goes. Subscribe
  // before reading, so that nothing is missed.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  virtual std::unique_ptr<Subscription> subscribe(std::string_view phase_id, std::function<void()> changed) = 0;
  // The same for every log, with the phase's id. nullptr where nobody is told.
  virtual std::unique_ptr<Subscription> subscribe_all(std::function<void(const std::string&)>) { return nullptr; }

  // The logs that were opened and not closed: what a recovery has to look at.
  virtual std::vector<std::string> unfinished() { return {}; }
  // All that are there, finished or not.
  virtual std::vector<std::string> stored() { return {}; }
};

}  // namespace tollgate::runs
