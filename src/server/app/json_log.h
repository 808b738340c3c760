// The server's log: one JSON object a line on a descriptor, in UTC, as journald and log shippers read it. Lines of
// several threads never mix. A line that cannot be written is dropped: a full log disk must not stop a run.
#pragma once

#include <mutex>
#include <string>

#include "common/base/log.h"
#include "common/base/time.h"

namespace tollgate::app {

class JsonLog final : public Log {
 public:
  // Neither takes `fd` over nor closes it. The clock must outlive this.
  JsonLog(int fd, const Clock& clock, LogLevel least = LogLevel::info) : fd_(fd), clock_(clock), least_(least) {}

  void write(LogLevel level, std::string_view event, std::string_view message, const LogFields& fields) override;

 private:
  int fd_;
  const Clock& clock_;
  LogLevel least_;
  std::mutex mutex_;
};

}  // namespace tollgate::app
