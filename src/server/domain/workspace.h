// Where runs happen: projects, workspaces with their lock, tags, variables, and the configuration versions uploaded to
// them. Rows as they are stored; values of variables are clear text here and sealed on disk. Plain values; not
// synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "server/domain/organization.h"

namespace tollgate::domain {

struct Project {
  std::string id;
  std::string organization_id;
  std::string name;
  std::string description;
  TimePoint created_at{};
};

inline constexpr std::string_view kDefaultProjectName = "Default Project";

// A lock held by a person, or by the current run. Empty holder: not locked.
struct WorkspaceLock {
  enum class Holder { none, user, run };
  Holder holder = Holder::none;
  std::string holder_id;
  std::string reason;
  std::optional<TimePoint> since;

  bool held() const { return holder != Holder::none; }
};

struct Workspace {
  std::string id;
  std::string organization_id;
  std::string project_id;
  std::string name;
  std::string description;
  ExecutionMode execution_mode = ExecutionMode::remote;
  bool auto_apply = false;
  bool allow_destroy_plan = true;
  bool queue_all_runs = false;
  bool structured_run_output = true;
  bool speculative_enabled = true;
  bool global_remote_state = false;
  std::string terraform_version;  // as the client set it: exact, a constraint, or "latest"
  std::string working_directory;
  std::optional<MfaLevel> aws_mfa;  // stricter than the organization's, or unset
  WorkspaceLock lock;
  std::string current_run_id;            // empty: none
  std::string current_state_version_id;  // empty: none
  TimePoint created_at{};
  TimePoint updated_at{};
};

// What a run does to a lock: Code::conflict with the word that stock clients look for ("already locked", "is locked by
// Run").
Result<void> lock_workspace(Workspace& workspace, WorkspaceLock::Holder holder, std::string holder_id,
                            std::string reason, TimePoint now);
// `by_id` must hold the lock unless `force`.
Result<void> unlock_workspace(Workspace& workspace, WorkspaceLock::Holder holder, std::string_view by_id, bool force);

struct TagBinding {
  std::string workspace_id;
  std::string key;
  std::string value;  // empty for plain tags
};

enum class VariableCategory { terraform, env };
enum class VariableScope { workspace, organization, personal };

struct Variable {
  std::string id;
  VariableScope scope = VariableScope::workspace;
  std::string organization_id;  // always
  std::string workspace_id;     // of scope workspace
  std::string user_id;          // of scope personal
  std::string key;
  Secret value;
  std::string description;
  VariableCategory category = VariableCategory::terraform;
  bool hcl = false;
  bool sensitive = false;
  std::int64_t version = 1;
  TimePoint created_at{};
};

enum class ConfigurationStatus { pending, uploaded, errored };

struct ConfigurationVersion {
  std::string id;
  std::string workspace_id;
  ConfigurationStatus status = ConfigurationStatus::pending;
  bool speculative = false;
  bool provisional = false;
  bool auto_queue_runs = false;
  std::string source;     // "tfe-api"
  std::string sha256;     // of the uploaded archive, lower-case hex
  std::int64_t size = 0;  // bytes of the archive
  std::string error;
  std::string created_by;  // user id; empty for an organization token
  TimePoint created_at{};
};

}  // namespace tollgate::domain
