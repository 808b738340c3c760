// Projects: the folders that workspaces lie in.
#include "server/api/routes.h"
#include "server/domain/ids.h"

namespace tollgate::api {

namespace {

using domain::Project;
using domain::Tables;

json::Value project_resource(Tables& tables, const Call& call, const Project& project) {
  Subject subject;
  subject.organization = call.subject.organization;
  domain::WorkspaceFilter filter;
  filter.project_id = project.id;
  Resource resource("projects", project.id);
  resource.attribute("name", project.name)
      .attribute("description", project.description)
      .attribute("workspace-count", tables.workspaces().list(project.organization_id, filter, {1, 1}).total)
      .attribute("is-unified", false)
      .attribute("permissions",
                 json::Value::object(
                     {{"can-update", may(tables, call.principal, Permission::organization_write, subject)},
                      {"can-destroy", may(tables, call.principal, Permission::organization_manage, subject)},
                      {"can-create-workspace", may(tables, call.principal, Permission::organization_write, subject)}}))
      .time("created-at", project.created_at)
      .to_one("organization", "organizations", call.subject.organization->name)
      .link("self", "/api/v2/projects/" + project.id);
  return std::move(resource).build();
}

Result<void> read_attributes(const json::Reader& attributes, Project& project) {
  TG_TRY(const auto name, attributes.optional_text("name"));
  if (name) project.name = *name;
  if (project.name.size() < 3 || project.name.size() > 40 || project.name.find('\0') != std::string::npos) {
    return fail(invalid_attribute("name", "must be 3 to 40 characters long"));
  }
  TG_TRY(const auto description, attributes.optional_text("description"));
  if (description) project.description = *description;
  if (project.description.size() > 256) return fail(invalid_attribute("description", "must be at most 256 bytes"));
  return {};
}

Error name_taken() {
  return invalid_attribute("name", "has already been taken by another project of this organization");
}

Result<http::Response> list_projects(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto found = tables.projects().list(call.subject.organization->id, call.query_text("filter[names]"),
                                              call.query_text("q"), page);
    json::Array rows;
    for (const Project& project : found.rows)
      rows.push_back(project_resource(tables, call, project));
    return list_document(std::move(rows), found.total, page, call.request);
  });
}

Result<http::Response> create_project(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "projects"));
  Project project;
  project.id = domain::new_id(domain::id_prefix::kProject, call.context.random);
  project.organization_id = call.subject.organization->id;
  project.created_at = call.now;
  TG_CHECK(read_attributes(body.attributes(), project));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    if (!tables.projects().insert(project)) return fail(name_taken());
    call.audit(tables, project.organization_id, "project.created", "project", project.id,
               json::Value::object({{"name", project.name}}));
    return document(201, project_resource(tables, call, project));
  });
}

Result<http::Response> show_project(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    return document(200, project_resource(tables, call, *call.subject.project));
  });
}

Result<http::Response> update_project(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "projects"));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(Project project, again(tables.projects(), call.subject.project, "project"));
    const bool is_default = project.name == domain::kDefaultProjectName;
    TG_CHECK(read_attributes(body.attributes(), project));
    // New workspaces go there by its name.
    if (is_default && project.name != domain::kDefaultProjectName) {
      return fail(invalid_attribute("name", "of the default project cannot be changed"));
    }
    if (!tables.projects().update(project)) return fail(name_taken());
    call.audit(tables, project.organization_id, "project.updated", "project", project.id,
               json::Value::object({{"name", project.name}}));
    return document(200, project_resource(tables, call, project));
  });
}

Result<http::Response> delete_project(const Call& call) {
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Project project, again(tables.projects(), call.subject.project, "project"));
    domain::WorkspaceFilter filter;
    filter.project_id = project.id;
    if (project.name == domain::kDefaultProjectName ||
        tables.workspaces().list(project.organization_id, filter, {1, 1}).total > 0) {
      return fail(Error(Code::conflict, "the default project and projects with workspaces cannot be deleted")
                      .do_next("move its workspaces to another project"));
    }
    tables.projects().erase(project.id);
    call.audit(tables, project.organization_id, "project.deleted", "project", project.id,
               json::Value::object({{"name", project.name}}));
    return no_content();
  });
}

}  // namespace

Routes project_routes() {
  constexpr std::string_view kList = "/api/v2/organizations/:organization/projects";
  constexpr std::string_view kOne = "/api/v2/projects/:project_id";
  return {
      {"GET", kList, Permission::organization_read, list_projects, "Projects of an organization"},
      {"POST", kList, Permission::organization_write, create_project, "A new project", Body::json},
      {"GET", kOne, Permission::organization_read, show_project, "A project"},
      {"PATCH", kOne, Permission::organization_write, update_project, "Changes a project", Body::json},
      {"DELETE", kOne, Permission::organization_manage, delete_project, "Deletes an empty project"},
  };
}

}  // namespace tollgate::api
