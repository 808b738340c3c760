// tollgate credential-process: the hot path. Every provider alias, backend and SDK client of a run starts it, so it is
// also reachable without the command-line parser.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/cli/app.h"

namespace tollgate::cli {

// The profile, if the arguments are exactly --profile NAME or --profile-b64 NAME: what an overlay writes.
std::optional<std::string> plain_profile_argument(const std::vector<std::string>& arguments);

// Prints one complete JSON object, or nothing and one line on stderr.
// With `role_arn` the credentials are that role's, assumed with the profile's.
int run_credential_process(App& app, const std::string& profile, CodeOptions codes, const std::string& role_arn = {});

}  // namespace tollgate::cli
