// The columns of projects, workspaces, variables and configuration versions (row_schema.h says how they
// are written down). No SQL, no I/O.
#pragma once

#include "server/store/row_schema.h"

namespace tollgate::store {

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

}  // namespace tollgate::store
