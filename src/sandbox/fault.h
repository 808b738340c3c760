// Faults on demand: what an AWS call can meet on a bad day, so that clients can be tried against it. A fault matches
// calls by action, acts on the next `count` of them, and is gone. Plain values; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "common/os/atomic_file.h"

namespace tollgate::sandbox {

enum class FaultKind {
  delay,           // the answer waits for delay_ms; nothing else is wrong
  error_500,       // 500 InternalFailure; the call is not executed
  error_503,       // 503 ServiceUnavailable (S3: SlowDown); not executed
  throttling,      // 400 Throttling "Rate exceeded" (S3: 503 SlowDown); not executed
  reset_before,    // the connection is reset, the call not executed
  reset_after,     // the call is executed, then the connection is reset in place of the answer
  truncated_body,  // executed; half of the answer's body arrives
  foreign_body,    // executed; the answer is a proxy's HTML page
  clock,           // AWS's clock stands off by offset_seconds: Date header, signature window, one-time codes, lifetimes
};
std::string_view fault_kind_name(FaultKind kind);
std::optional<FaultKind> fault_kind_by_name(std::string_view name);
// All names, for messages and help.
std::vector<std::string_view> fault_kind_names();

struct Fault {
  std::string action = "*";  // sts:AssumeRole; * and ? match as in policies
  FaultKind kind = FaultKind::error_500;
  std::optional<std::int64_t> count;  // none: until it is cleared
  std::int64_t delay_ms = 0;          // waits so long first, whatever the kind
  std::int64_t offset_seconds = 0;    // of clock
};

bool fault_matches(const Fault& fault, std::string_view action);

json::Value to_json(const Fault& fault);
Result<Fault> fault_from_json(const json::Reader& json);

// The faults that were set while the server runs: one file each below `state`/faults, which `tollgate-sandbox fault`
// writes and the server counts down. Safe between processes; errors Code::io.
class FaultFolder {
 public:
  static Result<FaultFolder> open(const os::PrivateDirectory& state);

  Result<void> add(const Fault& fault, const std::string& name);
  Result<void> clear();
  // In the order in which they were set.
  Result<std::vector<Fault>> list() const;
  // The faults that act on this call, counted down.
  Result<std::vector<Fault>> take(std::string_view action);

 private:
  explicit FaultFolder(os::PrivateDirectory directory) : directory_(std::move(directory)) {}
  Result<std::vector<std::string>> names() const;
  os::PrivateDirectory directory_;
};

}  // namespace tollgate::sandbox
