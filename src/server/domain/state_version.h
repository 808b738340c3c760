// One acknowledged content of a workspace's state, and the outputs in it. The content itself is a blob. Invariant I4:
// an acknowledged version is never lost or reordered. Plain values; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace tollgate::domain {

// A version created with an upload address stays pending until its bytes are there.
enum class StateVersionStatus { pending, finalized };

struct StateVersion {
  std::string id;
  std::string organization_id;
  std::string workspace_id;
  std::string run_id;      // empty: not by a run
  std::string created_by;  // user id; empty for a run
  std::int64_t serial = 0;
  std::string lineage;
  std::string md5;     // as the client announced it, lower-case hex
  std::string sha256;  // of the stored bytes
  std::int64_t size = 0;
  StateVersionStatus status = StateVersionStatus::pending;
  bool has_json_state = false;  // the client also uploaded `terraform show -json`
  std::string terraform_version;
  bool intermediate = false;  // a snapshot in the middle of an apply
  bool resources_processed = false;
  TimePoint created_at{};
};

struct StateVersionOutput {
  std::string id;
  std::string state_version_id;
  std::string name;
  std::string value;          // JSON text
  std::string type;           // "string", "number", "array", ...
  std::string detailed_type;  // JSON text: terraform's type expression
  bool sensitive = false;
};

}  // namespace tollgate::domain
