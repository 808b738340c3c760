// Workspaces: list, create, change, delete.
#include "server/api/workspaces.h"

#include "server/api/aws_mfa_settings.h"
#include "server/api/organizations.h"
#include "server/api/routes.h"
#include "server/api/runs.h"
#include "server/api/tags.h"
#include "server/api/workspace_outputs.h"
#include "server/domain/ids.h"
#include "server/runs/kept_files.h"

namespace tollgate::api {

namespace {

using domain::ExecutionMode;
using domain::Tables;
using domain::Workspace;
using domain::WorkspaceLock;

json::Value permissions(Tables& tables, const Call& call, const Workspace& workspace) {
  Subject subject;
  subject.workspace = workspace;
  const auto can = [&](Permission permission) { return may(tables, call.principal, permission, subject); };
  const bool update = can(Permission::workspace_update);
  const bool manage = can(Permission::workspace_manage);
  return json::Value::object({{"can-update", update},
                              {"can-destroy", manage},
                              {"can-force-delete", manage},
                              {"can-queue-run", can(Permission::workspace_queue)},
                              {"can-queue-apply", can(Permission::workspace_apply)},
                              {"can-queue-destroy", can(Permission::workspace_apply)},
                              {"can-read-run", can(Permission::workspace_read)},
                              {"can-read-settings", can(Permission::workspace_visible)},
                              {"can-read-variable", can(Permission::workspace_read)},
                              {"can-update-variable", update},
                              {"can-read-state-versions", can(Permission::state_read)},
                              {"can-read-state-outputs", can(Permission::state_read)},
                              {"can-create-state-versions", can(Permission::state_write)},
                              {"can-lock", update},
                              {"can-unlock", update},
                              {"can-force-unlock", manage},
                              {"can-manage-tags", update},
                              {"can-manage-run-tasks", false},
                              {"can-read-assessment-results", false}});
}

std::string latest_run_id(Tables& tables, const Workspace& workspace) {
  domain::RunFilter filter;
  filter.workspace_id = workspace.id;
  const auto newest = tables.runs().list(filter, {1, 1});
  return newest.rows.empty() ? "" : newest.rows.front().id;
}

}  // namespace

json::Value workspace_resource(Tables& tables, const Call& call, const Workspace& workspace) {
  const auto organization = tables.organizations().find(workspace.organization_id);
  const std::string organization_name = organization ? organization->name : "";
  const bool remote = workspace.execution_mode == ExecutionMode::remote;
  json::Array tag_names;
  for (const auto& tag : tables.workspaces().tags(workspace.id)) {
    if (tag.value.empty()) tag_names.emplace_back(tag.key);
  }
  Resource resource("workspaces", workspace.id);
  resource.attribute("name", workspace.name)
      .attribute("description", workspace.description.empty() ? json::Value() : json::Value(workspace.description))
      .attribute("auto-apply", workspace.auto_apply)
      .attribute("allow-destroy-plan", workspace.allow_destroy_plan)
      .attribute("queue-all-runs", workspace.queue_all_runs)
      .attribute("speculative-enabled", workspace.speculative_enabled)
      .attribute("structured-run-output-enabled", workspace.structured_run_output)
      .attribute("global-remote-state", workspace.global_remote_state)
      .attribute("file-triggers-enabled", false)
      .attribute("execution-mode", remote ? "remote" : "local")
      .attribute("operations", remote)
      .attribute("locked", workspace.lock.held())
      .attribute("lock-reason", workspace.lock.reason)
      .attribute("terraform-version", workspace.terraform_version)
      .attribute("working-directory",
                 workspace.working_directory.empty() ? json::Value() : json::Value(workspace.working_directory))
      .attribute("vcs-repo", json::Value())
      .attribute("vcs-repo-identifier", json::Value())
      .attribute("trigger-prefixes", json::Value::array())
      .attribute("trigger-patterns", json::Value::array())
      .attribute("environment", "default")
      .attribute("source", "tfe-api")
      .attribute("tag-names", std::move(tag_names))
      .attribute("aws-mfa", workspace.aws_mfa ? json::Value(domain::to_text(*workspace.aws_mfa)) : json::Value())
      .attribute("setting-overwrites", json::Value::object({{"execution-mode", true}, {"agent-pool", false}}))
      .attribute("actions", json::Value::object({{"is-destroyable", workspace.allow_destroy_plan}}))
      .attribute("permissions", permissions(tables, call, workspace))
      .time("created-at", workspace.created_at)
      .time("updated-at", workspace.updated_at)
      .to_one("organization", "organizations", organization_name)
      .to_one("project", "projects", workspace.project_id)
      .to_one("current-run", "runs", workspace.current_run_id)
      .to_one("latest-run", "runs", latest_run_id(tables, workspace))
      .to_one("current-state-version", "state-versions", workspace.current_state_version_id);
  const auto names = included_names(call.query);
  if (std::find(names.begin(), names.end(), "outputs") != names.end()) {
    resource.to_many("outputs", "workspace-outputs", workspace_output_ids(tables, call, workspace));
  }
  if (workspace.lock.held()) {
    const bool by_run = workspace.lock.holder == WorkspaceLock::Holder::run;
    const bool by_user = !by_run && workspace.lock.holder_id.rfind(domain::id_prefix::kUser, 0) == 0;
    resource.to_one("locked-by", by_run ? "runs" : "users", by_run || by_user ? workspace.lock.holder_id : "");
  }
  resource.link("self", fmt::format("/api/v2/organizations/{}/workspaces/{}", organization_name, workspace.name));
  return std::move(resource).build();
}

Error invalid_include(std::string_view name) {
  return Error(Code::usage, fmt::format("Invalid include parameter: {}", name)).at("include");
}

Result<json::Array> include_with_workspace(Tables& tables, const Call& call, const Workspace& workspace) {
  json::Array included;
  for (const std::string& name : included_names(call.query)) {
    if (name == "organization") {
      if (const auto organization = tables.organizations().find(workspace.organization_id)) {
        included.push_back(organization_resource(tables, call, *organization));
      }
    } else if (name == "current_run") {
      // A workspace is shown to people who may not read its runs.
      Subject subject;
      subject.workspace = workspace;
      const auto run = tables.runs().find(workspace.current_run_id);
      if (run && may(tables, call.principal, Permission::workspace_read, subject)) {
        included.push_back(run_resource(tables, call, *run));
      }
    } else if (name == "outputs") {
      for (json::Value& output : workspace_outputs(tables, call, workspace))
        included.push_back(std::move(output));
    } else if (name != "project" && name != "readme" && name != "locked_by" && name != "effective_tag_bindings") {
      // These are left out: a relationship tells where they are.
      return fail(invalid_include(name));
    }
  }
  return included;
}

namespace {

Result<void> read_names(const json::Reader& attributes, Workspace& workspace) {
  TG_TRY(const auto name, attributes.optional_text("name"));
  if (name) workspace.name = *name;
  if (!domain::valid_workspace_name(workspace.name)) {
    return fail(invalid_attribute("name", "must be 1 to 90 letters, digits, - and _"));
  }
  TG_TRY(const auto description, attributes.optional_text("description"));
  if (description) workspace.description = *description;
  if (workspace.description.size() > 4096) {
    return fail(invalid_attribute("description", "must be at most 4096 bytes"));
  }
  TG_TRY(const auto version, attributes.optional_text("terraform-version"));
  if (version) workspace.terraform_version = *version;
  if (workspace.terraform_version.empty() || workspace.terraform_version.size() > 64) {
    return fail(invalid_attribute("terraform-version", "must be a version, a constraint, or latest"));
  }
  TG_TRY(const auto directory, attributes.optional_text("working-directory"));
  if (directory) workspace.working_directory = *directory;
  const std::string rooted = "/" + workspace.working_directory + "/";
  if (workspace.working_directory.size() > 1024 || rooted.find("/../") != std::string::npos ||
      rooted.find('\0') != std::string::npos) {
    return fail(invalid_attribute("working-directory", "must be a folder inside the configuration"));
  }
  return {};
}

Result<void> read_flag(const json::Reader& attributes, std::string_view name, bool& flag) {
  TG_TRY(const auto sent, attributes.optional_boolean(name));
  if (sent) flag = *sent;
  return {};
}

Result<void> read_mode(const json::Reader& attributes, Workspace& workspace) {
  TG_TRY(const auto operations, attributes.optional_boolean("operations"));
  if (operations) workspace.execution_mode = *operations ? ExecutionMode::remote : ExecutionMode::local;
  TG_TRY(const auto mode, attributes.optional_text("execution-mode"));
  if (!mode) return {};
  if (*mode != "remote" && *mode != "local") {
    return fail(invalid_attribute("execution-mode", "must be remote or local: this server has no agents"));
  }
  workspace.execution_mode = *mode == "remote" ? ExecutionMode::remote : ExecutionMode::local;
  return {};
}

Result<void> read_attributes(const RequestDocument& body, Workspace& workspace) {
  const json::Reader attributes = body.attributes();
  TG_CHECK(read_names(attributes, workspace));
  TG_CHECK(read_mode(attributes, workspace));
  TG_CHECK(read_flag(attributes, "auto-apply", workspace.auto_apply));
  TG_CHECK(read_flag(attributes, "allow-destroy-plan", workspace.allow_destroy_plan));
  TG_CHECK(read_flag(attributes, "queue-all-runs", workspace.queue_all_runs));
  TG_CHECK(read_flag(attributes, "speculative-enabled", workspace.speculative_enabled));
  TG_CHECK(read_flag(attributes, "structured-run-output-enabled", workspace.structured_run_output));
  return read_flag(attributes, "global-remote-state", workspace.global_remote_state);
}

// The project that the document names, or as it is; the default one for a new workspace.
Result<void> read_project(Tables& tables, const RequestDocument& body, Workspace& workspace) {
  TG_TRY(const auto id, body.relationship("project"));
  std::optional<domain::Project> project;
  if (id) {
    project = tables.projects().find(*id);
  } else if (workspace.project_id.empty()) {
    project = tables.projects().find_by_name(workspace.organization_id, domain::kDefaultProjectName);
  } else {
    return {};
  }
  if (!project || project->organization_id != workspace.organization_id) {
    return fail(
        Error(Code::invalid, "there is no such project in this organization").at("/data/relationships/project"));
  }
  workspace.project_id = project->id;
  return {};
}

Result<domain::WorkspaceFilter> read_filter(const Call& call) {
  domain::WorkspaceFilter filter;
  filter.search_name = call.query_text("search[name]");
  filter.wildcard_name = call.query_text("search[wildcard-name]");
  filter.project_id = call.query_text("filter[project][id]");
  filter.tags = split_list(call.query_text("search[tags]"));
  filter.exclude_tags = split_list(call.query_text("search[exclude-tags]"));
  for (const std::string& word : split_list(call.query_text("filter[current-run][status]"))) {
    const auto status = domain::parse_run_status(word);
    if (!status) return fail(Error(Code::usage, fmt::format("{} is no status of a run", word)).at("filter"));
    filter.current_run_status.push_back(*status);
  }
  constexpr std::string_view kTagged = "filter[tagged][";
  for (const auto& [name, value] : call.query) {
    if (name.rfind(kTagged, 0) != 0 || name.size() < kTagged.size() + 6 || name.substr(name.size() - 6) != "][key]")
      continue;
    const std::string* tag_value = call.query_value(name.substr(0, name.size() - 5) + "[value]");
    filter.tag_bindings.push_back({"", value, tag_value != nullptr ? *tag_value : ""});
  }
  return filter;
}

Result<http::Response> list_workspaces(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  TG_TRY(const domain::WorkspaceFilter filter, read_filter(call));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto found = tables.workspaces().list(call.subject.organization->id, filter, page);
    json::Array rows;
    json::Array included;
    for (const auto& workspace : found.rows) {
      rows.push_back(workspace_resource(tables, call, workspace));
      TG_TRY(json::Array more, include_with_workspace(tables, call, workspace));
      std::move(more.begin(), more.end(), std::back_inserter(included));
    }
    return list_document(std::move(rows), found.total, page, call.request, std::move(included));
  });
}

Error name_taken() {
  return invalid_attribute("name", "has already been taken by another workspace of this organization");
}

Result<http::Response> create_workspace(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "workspaces"));
  TG_TRY(const auto tags, tags_in_relationships(body));
  Workspace workspace;
  workspace.id = domain::new_id(domain::id_prefix::kWorkspace, call.context.random);
  workspace.organization_id = call.subject.organization->id;
  workspace.execution_mode = call.subject.organization->default_execution_mode;
  workspace.terraform_version = "latest";
  workspace.created_at = workspace.updated_at = call.now;
  TG_CHECK(read_attributes(body, workspace));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_CHECK(read_project(tables, body, workspace));
    TG_CHECK(read_workspace_level(tables, call, body, workspace));
    TG_CHECK(check_ungated_execution(tables, call, nullptr, workspace));
    if (!tables.workspaces().insert(workspace)) return fail(name_taken());
    if (tags) tables.workspaces().set_tags(workspace.id, *tags);
    call.audit(tables, workspace.organization_id, "workspace.created", "workspace", workspace.id,
               json::Value::object({{"name", workspace.name}}));
    return document(201, workspace_resource(tables, call, workspace));
  });
}

Result<http::Response> show_workspace(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(json::Array included, include_with_workspace(tables, call, *call.subject.workspace));
    return document(200, workspace_resource(tables, call, *call.subject.workspace), std::move(included));
  });
}

Result<http::Response> update_workspace(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "workspaces"));
  TG_TRY(const auto tags, tags_in_relationships(body));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(Workspace workspace, again(tables.workspaces(), call.subject.workspace, "workspace"));
    const Workspace before = workspace;
    TG_CHECK(read_attributes(body, workspace));
    TG_CHECK(read_project(tables, body, workspace));
    TG_CHECK(read_workspace_level(tables, call, body, workspace));
    TG_CHECK(check_ungated_execution(tables, call, &before, workspace));
    workspace.updated_at = call.now;
    if (!tables.workspaces().update(workspace)) return fail(name_taken());
    if (tags) tables.workspaces().set_tags(workspace.id, *tags);
    call.audit(tables, workspace.organization_id, "workspace.updated", "workspace", workspace.id,
               json::Value::object({{"name", workspace.name}}));
    return document(200, workspace_resource(tables, call, workspace));
  });
}

// Refuses where there is a state that may still manage something: stock clients ask for this kind of deletion first,
// and have checked themselves that the state is empty.
Result<void> check_safe_to_delete(const Call& call, const Workspace& workspace) {
  if (workspace.lock.held()) {
    return fail(
        Error(Code::conflict, fmt::format("workspace {} is locked", workspace.name)).because("workspace_locked"));
  }
  if (workspace.current_state_version_id.empty()) return {};
  const auto state = call.context.blobs.get(blob_key::state(workspace.current_state_version_id));
  const auto parsed = json::parse(state.value_or("{}"));
  const json::Value* resources = parsed ? parsed->find("resources") : nullptr;
  if (resources != nullptr && resources->if_array() != nullptr && resources->if_array()->empty()) return {};
  return fail(Error(Code::conflict, fmt::format("the state of workspace {} still manages resources", workspace.name))
                  .do_next("destroy them first, or delete the workspace by force"));
}

Result<http::Response> erase_workspace(const Call& call, bool safe) {
  runs::KeptFiles files;
  auto done = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Workspace workspace, again(tables.workspaces(), call.subject.workspace, "workspace"));
    if (safe) TG_CHECK(check_safe_to_delete(call, workspace));
    // A run that is under way would write into nothing.
    if (workspace.lock.holder == WorkspaceLock::Holder::run) {
      return fail(Error(Code::conflict,
                        fmt::format("workspace {} is locked by Run {}", workspace.name, workspace.lock.holder_id))
                      .do_next("cancel or discard that run"));
    }
    files = runs::files_of_workspace(tables, workspace);
    tables.workspaces().erase(workspace.id);
    call.audit(tables, workspace.organization_id, "workspace.deleted", "workspace", workspace.id,
               json::Value::object({{"name", workspace.name}, {"safe", safe}}));
    return no_content();
  });
  if (done) runs::remove_files(files, call.context.blobs, call.context.logs);
  return done;
}

Result<http::Response> delete_workspace(const Call& call) {
  return erase_workspace(call, false);
}

Result<http::Response> safe_delete_workspace(const Call& call) {
  return erase_workspace(call, true);
}

}  // namespace

Routes workspace_routes() {
  constexpr std::string_view kByName = "/api/v2/organizations/:organization/workspaces/:workspace";
  constexpr std::string_view kById = "/api/v2/workspaces/:workspace_id";
  return {
      {"GET", "/api/v2/organizations/:organization/workspaces", Permission::organization_read, list_workspaces,
       "Workspaces of an organization"},
      {"POST", "/api/v2/organizations/:organization/workspaces", Permission::organization_write, create_workspace,
       "A new workspace", Body::json},
      {"GET", kByName, Permission::workspace_visible, show_workspace, "A workspace by its name"},
      {"PATCH", kByName, Permission::workspace_update, update_workspace, "Changes a workspace", Body::json},
      {"DELETE", kByName, Permission::workspace_manage, delete_workspace, "Deletes a workspace with its state"},
      {"POST", "/api/v2/organizations/:organization/workspaces/:workspace/actions/safe-delete",
       Permission::workspace_manage, safe_delete_workspace, "Deletes a workspace that manages nothing", Body::json},
      {"GET", kById, Permission::workspace_visible, show_workspace, "A workspace"},
      {"PATCH", kById, Permission::workspace_update, update_workspace, "Changes a workspace", Body::json},
      {"DELETE", kById, Permission::workspace_manage, delete_workspace, "Deletes a workspace with its state"},
      {"POST", "/api/v2/workspaces/:workspace_id/actions/safe-delete", Permission::workspace_manage,
       safe_delete_workspace, "Deletes a workspace that manages nothing", Body::json},
  };
}

}  // namespace tollgate::api
