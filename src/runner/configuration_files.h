// The texts that the runner adds to a configuration so that it runs here: the override that replaces a cloud or backend
// block, the CLI configuration, the variables. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/secret.h"
#include "runner/protocol/bundle.h"

namespace tollgate::runner {

// An override file takes precedence over every cloud and backend block (the last by name over the others).
inline constexpr std::string_view kOverrideFile = "zzzz_tollgate_override.tf";
// Loaded after every other variables file of the configuration, as a server's variables win over them.
inline constexpr std::string_view kVariablesFile = "zzzz_tollgate.auto.tfvars";

// `state_path` and `workspaces_path` relative to the working directory.
std::string backend_override(std::string_view state_path, std::string_view workspaces_path);

// A provider that lies in a mirror: "registry.terraform.io/hashicorp/aws".
std::vector<std::string> providers_in_mirror(const std::string& directory);

// Providers of the mirrors come from there alone, all others from the plugin cache, then (with a network) from their
// registries. An own provider_installation block in the bundle's CLI configuration replaces that.
Secret cli_configuration(const Bundle& bundle, const std::vector<std::string>& mirrored);

// Terraform variables as HCL: expressions as they are, all others as quoted text.
Secret variables_file(const std::vector<BundleVariable>& variables);

// A text as an HCL string literal without templates.
std::string hcl_quoted(std::string_view text);

}  // namespace tollgate::runner
