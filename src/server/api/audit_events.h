// The resource of the audit (audit_events.cpp).
#pragma once

#include "server/api/router.h"

namespace tollgate::api {

Routes audit_event_routes();

}  // namespace tollgate::api
