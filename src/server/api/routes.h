// The resources that the API has: one function each, and the table they make. See router.h for how to add one.
#pragma once

#include "server/api/router.h"

namespace tollgate::api {

Routes discovery_routes();
Routes account_routes();
Routes organization_routes();
Routes workspace_routes();
Routes workspace_lock_routes();
Routes tag_routes();
Routes project_routes();
Routes configuration_version_routes();
Routes run_routes();
Routes run_action_routes();
Routes mfa_routes();
Routes phase_routes();
Routes state_version_routes();
Routes variable_routes();
Routes token_routes();
Routes membership_routes();
Routes web_session_routes();
Routes two_factor_routes();
Routes setup_routes();
Routes event_routes();
Routes notice_routes();
Routes aws_mfa_settings_routes();
Routes aws_identity_routes();
Routes webhook_routes();

// All of them.
Routes route_table();

}  // namespace tollgate::api
