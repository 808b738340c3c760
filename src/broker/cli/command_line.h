// From argv to a command and back to an exit status: parsing (CLI11), help, and suggestions for what was mistyped.
// One thread, once.
#pragma once

#include <string>
#include <vector>

#include "broker/cli/app.h"

namespace tollgate::cli {

// `arguments` without the program's name. The exit status: the command's, 64 for a wrong command line, 0 for help.
int run_command_line(App& app, std::vector<std::string> arguments);

}  // namespace tollgate::cli
