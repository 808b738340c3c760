// Organizations as documents. Runs inside the caller's transaction.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

json::Value organization_resource(domain::Tables& tables, const Call& call, const domain::Organization& organization);

}  // namespace tollgate::api
