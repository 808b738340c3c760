#include "server/store/workspace_tables.h"

namespace tollgate::store {

namespace {

SqlValue text(std::string_view value) {
  return SqlValue::of(value);
}

Where workspace_filter(std::string_view organization_id, const domain::WorkspaceFilter& filter) {
  Where where;
  where.add("workspaces.organization_id = ?", {text(organization_id)});
  if (!filter.project_id.empty()) where.add("workspaces.project_id = ?", {text(filter.project_id)});
  if (!filter.search_name.empty()) {
    where.add("lower(workspaces.name) LIKE ? ESCAPE '!'", {text(like_part(filter.search_name))});
  }
  if (!filter.wildcard_name.empty()) {
    where.add("lower(workspaces.name) LIKE ? ESCAPE '!'", {text(like_wildcard(filter.wildcard_name))});
  }
  constexpr std::string_view kTagged = "SELECT 1 FROM workspace_tags t WHERE t.workspace_id = workspaces.id";
  for (const std::string& tag : filter.tags) {
    where.add(fmt::format("EXISTS ({} AND t.name = ?)", kTagged), {text(tag)});
  }
  for (const std::string& tag : filter.exclude_tags) {
    where.add(fmt::format("NOT EXISTS ({} AND t.name = ?)", kTagged), {text(tag)});
  }
  for (const domain::TagBinding& tag : filter.tag_bindings) {
    if (tag.value.empty()) {
      where.add(fmt::format("EXISTS ({} AND t.name = ?)", kTagged), {text(tag.key)});
    } else {
      where.add(fmt::format("EXISTS ({} AND t.name = ? AND t.value = ?)", kTagged), {text(tag.key), text(tag.value)});
    }
  }
  if (!filter.current_run_status.empty()) {
    SqlValues statuses;
    std::string marks;
    for (const domain::RunStatus status : filter.current_run_status) {
      marks += marks.empty() ? "?" : ", ?";
      statuses.push_back(value_of(status));
    }
    where.add(
        fmt::format("EXISTS (SELECT 1 FROM runs r WHERE r.id = workspaces.current_run_id AND r.status IN ({}))", marks),
        statuses);
  }
  return where;
}

}  // namespace

std::optional<domain::Project> SqlProjects::find_by_name(std::string_view organization_id, std::string_view name) {
  return one(" WHERE organization_id = :p1 AND name = :p2", {text(organization_id), text(name)});
}

domain::Paged<domain::Project> SqlProjects::list(std::string_view organization_id, std::string_view exact_name,
                                                 std::string_view search, domain::Page wanted) {
  Where where;
  where.add("projects.organization_id = ?", {text(organization_id)});
  if (!exact_name.empty()) where.add("projects.name = ?", {text(exact_name)});
  if (!search.empty()) where.add("lower(projects.name) LIKE ? ESCAPE '!'", {text(like_part(search))});
  return page("", std::move(where), "projects.name, projects.id", wanted);
}

std::optional<domain::Workspace> SqlWorkspaces::find_by_name(std::string_view organization_id, std::string_view name) {
  return one(" WHERE organization_id = :p1 AND name = :p2", {text(organization_id), text(name)});
}

domain::Paged<domain::Workspace> SqlWorkspaces::list(std::string_view organization_id,
                                                     const domain::WorkspaceFilter& filter, domain::Page wanted) {
  return page("", workspace_filter(organization_id, filter), "workspaces.name, workspaces.id", wanted);
}

std::vector<domain::TagBinding> SqlWorkspaces::tags(std::string_view workspace_id) {
  std::vector<domain::TagBinding> tags;
  constexpr SqlValue::Kind kText = SqlValue::Kind::text;
  for (const SqlValues& row :
       context_.session.query("SELECT name, value FROM workspace_tags WHERE workspace_id = :p1 ORDER BY name",
                              {text(workspace_id)}, {kText, kText})) {
    tags.push_back({std::string(workspace_id), row[0].text, row[1].text});
  }
  return tags;
}

void SqlWorkspaces::set_tags(std::string_view workspace_id, const std::vector<domain::TagBinding>& tags) {
  context_.session.execute("DELETE FROM workspace_tags WHERE workspace_id = :p1", {text(workspace_id)});
  for (const domain::TagBinding& tag : tags) {
    // The last of a key wins, as in a map.
    context_.session.execute(
        "INSERT INTO workspace_tags (workspace_id, name, value) VALUES (:p1, :p2, :p3) "
        "ON CONFLICT (workspace_id, name) DO UPDATE SET value = excluded.value",
        {text(workspace_id), text(tag.key), text(tag.value)});
  }
}

std::vector<domain::Variable> SqlVariables::of_workspace(std::string_view workspace_id) {
  return rows(" WHERE workspace_id = :p1 AND scope = 'workspace' ORDER BY name, category, id", {text(workspace_id)});
}

std::vector<domain::Variable> SqlVariables::of_organization(std::string_view organization_id) {
  return rows(" WHERE organization_id = :p1 AND scope = 'organization' ORDER BY name, category, id",
              {text(organization_id)});
}

std::vector<domain::Variable> SqlVariables::of_user(std::string_view organization_id, std::string_view user_id) {
  return rows(" WHERE organization_id = :p1 AND user_id = :p2 AND scope = 'personal' ORDER BY name, category, id",
              {text(organization_id), text(user_id)});
}

domain::Paged<domain::ConfigurationVersion> SqlConfigurationVersions::list(std::string_view workspace_id,
                                                                           domain::Page wanted) {
  Where where;
  where.add("configuration_versions.workspace_id = ?", {text(workspace_id)});
  return page("", std::move(where), "configuration_versions.ordinal DESC", wanted);
}

std::optional<domain::ConfigurationVersion> SqlConfigurationVersions::latest_uploaded(std::string_view workspace_id) {
  return one(" WHERE workspace_id = :p1 AND status = 'uploaded' ORDER BY ordinal DESC LIMIT 1", {text(workspace_id)});
}

}  // namespace tollgate::store
