// Runs as documents. Runs inside the caller's transaction.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

json::Value run_resource(domain::Tables& tables, const Call& call, const domain::Run& run);

}  // namespace tollgate::api
