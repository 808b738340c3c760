// Moving the audit's signed checkpoint (audit.h) on without blessing what was changed meanwhile. Runs inside the
// caller's write transaction, on its thread.
#pragma once

#include "server/audit/audit.h"

namespace tollgate::audit {

// Walks what came since the last checkpoint, from the record that it names, and signs the new end. Errors: as verify;
// then nothing is signed. Costs what is new, and the whole chain the first time.
Result<Verified> advance_checkpoint(domain::Tables& tables, const Secret& key);

}  // namespace tollgate::audit
