// What tollgate exec does, for everything that starts a program with a profile's credentials: the command itself and
// the shims. Main thread, once: it ends by becoming the program, or as the program ended.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "broker/cli/app.h"
#include "broker/deliver/overlay.h"
#include "common/os/program_search.h"

namespace tollgate::cli {

struct ExecRequest {
  std::string profile;   // empty: AWS_PROFILE, else default
  std::string role_arn;  // assumed with the profile's credentials; empty: none
  std::string region;    // empty: the profile's
  // Durations as they were typed; empty: not given.
  std::string duration;
  std::string session_duration;
  std::string min_ttl;
  bool static_environment = false;
  bool lazy = false;
  bool no_session = false;
  CodeOptions codes;
  std::vector<std::string> command;
  // The file to execute where it was found already (a shim's); nullptr: command[0] is searched on PATH.
  const os::Program* program = nullptr;
  std::vector<std::pair<std::string, std::string>> variables;  // further ones for the program
};

// The exit status where the program could not be started; else it does not return.
int run_exec(App& app, ExecRequest& request);

// The overlay of the profiles as they are now; `stand_in` is a second name for `profile` (stand_in_profile.h), or for
// `role_arn` on top of it.
Result<deliver::Overlay> current_overlay(App& app, std::string_view stand_in = {}, std::string_view profile = {},
                                         std::string_view role_arn = {});

}  // namespace tollgate::cli
