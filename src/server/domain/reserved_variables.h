// Environment variables that could lead around the gate, or into the server's own doing, where the level of a workspace
// is not `never`: the API refuses them, and the start of a phase leaves out those that came from elsewhere (an
// organization's, personal ones, or ones that are older than the level). Pure function.
#pragma once

#include <string_view>

namespace tollgate::domain {

bool is_reserved_variable(std::string_view name);

}  // namespace tollgate::domain
