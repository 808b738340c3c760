// One line of the audit: who did what to what, when, from where. Rows are chained by hashes (server/audit). No audit
// record, no effect (I9): the record is written in the transaction of the effect. Plain value; not synchronised.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/time.h"

namespace tollgate::domain {

struct AuditRecord {
  std::int64_t sequence = 0;  // 1, 2, 3, ... without a gap
  TimePoint at{};
  std::string organization_id;  // empty for the site
  std::string actor_kind;       // "user", "session", "organization", "run", "system"
  std::string actor_id;
  std::string actor_name;
  std::string address;
  std::string event;         // "run.created", "variable.updated", "mfa.refused"
  std::string subject_kind;  // "run", "workspace"
  std::string subject_id;
  std::string details;        // a JSON object as text; never a secret
  std::string previous_hash;  // lower-case hex
  std::string hash;
};

}  // namespace tollgate::domain
