// Workspaces as documents, with what stock clients crash without. Runs inside the caller's transaction.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

json::Value workspace_resource(domain::Tables& tables, const Call& call, const domain::Workspace& workspace);

// The resources that `include=` asks for beside a workspace. Errors: Code::usage with the words that clients look for.
Result<json::Array> include_with_workspace(domain::Tables& tables, const Call& call,
                                           const domain::Workspace& workspace);

Error invalid_include(std::string_view name);

}  // namespace tollgate::api
