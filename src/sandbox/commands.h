// What the program does, command by command, without the command line: main.cpp parses that. Each prints its result to
// stdout and returns its errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "sandbox/fault.h"

namespace tollgate::sandbox {

// Writes an example world into `directory`, which is created if it is missing. Never overwrites: Code::conflict.
Result<void> init(const std::string& directory, std::uint16_t port);

// Serves until SIGTERM or SIGINT. Prints one line once ready. `port`: in place of the world's; 0 = any free one.
Result<void> serve(const std::string& directory, std::optional<std::uint16_t> port);

// Prints the code that a user's device shows now, or in the next time step. `user` is NAME or ACCOUNT/NAME; `serial`
// chooses where there are several devices, and may be empty.
Result<void> show_code(const std::string& directory, const std::string& user, const std::string& serial, bool next);

Result<void> show_log(const std::string& directory, bool json);

Result<void> set_fault(const std::string& directory, const Fault& fault);
Result<void> list_faults(const std::string& directory);
Result<void> clear_faults(const std::string& directory);

// Reads one case from stdin and prints Allowed, ImplicitlyDenied or ExplicitlyDenied.
Result<void> evaluate_stdin(bool explain);

}  // namespace tollgate::sandbox
