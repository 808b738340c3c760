// Tags of workspaces: keys with values, and the older plain names, which are keys without. Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "server/api/call.h"

namespace tollgate::api {

// Those that a document about a workspace carries in its relationships `tag-bindings` and `tags`; nullopt: none of the
// two is there. Errors: Code::invalid.
Result<std::optional<std::vector<domain::TagBinding>>> tags_in_relationships(const RequestDocument& body);

}  // namespace tollgate::api
