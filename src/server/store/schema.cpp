#include "server/store/migrations.h"

namespace tollgate::store {

namespace {

// Times are milliseconds since 1970, flags 0 or 1: the types that both engines have. What refers to a row that may go
// before it (who created a run, which run wrote a state) is a plain column. A step that was released never changes.
constexpr std::string_view kIdentities = R"sql(CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE users (id TEXT PRIMARY KEY, username TEXT NOT NULL, email TEXT NOT NULL, password_hash TEXT NOT NULL,
  site_admin BIGINT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX users_username ON users (username);
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE email <> '';
CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, aws_mfa TEXT NOT NULL,
  default_execution_mode TEXT NOT NULL, plan_gate_deadline BIGINT NOT NULL, apply_gate_deadline BIGINT NOT NULL,
  plan_limit BIGINT NOT NULL, apply_limit BIGINT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX organizations_name ON organizations (lower(name));
CREATE TABLE memberships (id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, role TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX memberships_user ON memberships (organization_id, user_id);
CREATE INDEX memberships_of_user ON memberships (user_id);
CREATE TABLE web_sessions (id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash TEXT NOT NULL, address TEXT NOT NULL, user_agent TEXT NOT NULL, created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL, authenticated_at BIGINT NOT NULL, csrf_token TEXT NOT NULL);
CREATE UNIQUE INDEX web_sessions_hash ON web_sessions (hash);
CREATE INDEX web_sessions_user ON web_sessions (user_id);
CREATE TABLE one_time_grants (hash TEXT PRIMARY KEY, purpose TEXT NOT NULL,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE, data TEXT NOT NULL, expires_at BIGINT NOT NULL);
CREATE INDEX one_time_grants_user ON one_time_grants (user_id);
CREATE TABLE audit_records (sequence BIGINT PRIMARY KEY, at BIGINT NOT NULL, organization_id TEXT NOT NULL,
  actor_kind TEXT NOT NULL, actor_id TEXT NOT NULL, actor_name TEXT NOT NULL, address TEXT NOT NULL,
  event TEXT NOT NULL, subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, details TEXT NOT NULL,
  previous_hash TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX audit_records_organization ON audit_records (organization_id, sequence);
)sql";

constexpr std::string_view kWorkspaces = R"sql(CREATE TABLE projects (id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, name TEXT NOT NULL,
  description TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX projects_name ON projects (organization_id, name);
CREATE TABLE workspaces (id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  project_id TEXT REFERENCES projects (id), name TEXT NOT NULL, description TEXT NOT NULL,
  execution_mode TEXT NOT NULL, auto_apply BIGINT NOT NULL, allow_destroy_plan BIGINT NOT NULL,
  queue_all_runs BIGINT NOT NULL, structured_run_output BIGINT NOT NULL, speculative_enabled BIGINT NOT NULL,
  global_remote_state BIGINT NOT NULL, terraform_version TEXT NOT NULL, working_directory TEXT NOT NULL,
  aws_mfa TEXT, lock_holder TEXT NOT NULL, lock_holder_id TEXT NOT NULL, lock_reason TEXT NOT NULL,
  lock_since BIGINT, current_run_id TEXT NOT NULL, current_state_version_id TEXT NOT NULL,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_id, name);
CREATE INDEX workspaces_project ON workspaces (project_id);
CREATE TABLE workspace_tags (workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (workspace_id, name));
CREATE TABLE variables (id TEXT PRIMARY KEY, scope TEXT NOT NULL,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE, name TEXT NOT NULL, description TEXT NOT NULL,
  category TEXT NOT NULL, hcl BIGINT NOT NULL, sensitive BIGINT NOT NULL, version BIGINT NOT NULL,
  created_at BIGINT NOT NULL, value TEXT NOT NULL);
CREATE UNIQUE INDEX variables_workspace ON variables (workspace_id, category, name) WHERE scope = 'workspace';
CREATE UNIQUE INDEX variables_organization ON variables (organization_id, category, name)
  WHERE scope = 'organization';
CREATE UNIQUE INDEX variables_personal ON variables (organization_id, user_id, category, name)
  WHERE scope = 'personal';
CREATE INDEX variables_of_organization ON variables (organization_id);
CREATE INDEX variables_of_workspace ON variables (workspace_id);
CREATE INDEX variables_of_user ON variables (user_id);
CREATE TABLE configuration_versions (id TEXT PRIMARY KEY, ordinal BIGINT NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE, status TEXT NOT NULL,
  speculative BIGINT NOT NULL, provisional BIGINT NOT NULL, auto_queue_runs BIGINT NOT NULL, source TEXT NOT NULL,
  sha256 TEXT NOT NULL, size BIGINT NOT NULL, error TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX configuration_versions_ordinal ON configuration_versions (ordinal);
CREATE INDEX configuration_versions_workspace ON configuration_versions (workspace_id, ordinal);
)sql";

constexpr std::string_view kRuns = R"sql(CREATE TABLE runs (id TEXT PRIMARY KEY, sequence BIGINT NOT NULL,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE, configuration_version_id TEXT NOT NULL,
  created_by TEXT NOT NULL, message TEXT NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL,
  is_destroy BIGINT NOT NULL, refresh BIGINT NOT NULL, refresh_only BIGINT NOT NULL, plan_only BIGINT NOT NULL,
  save_plan BIGINT NOT NULL, auto_apply BIGINT NOT NULL, allow_empty_apply BIGINT NOT NULL,
  allow_config_generation BIGINT NOT NULL, target_addrs TEXT NOT NULL, replace_addrs TEXT NOT NULL,
  terraform_version TEXT NOT NULL, working_directory TEXT NOT NULL, structured_output BIGINT NOT NULL,
  aws_mfa_at_creation TEXT NOT NULL,
  plan_id TEXT NOT NULL, plan_status TEXT NOT NULL, plan_has_changes BIGINT NOT NULL,
  plan_generated_configuration BIGINT NOT NULL, plan_additions BIGINT NOT NULL, plan_changes BIGINT NOT NULL,
  plan_destructions BIGINT NOT NULL, plan_imports BIGINT NOT NULL, plan_plan_sha256 TEXT NOT NULL,
  plan_lock_file_sha256 TEXT NOT NULL, plan_queued_at BIGINT, plan_started_at BIGINT, plan_ended_at BIGINT,
  apply_id TEXT NOT NULL, apply_status TEXT NOT NULL, apply_has_changes BIGINT NOT NULL,
  apply_generated_configuration BIGINT NOT NULL, apply_additions BIGINT NOT NULL, apply_changes BIGINT NOT NULL,
  apply_destructions BIGINT NOT NULL, apply_imports BIGINT NOT NULL, apply_plan_sha256 TEXT NOT NULL,
  apply_lock_file_sha256 TEXT NOT NULL, apply_queued_at BIGINT, apply_started_at BIGINT, apply_ended_at BIGINT,
  confirmed_by TEXT NOT NULL, comment TEXT NOT NULL, cancel_requested_at BIGINT, canceled_by TEXT NOT NULL,
  force_cancel_requested BIGINT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, created_at BIGINT NOT NULL,
  timestamps TEXT NOT NULL, variables TEXT NOT NULL);
CREATE UNIQUE INDEX runs_sequence ON runs (sequence);
CREATE INDEX runs_workspace ON runs (workspace_id, sequence);
CREATE INDEX runs_organization ON runs (organization_id, sequence);
CREATE INDEX runs_status ON runs (status);
CREATE INDEX runs_plan ON runs (plan_id);
CREATE INDEX runs_apply ON runs (apply_id);
CREATE TABLE run_inputs (run_id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE, inputs TEXT NOT NULL);
CREATE TABLE run_events (id TEXT PRIMARY KEY, ordinal BIGINT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, action TEXT NOT NULL, description TEXT NOT NULL,
  actor TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX run_events_ordinal ON run_events (ordinal);
CREATE INDEX run_events_run ON run_events (run_id, ordinal);
CREATE TABLE tokens (id TEXT PRIMARY KEY, kind TEXT NOT NULL,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
  run_id TEXT REFERENCES runs (id) ON DELETE CASCADE, description TEXT NOT NULL, hash TEXT NOT NULL,
  created_at BIGINT NOT NULL, last_used_at BIGINT, expires_at BIGINT);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_organization ON tokens (organization_id);
CREATE INDEX tokens_run ON tokens (run_id);
CREATE TABLE state_versions (id TEXT PRIMARY KEY, ordinal BIGINT NOT NULL,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE, run_id TEXT NOT NULL,
  created_by TEXT NOT NULL, serial BIGINT NOT NULL, lineage TEXT NOT NULL, md5 TEXT NOT NULL, sha256 TEXT NOT NULL,
  size BIGINT NOT NULL, status TEXT NOT NULL, has_json_state BIGINT NOT NULL, terraform_version TEXT NOT NULL,
  intermediate BIGINT NOT NULL, resources_processed BIGINT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX state_versions_ordinal ON state_versions (ordinal);
CREATE INDEX state_versions_workspace ON state_versions (workspace_id, serial, ordinal);
CREATE INDEX state_versions_organization ON state_versions (organization_id, ordinal);
CREATE TABLE state_version_outputs (id TEXT PRIMARY KEY,
  state_version_id TEXT NOT NULL REFERENCES state_versions (id) ON DELETE CASCADE, name TEXT NOT NULL,
  type TEXT NOT NULL, detailed_type TEXT NOT NULL, sensitive BIGINT NOT NULL, value TEXT NOT NULL);
CREATE INDEX state_version_outputs_version ON state_version_outputs (state_version_id, name);
)sql";

constexpr std::string_view kAwsMfa = R"sql(CREATE TABLE aws_identities (id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, kind TEXT NOT NULL,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE, access_key_id TEXT NOT NULL, mfa_serial TEXT NOT NULL,
  region TEXT NOT NULL, shared BIGINT NOT NULL, account TEXT NOT NULL, arn TEXT NOT NULL, key_created_at BIGINT,
  tested_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, secret_access_key TEXT NOT NULL);
CREATE UNIQUE INDEX aws_identities_personal ON aws_identities (organization_id, user_id) WHERE kind = 'personal';
CREATE UNIQUE INDEX aws_identities_organization ON aws_identities (organization_id) WHERE kind = 'organization';
CREATE INDEX aws_identities_of_organization ON aws_identities (organization_id);
CREATE INDEX aws_identities_of_user ON aws_identities (user_id);
CREATE INDEX aws_identities_serial ON aws_identities (mfa_serial);
CREATE TABLE identity_devices (id TEXT PRIMARY KEY,
  identity_id TEXT NOT NULL REFERENCES aws_identities (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, serial TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX identity_devices_user ON identity_devices (identity_id, user_id);
CREATE INDEX identity_devices_of_user ON identity_devices (user_id);
CREATE INDEX identity_devices_serial ON identity_devices (serial);
CREATE TABLE gate_settings (id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
  identity_policy TEXT NOT NULL, accounts TEXT NOT NULL, plan_role TEXT NOT NULL, plan_role_external_id TEXT NOT NULL,
  apply_role TEXT NOT NULL, apply_role_external_id TEXT NOT NULL, read_only_plan_role TEXT NOT NULL,
  read_only_plan_role_external_id TEXT NOT NULL, raw_key_plans BIGINT NOT NULL);
CREATE TABLE gates (id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, phase TEXT NOT NULL, plan_sha256 TEXT NOT NULL,
  configuration_version_id TEXT NOT NULL, inputs_sha256 TEXT NOT NULL, terraform_version TEXT NOT NULL,
  lock_file_sha256 TEXT NOT NULL, state TEXT NOT NULL, opened_at BIGINT NOT NULL, refusals BIGINT NOT NULL,
  refusal_reason TEXT NOT NULL, refusal_sentence TEXT NOT NULL, refusal_at BIGINT, refusal_by TEXT NOT NULL,
  refusal_request_id TEXT NOT NULL, checking_since BIGINT, checking_by TEXT NOT NULL,
  accepted_by TEXT NOT NULL, accepted_by_name TEXT NOT NULL, accepted_at BIGINT, identity_id TEXT NOT NULL,
  identity_kind TEXT NOT NULL, serial TEXT NOT NULL, account TEXT NOT NULL, arn TEXT NOT NULL,
  request_id TEXT NOT NULL, session_expires_at BIGINT, attempt_id TEXT NOT NULL);
CREATE UNIQUE INDEX gates_phase ON gates (run_id, phase);
CREATE INDEX gates_organization ON gates (organization_id);
CREATE TABLE spent_codes (hash TEXT PRIMARY KEY, expires_at BIGINT NOT NULL);
CREATE TABLE mfa_attempts (id TEXT PRIMARY KEY, ordinal BIGINT NOT NULL, serial TEXT NOT NULL, user_id TEXT NOT NULL,
  run_id TEXT NOT NULL, at BIGINT NOT NULL, outcome TEXT NOT NULL);
CREATE UNIQUE INDEX mfa_attempts_ordinal ON mfa_attempts (ordinal);
CREATE INDEX mfa_attempts_serial ON mfa_attempts (serial, at);
CREATE TABLE phase_sessions (id TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  region TEXT NOT NULL, access_key_id TEXT NOT NULL, expires_at BIGINT NOT NULL, secret_access_key TEXT NOT NULL,
  session_token TEXT NOT NULL);
CREATE INDEX phase_sessions_run ON phase_sessions (run_id);
)sql";

constexpr std::string_view kNotices = R"sql(CREATE TABLE notices (id TEXT PRIMARY KEY, ordinal BIGINT NOT NULL,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, kind TEXT NOT NULL,
  sentence TEXT NOT NULL, actor TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE INDEX notices_organization ON notices (organization_id, ordinal);
)sql";

constexpr std::string_view kWebhooks = R"sql(CREATE TABLE webhooks (id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, name TEXT NOT NULL,
  enabled BIGINT NOT NULL, triggers TEXT NOT NULL, told_until BIGINT NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL, url TEXT NOT NULL, token TEXT NOT NULL);
CREATE UNIQUE INDEX webhooks_organization ON webhooks (organization_id);
CREATE TABLE webhook_deliveries (id TEXT PRIMARY KEY, ordinal BIGINT NOT NULL,
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE, run_id TEXT NOT NULL,
  trigger_name TEXT NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL,
  created_at BIGINT NOT NULL, next_attempt_at BIGINT NOT NULL, answered_at BIGINT, status BIGINT NOT NULL,
  excerpt TEXT NOT NULL, error TEXT NOT NULL);
CREATE UNIQUE INDEX webhook_deliveries_ordinal ON webhook_deliveries (ordinal);
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, ordinal);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (state, run_id, ordinal);
)sql";

constexpr std::string_view kRoleRenewals = R"sql(CREATE TABLE role_renewals (id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, role_arn TEXT NOT NULL, session_name TEXT NOT NULL,
  seconds BIGINT NOT NULL, access_key_id TEXT NOT NULL, external_id TEXT NOT NULL, secret_access_key TEXT NOT NULL,
  session_token TEXT NOT NULL);
CREATE INDEX role_renewals_run ON role_renewals (run_id);
)sql";

constexpr std::string_view kTwoFactors = R"sql(CREATE TABLE two_factors (id TEXT PRIMARY KEY
  REFERENCES users (id) ON DELETE CASCADE, last_step BIGINT NOT NULL, created_at BIGINT NOT NULL, enabled_at BIGINT,
  secret TEXT NOT NULL);
CREATE TABLE recovery_codes (hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES two_factors (id) ON DELETE CASCADE);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);
)sql";

}  // namespace

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> all{
      {1, "who there is, settings, audit", kIdentities},
      {2, "workspaces", kWorkspaces},
      {3, "runs, tokens, states", kRuns},
      {4, "AWS identities and gates", kAwsMfa},
      {5, "notices", kNotices},
      {6, "webhooks", kWebhooks},
      {7, "roles that are assumed again", kRoleRenewals},
      {8, "two-factor authentication", kTwoFactors},
  };
  return all;
}

}  // namespace tollgate::store
