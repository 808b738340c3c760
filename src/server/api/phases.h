// Plans and applies as documents. Pure functions.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

json::Value plan_resource(const Call& call, const domain::Run& run);
json::Value apply_resource(const Call& call, const domain::Run& run);

}  // namespace tollgate::api
