// The outputs of a workspace's current state, as a document about the workspace shows them where a client asks for them
// (?include=outputs). Sensitive values are not in it. Inside the transaction that reads the workspace.
#pragma once

#include <string>
#include <vector>

#include "server/api/call.h"

namespace tollgate::api {

// For its relationship. Empty where there is no state, or the caller may not read it.
std::vector<std::string> workspace_output_ids(domain::Tables& tables, const Call& call,
                                              const domain::Workspace& workspace);
// For what is included, under the same ids: state-version-outputs has a sensitive one's value there.
json::Array workspace_outputs(domain::Tables& tables, const Call& call, const domain::Workspace& workspace);

}  // namespace tollgate::api
