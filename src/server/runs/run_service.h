// What people and clients do to runs: create, confirm, discard, cancel. Each call is one transaction with its audit
// record and its run event, and wakes the scheduler. It checks what the state allows, not who may ask: permissions are
// server/api's. Threads: all methods at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "server/domain/organization.h"
#include "server/domain/run.h"

namespace tollgate::runs {

// What a client may say of a new run. Unset flags take the workspace's.
struct NewRun {
  std::string workspace_id;
  std::optional<std::string> configuration_version_id;  // unset: the latest uploaded one
  std::string message;
  std::string source = "tfe-api";
  bool is_destroy = false;
  bool refresh = true;
  bool refresh_only = false;
  std::optional<bool> plan_only;
  bool save_plan = false;
  std::optional<bool> auto_apply;
  bool allow_empty_apply = false;
  bool allow_config_generation = false;
  std::vector<std::string> target_addrs;
  std::vector<std::string> replace_addrs;
  std::vector<domain::RunVariable> variables;
  std::string terraform_version;  // empty: the workspace's
};

class RunService {
 public:
  virtual ~RunService() = default;

  // Freezes the configuration, the variables (workspace, organization, the creator's personal ones, the run's) and the
  // terraform version. Errors: Code::not_found for workspace or configuration; Code::invalid where the workspace does
  // not run remotely, the configuration is not uploaded, or no binary fits the version (place = JSON pointer).
  virtual Result<domain::Run> create(const NewRun& run, const domain::Actor& actor) = 0;

  // Errors of all: Code::not_found; Code::conflict where the state does not allow it.
  virtual Result<domain::Run> confirm(std::string_view run_id, std::string comment, const domain::Actor& actor) = 0;
  virtual Result<domain::Run> discard(std::string_view run_id, std::string comment, const domain::Actor& actor) = 0;
  virtual Result<domain::Run> cancel(std::string_view run_id, std::string comment, const domain::Actor& actor) = 0;
  virtual Result<domain::Run> force_cancel(std::string_view run_id, std::string comment,
                                           const domain::Actor& actor) = 0;

  // Something that runs wait for was changed by others and is committed: a person's lock, a state.
  virtual void look_again() = 0;
};

}  // namespace tollgate::runs
