// What is said on the control socket: one JSON object a line, at most kMaxControlLine bytes. The server says
// {"command":"cancel"}; the runner {"event":"progress","output":N,"state":S} or {"event":"ended"}: on connecting and at
// each change, several changes as one. Nothing is acknowledged and nothing lost by a lost connection, because the spool
// holds the truth and an event only says "look". Pure values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace tollgate::runner {

inline constexpr std::size_t kMaxControlLine = 4096;

enum class ControlCommand {
  cancel,     // one SIGINT to terraform, however often it is said; later TERM and KILL by the bundle's limits
  terminate,  // SIGTERM to it, KILL after the grace
  kill,       // SIGKILL to every process of the phase
  ping,       // answered by an event
};

struct Progress {
  std::uint64_t output_bytes = 0;
  std::optional<std::int64_t> state_serial;  // the last one published
  bool ended = false;                        // result.json is there, or the runner is gone

  friend bool operator==(const Progress&, const Progress&) = default;
};

// With the final newline.
std::string to_line(ControlCommand command);
std::string to_line(const Progress& progress);
Result<ControlCommand> parse_control_command(std::string_view line);
Result<Progress> parse_progress(std::string_view line);

// Cuts a stream into lines.
class LineSplitter {
 public:
  // Calls `take` for each whole line, without its newline. False: a line is longer than the limit.
  bool feed(std::string_view bytes, const std::function<void(std::string_view)>& take);

 private:
  std::string partial_;
};

}  // namespace tollgate::runner
