// Which server, organization and workspace a command is about: from flags, a run's address, the folder that
// `terraform init` prepared (its cloud block or backend "remote"), and the variables that Terraform knows. It reads
// files and asks nobody. Plain values; not synchronised.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/remote/terraform_settings.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/os/environment.h"

namespace tollgate::remote {

// What a person may call a run.
struct RunReference {
  std::string id;            // run-...; empty: none was named
  std::string host;          // of an address: https://HOST/app/ORGANIZATION/WORKSPACE/runs/ID
  std::string organization;  // of an address
  std::string workspace;     // of an address
};
// Errors: Code::usage for what is neither an id nor an address of a run.
Result<RunReference> parse_run_reference(std::string_view text);

// What .terraform/terraform.tfstate says of a `cloud` block or a backend "remote".
struct InitialisedFolder {
  std::string host;          // empty: not named there
  std::string organization;  // empty: not named there
  std::string workspace;     // empty: not named there, and none is selected
  std::string prefix;        // of backend "remote": in front of every workspace's name
  Secret token;              // written into the block itself
  std::string file;
};
// nullopt where the folder was not initialised or has another backend. Honours TF_DATA_DIR. Errors: Code::config for a
// file that cannot be understood.
Result<std::optional<InitialisedFolder>> read_initialised_folder(const std::string& folder,
                                                                 const os::Environment& environment);

struct PlaceFlags {
  std::string host;
  std::string organization;
  std::string workspace;
};

struct RunPlace {
  std::string host;
  std::string organization;  // empty: nothing names one
  std::string workspace;     // empty: nothing names one
  Token token;
};
// Errors: Code::usage for contradictions; Code::config (reason no_server) where nothing names a server;
// Code::unauthorized (reason not_logged_in) where there is no token for it.
Result<RunPlace> choose_place(const PlaceFlags& flags, const RunReference& run, const std::string& folder,
                              const os::Environment& environment, const TerraformSettings& settings);

}  // namespace tollgate::remote
