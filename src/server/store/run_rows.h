// The columns of runs, their events, state versions and the audit (row_schema.h says how they are written down). No
// SQL, no I/O.
#pragma once

#include "server/store/row_schema.h"

namespace tollgate::store {

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
