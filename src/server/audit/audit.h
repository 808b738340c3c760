// The append-only record of who did what: rows chained by hashes, so that an edit, a deletion or a reordering is found.
// A record is written in the transaction of its effect: no audit record, no effect (I9). Not a log for debugging.
// Functions run inside the caller's transaction, on its thread.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "server/domain/store.h"

namespace tollgate::audit {

struct Event {
  std::string organization_id;  // empty for the site
  std::string name;             // "run.created", "variable.updated", "mfa.refused"
  std::string subject_kind;     // "run"
  std::string subject_id;
  json::Value details = json::Value::object();  // never a secret, never a code
};

// Appends to the chain: hash = SHA-256 over the previous hash and every field of this record, each with its length.
void append(domain::Tables& tables, const domain::Actor& actor, const Event& event, TimePoint now);

struct Verified {
  std::int64_t records = 0;
  std::string last_hash;
};
// Walks the whole chain. Errors: Code::invalid (reason "audit_broken") naming the first sequence number that does not
// fit, and how. The chain alone cannot tell that its end was cut off, nor that all of it was written anew.
Result<Verified> verify(domain::Tables& tables);

// Signs the chain as it ends now (setting "audit.checkpoint"), in the caller's write transaction. The key is one that
// the database does not hold, 32 bytes.
void sign_checkpoint(domain::Tables& tables, const Secret& key);
// The same walk, and that the record of the last checkpoint is still there and the same: what was cut off or written
// anew before that is found. Not found: records cut off behind the last checkpoint, and the checkpoint removed (or put
// back to an older one) together with the records behind it. Without a checkpoint it is the walk alone.
Result<Verified> verify(domain::Tables& tables, const Secret& key);

}  // namespace tollgate::audit
