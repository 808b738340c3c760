// Users as documents. Pure functions.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

// `own`: with what only the user sees of itself.
json::Value user_resource(const domain::User& user, bool own);

}  // namespace tollgate::api
