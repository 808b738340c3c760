// Lines of terraform's log as a person reads them: the JSON lines of its -json output as the text that it would have
// printed, and nothing that could steer a terminal but colours, where those are wanted. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace tollgate::remote {

// One or more lines, with a final newline. A line that is no JSON of terraform's is shown as it is.
std::string log_text(std::string_view line, bool colour);

// Control characters removed but tabs; escape sequences removed whole, but those of colour where `colour` is set.
std::string safe_text(std::string_view text, bool colour);

}  // namespace tollgate::remote
