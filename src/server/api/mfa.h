// The gates of a run as attributes of it.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

// `mfa`, null where neither phase is gated, and `mfa-history`. Inside the caller's transaction.
json::Value mfa_attribute(domain::Tables& tables, const Call& call, const domain::Run& run, bool may_apply);
json::Value mfa_history_attribute(domain::Tables& tables, const domain::Run& run);

}  // namespace tollgate::api
