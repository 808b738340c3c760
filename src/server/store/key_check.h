// Whether the master keys are those that the database was used with, so that a wrong file is found when the server
// starts and not when somebody needs a value. What is kept for that does not reveal a key.
#pragma once

#include "common/base/error.h"
#include "server/store/key_ring.h"
#include "server/store/sql_session.h"

namespace tollgate::store {

enum class KeyCheck { only_check, add_new };

// Inside the caller's transaction. Errors: Code::config, reason "master_key_wrong" (another key under that version) or
// "key_version_missing" (something may be sealed with a key that the ring does not have).
Result<void> check_keys(SqlSession& session, const KeyRing& keys, KeyCheck mode);
// After nothing is sealed with that version any more.
void forget_key(SqlSession& session, std::uint32_t version);

}  // namespace tollgate::store
