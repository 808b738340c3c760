// Credentials from a credential_process command: reading its answer by the contract of AWS ("Sourcing credentials with
// an external process"). Running it is the caller's, through a callback. Functions hold no state.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::aws {

inline constexpr std::chrono::seconds kProcessTimeout{60};  // what the Go SDK allows
inline constexpr std::size_t kMaxProcessOutputBytes = 4U << 20;

// Version must be the number 1; AccessKeyId and SecretAccessKey must be there; SessionToken and Expiration (RFC 3339
// with Z or an offset) may be missing: keys without Expiration never expire. Unknown members and blanks around are
// accepted; anything after the object, a byte order mark, and an Expiration in the past are refused, for some client
// refuses each. Errors: Code::invalid; no message quotes the output.
Result<Credentials> parse_process_output(std::string_view output, TimePoint now);

struct ProcessOutcome {
  int exit_status = 0;
  Secret output;      // stdout
  std::string error;  // stderr, for the message where the command failed
};
// Runs the command line as a person's shell would, waits at most `timeout`.
using ProcessRunner = std::function<Result<ProcessOutcome>(const std::string& command, std::chrono::seconds timeout)>;

// Errors: the runner's, a status other than 0 (with the last line of stderr), and those of parse_process_output.
Result<Credentials> fetch_process_credentials(const ProcessRunner& run, const std::string& command, TimePoint now);

}  // namespace tollgate::aws
