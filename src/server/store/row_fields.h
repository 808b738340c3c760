// Which column of which table holds which member of which row: one list for each kind of row, which the binder, the
// reader and the list of columns walk alike. Sealed members come last, because what they are bound to has to be known
// before they are opened. No SQL, no I/O.
//
// A walker F takes f(column, member); f.reference(column, id) for a foreign key, empty = NULL; f.sealed(column,
// member); f.json(column, list); f.generated(column, number) for what the database gives.
#pragma once

#include <string>
#include <string_view>

#include "server/domain/store.h"
#include "server/store/field_text.h"
#include "server/store/key_ring.h"

namespace tollgate::store {

// Every Schema: kTable, kOrdinal (the column that keeps the order of insertion; empty: none), fields(f, row) and, where
// something is sealed, bind(context, row): what the sealed members belong to beyond table, column and row.
template <class Row>
struct Schema;

template <>
struct Schema<domain::User> {
  static constexpr std::string_view kTable = "users";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("username", row.username);
    f("email", row.email);
    f("password_hash", row.password_hash);
    f("site_admin", row.site_admin);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Organization> {
  static constexpr std::string_view kTable = "organizations";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("name", row.name);
    f("email", row.email);
    f("aws_mfa", row.aws_mfa);
    f("default_execution_mode", row.default_execution_mode);
    f("plan_gate_deadline", row.plan_gate_deadline);
    f("apply_gate_deadline", row.apply_gate_deadline);
    f("plan_limit", row.plan_limit);
    f("apply_limit", row.apply_limit);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Membership> {
  static constexpr std::string_view kTable = "memberships";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f.reference("user_id", row.user_id);
    f("role", row.role);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Token> {
  static constexpr std::string_view kTable = "tokens";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("kind", row.kind);
    f.reference("user_id", row.user_id);
    f.reference("organization_id", row.organization_id);
    f.reference("run_id", row.run_id);
    f("description", row.description);
    f("hash", row.hash);
    f("created_at", row.created_at);
    f("last_used_at", row.last_used_at);
    f("expires_at", row.expires_at);
  }
};

template <>
struct Schema<domain::WebSession> {
  static constexpr std::string_view kTable = "web_sessions";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("user_id", row.user_id);
    f("hash", row.hash);
    f("address", row.address);
    f("user_agent", row.user_agent);
    f("created_at", row.created_at);
    f("last_seen_at", row.last_seen_at);
    f("authenticated_at", row.authenticated_at);
    f.sealed("csrf_token", row.csrf_token);
  }
  static void bind(SealContext& context, const domain::WebSession& row) { context.add(row.user_id); }
};

template <>
struct Schema<domain::TwoFactor> {
  static constexpr std::string_view kTable = "two_factors";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("last_step", row.last_step);
    f("created_at", row.created_at);
    f("enabled_at", row.enabled_at);
    f.sealed("secret", row.secret);
  }
  // Also what was used: an edit of the file must not make a code good again.
  static void bind(SealContext& context, const domain::TwoFactor& row) {
    context.add(std::to_string(row.last_step)).add(row.enabled_at ? "enabled" : "");
  }
};

template <>
struct Schema<domain::OneTimeGrant> {
  static constexpr std::string_view kTable = "one_time_grants";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("hash", row.hash);
    f("purpose", row.purpose);
    f.reference("user_id", row.user_id);
    f("data", row.data);
    f("expires_at", row.expires_at);
  }
};

template <>
struct Schema<domain::Project> {
  static constexpr std::string_view kTable = "projects";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f("name", row.name);
    f("description", row.description);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Workspace> {
  static constexpr std::string_view kTable = "workspaces";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f.reference("project_id", row.project_id);
    f("name", row.name);
    f("description", row.description);
    f("execution_mode", row.execution_mode);
    f("auto_apply", row.auto_apply);
    f("allow_destroy_plan", row.allow_destroy_plan);
    f("queue_all_runs", row.queue_all_runs);
    f("structured_run_output", row.structured_run_output);
    f("speculative_enabled", row.speculative_enabled);
    f("global_remote_state", row.global_remote_state);
    f("terraform_version", row.terraform_version);
    f("working_directory", row.working_directory);
    f("aws_mfa", row.aws_mfa);
    f("lock_holder", row.lock.holder);
    f("lock_holder_id", row.lock.holder_id);
    f("lock_reason", row.lock.reason);
    f("lock_since", row.lock.since);
    f("current_run_id", row.current_run_id);
    f("current_state_version_id", row.current_state_version_id);
    f("created_at", row.created_at);
    f("updated_at", row.updated_at);
  }
};

template <>
struct Schema<domain::Variable> {
  static constexpr std::string_view kTable = "variables";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("scope", row.scope);
    f.reference("organization_id", row.organization_id);
    f.reference("workspace_id", row.workspace_id);
    f.reference("user_id", row.user_id);
    f("name", row.key);
    f("description", row.description);
    f("category", row.category);
    f("hcl", row.hcl);
    f("sensitive", row.sensitive);
    f("version", row.version);
    f("created_at", row.created_at);
    f.sealed("value", row.value);
  }
  // Also who may see the value: an edit of the file must not turn a sensitive variable into a readable one.
  static void bind(SealContext& context, const domain::Variable& row) {
    context.add(row.organization_id).add(row.workspace_id).add(row.user_id).add(row.key);
    context.add(row.category == domain::VariableCategory::env ? "env" : "terraform");
    context.add(row.sensitive ? "sensitive" : "").add(row.hcl ? "hcl" : "").add(std::to_string(row.version));
  }
};

template <>
struct Schema<domain::ConfigurationVersion> {
  static constexpr std::string_view kTable = "configuration_versions";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("workspace_id", row.workspace_id);
    f("status", row.status);
    f("speculative", row.speculative);
    f("provisional", row.provisional);
    f("auto_queue_runs", row.auto_queue_runs);
    f("source", row.source);
    f("sha256", row.sha256);
    f("size", row.size);
    f("error", row.error);
    f("created_by", row.created_by);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Run> {
  static constexpr std::string_view kTable = "runs";
  static constexpr std::string_view kOrdinal = "sequence";

  template <class F, class P>
  static void phase(F& f, P& phase, std::string_view prefix) {
    const std::string before(prefix);
    f(before + "id", phase.id);
    f(before + "status", phase.status);
    f(before + "has_changes", phase.has_changes);
    f(before + "generated_configuration", phase.generated_configuration);
    f(before + "additions", phase.resources.additions);
    f(before + "changes", phase.resources.changes);
    f(before + "destructions", phase.resources.destructions);
    f(before + "imports", phase.resources.imports);
    f(before + "plan_sha256", phase.plan_sha256);
    f(before + "lock_file_sha256", phase.lock_file_sha256);
    f(before + "queued_at", phase.queued_at);
    f(before + "started_at", phase.started_at);
    f(before + "ended_at", phase.ended_at);
  }

  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.generated("sequence", row.sequence);
    f.reference("organization_id", row.organization_id);
    f.reference("workspace_id", row.workspace_id);
    f("configuration_version_id", row.configuration_version_id);
    f("created_by", row.created_by);
    f("message", row.message);
    f("source", row.source);
    f("status", row.status);
    f("is_destroy", row.is_destroy);
    f("refresh", row.refresh);
    f("refresh_only", row.refresh_only);
    f("plan_only", row.plan_only);
    f("save_plan", row.save_plan);
    f("auto_apply", row.auto_apply);
    f("allow_empty_apply", row.allow_empty_apply);
    f("allow_config_generation", row.allow_config_generation);
    f.json("target_addrs", row.target_addrs);
    f.json("replace_addrs", row.replace_addrs);
    f("terraform_version", row.terraform_version);
    f("working_directory", row.working_directory);
    f("structured_output", row.structured_output);
    f("aws_mfa_at_creation", row.aws_mfa_at_creation);
    phase(f, row.plan, "plan_");
    phase(f, row.apply, "apply_");
    f("confirmed_by", row.confirmed_by);
    f("comment", row.comment);
    f("cancel_requested_at", row.cancel_requested_at);
    f("canceled_by", row.canceled_by);
    f("force_cancel_requested", row.force_cancel_requested);
    f("reason", row.reason);
    f("detail", row.detail);
    f("created_at", row.created_at);
    f.json("timestamps", row.timestamps);
    // -var on the command line: as likely a secret as any variable.
    f.sealed_json("variables", row.variables);
  }
  static void bind(SealContext& context, const domain::Run& row) {
    context.add(row.organization_id).add(row.workspace_id);
  }
};

template <>
struct Schema<domain::RunEvent> {
  static constexpr std::string_view kTable = "run_events";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("run_id", row.run_id);
    f("action", row.action);
    f("description", row.description);
    f("actor", row.actor);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::StateVersion> {
  static constexpr std::string_view kTable = "state_versions";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f.reference("workspace_id", row.workspace_id);
    f("run_id", row.run_id);
    f("created_by", row.created_by);
    f("serial", row.serial);
    f("lineage", row.lineage);
    f("md5", row.md5);
    f("sha256", row.sha256);
    f("size", row.size);
    f("status", row.status);
    f("has_json_state", row.has_json_state);
    f("terraform_version", row.terraform_version);
    f("intermediate", row.intermediate);
    f("resources_processed", row.resources_processed);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::StateVersionOutput> {
  static constexpr std::string_view kTable = "state_version_outputs";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("state_version_id", row.state_version_id);
    f("name", row.name);
    f("type", row.type);
    f("detailed_type", row.detailed_type);
    f("sensitive", row.sensitive);
    f.sealed("value", row.value);
  }
  // The state version belongs to one organization and its id is random, so it stands for the organization too.
  static void bind(SealContext& context, const domain::StateVersionOutput& row) {
    context.add(row.state_version_id).add(row.name).add(row.sensitive ? "sensitive" : "");
  }
};

template <>
struct Schema<domain::Notice> {
  static constexpr std::string_view kTable = "notices";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f("kind", row.kind);
    f("sentence", row.sentence);
    f("actor", row.actor);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::Webhook> {
  static constexpr std::string_view kTable = "webhooks";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f("name", row.name);
    f("enabled", row.enabled);
    f.json("triggers", row.triggers);
    f("told_until", row.told_until);
    f("created_at", row.created_at);
    f("updated_at", row.updated_at);
    f.sealed("url", row.url);
    f.sealed("token", row.token);
  }
  static void bind(SealContext& context, const domain::Webhook& row) { context.add(row.organization_id); }
};

template <>
struct Schema<domain::WebhookDelivery> {
  static constexpr std::string_view kTable = "webhook_deliveries";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("webhook_id", row.webhook_id);
    f("run_id", row.run_id);
    f("trigger_name", row.trigger);
    f("payload", row.payload);
    f("state", row.state);
    f("attempts", row.attempts);
    f("created_at", row.created_at);
    f("next_attempt_at", row.next_attempt_at);
    f("answered_at", row.last.at);
    f("status", row.last.status);
    f("excerpt", row.last.excerpt);
    f("error", row.last.error);
  }
};

template <>
struct Schema<domain::AwsIdentity> {
  static constexpr std::string_view kTable = "aws_identities";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f("kind", row.kind);
    f.reference("user_id", row.user_id);
    f("access_key_id", row.access_key_id);
    f("mfa_serial", row.mfa_serial);
    f("region", row.region);
    f("shared", row.shared);
    f("account", row.account);
    f("arn", row.arn);
    f("key_created_at", row.key_created_at);
    f("tested_at", row.tested_at);
    f("created_at", row.created_at);
    f("updated_at", row.updated_at);
    f.sealed("secret_access_key", row.secret_access_key);
  }
  // Also whose device opens with this key: an edit of the file must not put another one in its place.
  static void bind(SealContext& context, const domain::AwsIdentity& row) {
    context.add(row.organization_id).add(row.kind == domain::IdentityKind::personal ? "personal" : "organization");
    context.add(row.user_id).add(row.access_key_id).add(row.mfa_serial).add(row.shared ? "shared" : "");
  }
};

template <>
struct Schema<domain::IdentityDevice> {
  static constexpr std::string_view kTable = "identity_devices";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("identity_id", row.identity_id);
    f.reference("user_id", row.user_id);
    f("serial", row.serial);
    f("created_at", row.created_at);
  }
};

template <>
struct Schema<domain::GateSettings> {
  static constexpr std::string_view kTable = "gate_settings";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("identity_policy", row.identity_policy);
    f.json("accounts", row.accounts);
    f("plan_role", row.plan_role.arn);
    f("plan_role_external_id", row.plan_role.external_id);
    f("apply_role", row.apply_role.arn);
    f("apply_role_external_id", row.apply_role.external_id);
    f("read_only_plan_role", row.read_only_plan_role.arn);
    f("read_only_plan_role_external_id", row.read_only_plan_role.external_id);
    f("raw_key_plans", row.raw_key_plans);
  }
};

template <>
struct Schema<domain::GateRecord> {
  static constexpr std::string_view kTable = "gates";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("organization_id", row.organization_id);
    f.reference("run_id", row.binding.run_id);
    f("phase", row.binding.phase);
    f("plan_sha256", row.binding.plan_sha256);
    f("configuration_version_id", row.binding.configuration_version_id);
    f("inputs_sha256", row.binding.inputs_sha256);
    f("terraform_version", row.binding.terraform_version);
    f("lock_file_sha256", row.binding.lock_file_sha256);
    f("state", row.state);
    f("opened_at", row.opened_at);
    f("refusals", row.refusals);
    f("refusal_reason", row.refusal.reason);
    f("refusal_sentence", row.refusal.sentence);
    f("refusal_at", row.refusal.at);
    f("refusal_by", row.refusal.by);
    f("refusal_request_id", row.refusal.request_id);
    f("checking_since", row.checking_since);
    f("checking_by", row.checking_by);
    f("accepted_by", row.accepted_by);
    f("accepted_by_name", row.accepted_by_name);
    f("accepted_at", row.accepted_at);
    f("identity_id", row.identity_id);
    f("identity_kind", row.identity_kind);
    f("serial", row.serial);
    f("account", row.account);
    f("arn", row.arn);
    f("request_id", row.request_id);
    f("session_expires_at", row.session_expires_at);
    f.sealed("attempt_id", row.attempt_id);
  }
  // No secret is sealed here: the seal holds the row together, so that an edit of the file opens no gate.
  static void bind(SealContext& context, const domain::GateRecord& row) {
    const domain::GateBinding& to = row.binding;
    context.add(row.organization_id).add(to.run_id).add(domain::to_text(to.phase)).add(to.plan_sha256);
    context.add(to.configuration_version_id).add(to.inputs_sha256).add(to.terraform_version).add(to.lock_file_sha256);
    context.add(EnumNames<domain::GateState>::kNames.at(static_cast<std::size_t>(row.state)));
    context.add(row.accepted_by).add(row.serial).add(row.account).add(std::to_string(row.refusals));
  }
};

template <>
struct Schema<domain::MfaAttempt> {
  static constexpr std::string_view kTable = "mfa_attempts";
  static constexpr std::string_view kOrdinal = "ordinal";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f("serial", row.serial);
    f("user_id", row.user_id);
    f("run_id", row.run_id);
    f("at", row.at);
    f("outcome", row.outcome);
  }
};

template <>
struct Schema<domain::PhaseSession> {
  static constexpr std::string_view kTable = "phase_sessions";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("run_id", row.run_id);
    f("region", row.region);
    f("access_key_id", row.access_key_id);
    f("expires_at", row.expires_at);
    f.sealed("secret_access_key", row.secret_access_key);
    f.sealed("session_token", row.session_token);
  }
  static void bind(SealContext& context, const domain::PhaseSession& row) {
    context.add(row.run_id).add(row.access_key_id);
  }
};

template <>
struct Schema<domain::RoleRenewal> {
  static constexpr std::string_view kTable = "role_renewals";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("id", row.id);
    f.reference("run_id", row.run_id);
    f("role_arn", row.role_arn);
    f("session_name", row.session_name);
    f("seconds", row.duration);
    f("access_key_id", row.access_key_id);
    f.sealed("external_id", row.external_id);
    f.sealed("secret_access_key", row.secret_access_key);
    f.sealed("session_token", row.session_token);
  }
  static void bind(SealContext& context, const domain::RoleRenewal& row) {
    context.add(row.run_id).add(row.access_key_id).add(row.role_arn);
  }
};

template <>
struct Schema<domain::AuditRecord> {
  static constexpr std::string_view kTable = "audit_records";
  static constexpr std::string_view kOrdinal = "";
  template <class F, class R>
  static void fields(F& f, R& row) {
    f("sequence", row.sequence);
    f("at", row.at);
    f("organization_id", row.organization_id);
    f("actor_kind", row.actor_kind);
    f("actor_id", row.actor_id);
    f("actor_name", row.actor_name);
    f("address", row.address);
    f("event", row.event);
    f("subject_kind", row.subject_kind);
    f("subject_id", row.subject_id);
    f("details", row.details);
    f("previous_hash", row.previous_hash);
    f("hash", row.hash);
  }
};

}  // namespace tollgate::store
