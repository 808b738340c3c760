#include "server/api/audit_events.h"
#include "server/api/openapi.h"
#include "server/api/routes.h"
#include "server/api/terraform_login.h"
#include "server/api/tokens.h"

namespace tollgate::api {

Routes route_table() {
  Routes table;
  for (const auto& routes : {discovery_routes(),
                             account_routes(),
                             organization_routes(),
                             workspace_routes(),
                             workspace_lock_routes(),
                             tag_routes(),
                             project_routes(),
                             configuration_version_routes(),
                             run_routes(),
                             run_action_routes(),
                             mfa_routes(),
                             phase_routes(),
                             state_version_routes(),
                             variable_routes(),
                             token_routes(),
                             membership_routes(),
                             web_session_routes(),
                             two_factor_routes(),
                             setup_routes(),
                             event_routes(),
                             terraform_login_routes(),
                             token_page_routes(),
                             audit_event_routes(),
                             openapi_routes(),
                             notice_routes(),
                             aws_mfa_settings_routes(),
                             aws_identity_routes(),
                             webhook_routes()}) {
    table.insert(table.end(), routes.begin(), routes.end());
  }
  return table;
}

}  // namespace tollgate::api
