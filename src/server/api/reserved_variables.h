// Environment variables that could lead around the gate, or into the server's own doing: refused where the level of a
// workspace is not `never` (design: "Reserved variables"). What remains at the start of a phase is stripped there; this
// is only the earlier word. Pure function.
#pragma once

#include <string_view>

namespace tollgate::api {

bool is_reserved_variable(std::string_view name);

}  // namespace tollgate::api
