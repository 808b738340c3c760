// Runs the program of `exec` while watching the MFA session behind it: ahead of its end a second tollgate asks for the
// next code on the same terminal. The program itself notices nothing of it. Main thread only.
#pragma once

#include <string>

#include "broker/cli/app.h"
#include "common/os/child_process.h"

namespace tollgate::cli {

// The wait status of the program's end.
Result<int> supervise_with_renewal(App& app, const std::string& profile, const os::Command& command);

}  // namespace tollgate::cli
