// The command lines and the environment of terraform and tofu. Pure functions. No value of a variable and no secret
// ever stands in an argument.
#pragma once

#include <string>
#include <vector>

#include "common/os/environment.h"
#include "runner/protocol/bundle.h"

namespace tollgate::runner {

// Where things lie, as the phase's processes see them.
struct PhasePaths {
  std::string plan_file;       // relative to the working directory
  std::string generated_file;  // the same
  std::string cli_configuration;
  std::string home;
  std::string temporary;
};

std::vector<std::string> init_arguments(const Bundle& bundle);
std::vector<std::string> plan_arguments(const Bundle& bundle, const PhasePaths& paths);
std::vector<std::string> apply_arguments(const Bundle& bundle, const PhasePaths& paths);
std::vector<std::string> show_arguments(const Bundle& bundle, const PhasePaths& paths);
std::vector<std::string> schema_arguments(const Bundle& bundle);

// The whole of it. What would change the meaning of a phase (TF_CLI_ARGS, TF_DATA_DIR, TF_WORKSPACE, ...) or of the
// sandbox cannot be set by a variable; `left_out` receives the names of those that were passed over.
os::Environment phase_environment(const Bundle& bundle, const PhasePaths& paths, std::vector<std::string>& left_out);

// "OpenTofu" or "Terraform".
std::string_view product_name(const Bundle& bundle);

}  // namespace tollgate::runner
