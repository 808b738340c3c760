// The log of calls: what was asked, by whom, and why it was allowed or refused; one JSON object per line in
// DIR/state/calls.jsonl, appended when the answer stands. Holds no secret, no code and no token. `tollgate-sandbox log`
// reads it at any time. Appending is safe from several threads (one write(2) per line).
//
// The schema is stable; fields may be added:
//   time           ISO 8601, of the imitated AWS
//   request_id
//   principal      ARN; "" where nobody was recognised
//   access_key     last four characters, "…WXYZ"
//   action         sts:AssumeRole
//   resource       ARN or "*"
//   mfa            "yes", "no", or "absent" where the caller's credentials cannot carry it (long-term keys, roles)
//   mfa_age        seconds; only with "yes"
//   decision       "allowed", "denied", or "error" where the request was malformed or a fault was imitated
//   status         HTTP status
//   code           error code; "" on success
//   reason         for people
//   fault          kind of the fault that was imitated; only then
//   source_ip, user_agent
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/os/atomic_file.h"

namespace tollgate::sandbox {

struct LogEntry {
  std::string time;
  std::string request_id;
  std::string principal;
  std::string access_key;
  std::string action;
  std::string resource;
  std::string mfa = "absent";
  std::optional<std::int64_t> mfa_age;
  std::string decision;
  std::int64_t status = 0;
  std::string code;
  std::string reason;
  std::string fault;
  std::string source_ip;
  std::string user_agent;
};

std::string to_json_line(const LogEntry& entry);  // without the final newline
Result<LogEntry> log_entry_from_json(std::string_view line);
// One line for people, without final newline.
std::string to_text_line(const LogEntry& entry);

class CallLog {
 public:
  static Result<CallLog> open(const os::PrivateDirectory& state);
  // Throws std::system_error if the disk refuses.
  void append(const LogEntry& entry);

 private:
  explicit CallLog(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// All whole lines of the log, as they are. Empty if there is no log yet.
Result<std::vector<std::string>> read_call_log(const os::PrivateDirectory& state);

}  // namespace tollgate::sandbox
