// The tables of projects, workspaces with their tags, variables and configuration versions. Valid inside one
// transaction, on its thread.
#pragma once

#include "server/store/sql_table.h"

namespace tollgate::store {

// erase() of a project that still has workspaces throws DatabaseError (foreign_key): whoever calls asks first.
class SqlProjects final : public SqlTable<domain::Project, domain::ProjectTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::Project> find_by_name(std::string_view organization_id, std::string_view name) override;
  domain::Paged<domain::Project> list(std::string_view organization_id, std::string_view exact_name,
                                      std::string_view search, domain::Page wanted) override;
};

class SqlWorkspaces final : public SqlTable<domain::Workspace, domain::WorkspaceTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::Workspace> find_by_name(std::string_view organization_id, std::string_view name) override;
  domain::Paged<domain::Workspace> list(std::string_view organization_id, const domain::WorkspaceFilter& filter,
                                        domain::Page wanted) override;
  std::vector<domain::TagBinding> tags(std::string_view workspace_id) override;
  void set_tags(std::string_view workspace_id, const std::vector<domain::TagBinding>& tags) override;
};

class SqlVariables final : public SqlTable<domain::Variable, domain::VariableTable> {
 public:
  using SqlTable::SqlTable;
  std::vector<domain::Variable> of_workspace(std::string_view workspace_id) override;
  std::vector<domain::Variable> of_organization(std::string_view organization_id) override;
  std::vector<domain::Variable> of_user(std::string_view organization_id, std::string_view user_id) override;
};

class SqlConfigurationVersions final
    : public SqlTable<domain::ConfigurationVersion, domain::ConfigurationVersionTable> {
 public:
  using SqlTable::SqlTable;
  domain::Paged<domain::ConfigurationVersion> list(std::string_view workspace_id, domain::Page wanted) override;
  std::optional<domain::ConfigurationVersion> latest_uploaded(std::string_view workspace_id) override;
};

}  // namespace tollgate::store
