// What a program that runs for long says about itself, for machines first: an event with fields. An interface; where
// the lines go and in which form is the program's (server/app/json_log.h). Not for people at a terminal, and never for
// secrets: fields are plain text, and a Secret does not fit. Threads: all at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tollgate {

enum class LogLevel { debug, info, warning, error };
std::string_view to_text(LogLevel level);

using LogValue = std::variant<std::string, std::int64_t>;
using LogFields = std::vector<std::pair<std::string_view, LogValue>>;

class Log {
 public:
  virtual ~Log() = default;
  // `event` is a stable word ("run.started"), `message` a sentence for people. Never throws.
  virtual void write(LogLevel level, std::string_view event, std::string_view message, const LogFields& fields) = 0;
  // Lines that could not be written.
  virtual std::uint64_t dropped() const { return 0; }

  void info(std::string_view event, std::string_view message, const LogFields& fields = {}) {
    write(LogLevel::info, event, message, fields);
  }
  void warning(std::string_view event, std::string_view message, const LogFields& fields = {}) {
    write(LogLevel::warning, event, message, fields);
  }
  void error(std::string_view event, std::string_view message, const LogFields& fields = {}) {
    write(LogLevel::error, event, message, fields);
  }
};

// Says nothing: for tests and for commands that do not serve.
class SilentLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view, const LogFields&) override {}
};

}  // namespace tollgate
