// What tollgate does when it is called by another name, terraform say: it finds the program of that name behind itself
// on PATH and starts it, with credentials where they are wanted. Main thread, once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/app.h"
#include "common/os/program_search.h"

namespace tollgate::cli {

// The shim's name if argv[0] is not a name of tollgate's own.
std::optional<std::string> shim_name(std::string_view argv0);

// The exit status where the program could not be started; else it does not return.
int run_shim(App& app, const std::string& name, std::vector<std::string> arguments);

// The program of that name behind `self` on PATH. Errors: those of os::find_program, worded for a shim.
Result<os::Program> find_behind(const App& app, const std::string& name, std::vector<os::FileIdentity> skip);

}  // namespace tollgate::cli
