// The rules of the gate's settings that other resources carry too: the level as an attribute of organizations and
// workspaces, and the execution mode that leads around it. Inside the caller's transaction; errors leave what was
// handed in in an unspecified state, so that the caller's transaction must end.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

// Writes the organization with its new level. Errors: those of require_owner_now.
Result<void> change_level(domain::Tables& tables, const Call& call, domain::Organization& organization,
                          domain::MfaLevel level);

// The attribute `aws-mfa` of a workspace's document, if it is there: null or "inherit", or a level that is stricter
// than the organization's. Errors: Code::invalid, reason "laxer_than_organization"; those of require_owner_now where
// it changes something.
Result<void> read_workspace_level(domain::Tables& tables, const Call& call, const RequestDocument& body,
                                  domain::Workspace& workspace);
// Local execution has no gate: in a gated workspace it is an owner's decision. `before` is nullptr for a new one.
Result<void> check_ungated_execution(domain::Tables& tables, const Call& call, const domain::Workspace* before,
                                     const domain::Workspace& after);

}  // namespace tollgate::api
