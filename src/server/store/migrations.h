// The schema as numbered steps, forward only: each in one transaction, with the checksum of its text kept beside it. A
// step that was changed after it ran, or that a newer program added, is an error and never ignored. Threads: the
// caller's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "server/store/sql_session.h"

namespace tollgate::store {

struct Migration {
  std::int64_t number;
  std::string_view name;
  std::string_view sql;  // statements, each ending with ";\n"
};

// All there are, by number from 1 without a gap. Text that both engines understand.
const std::vector<Migration>& migrations();

// Brings the database up to the last of `steps`. Errors: Code::config (reason "schema_newer", "schema_changed").
Result<void> migrate(SqlSession& session, const std::vector<Migration>& steps, TimePoint now);
// The same checks without a change; also Code::config (reason "schema_older") where a step has not run.
Result<void> check_migrated(SqlSession& session, const std::vector<Migration>& steps);

}  // namespace tollgate::store
