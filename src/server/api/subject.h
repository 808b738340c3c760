// From the parameters of a path to what they name. The name of a parameter says its kind, so that a route cannot look
// up one thing and be authorized for another; everything found later must belong to what was found before. Runs inside
// the caller's transaction.
//
//   :organization          an organization's name       :workspace             a name, in that organization
//   :workspace_id          :project_id                  :run_id                :plan_id, :apply_id (of a run)
//   :configuration_version_id   :state_version_id       :state_version_output_id
//   :variable_id           :membership_id          :aws_identity_id
//
// Other parameters (:token_id, :user_id) are the handler's own to look up.
#pragma once

#include "common/http/url_text.h"
#include "server/api/permission.h"

namespace tollgate::api {

// Errors: Code::not_found naming the kind.
Result<Subject> resolve_subject(domain::Tables& tables, const http::Pairs& parameters);

}  // namespace tollgate::api
