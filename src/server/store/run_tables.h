// The tables of runs with their frozen inputs and events, and of state versions with their outputs. Valid inside one
// transaction, on its thread.
#pragma once

#include "server/store/sql_table.h"

namespace tollgate::store {

class SqlRuns final : public SqlTable<domain::Run, domain::RunTable> {
 public:
  using SqlTable::SqlTable;
  domain::Paged<domain::Run> list(const domain::RunFilter& filter, domain::Page wanted) override;
  std::vector<domain::Run> unfinished() override;
  std::vector<domain::Run> unfinished_of(std::string_view workspace_id) override;
  std::optional<domain::Run> find_by_phase(std::string_view phase_id) override;
  void set_inputs(std::string_view run_id, const Secret& inputs) override;
  std::optional<Secret> inputs(std::string_view run_id) override;
  void add_event(const domain::RunEvent& event) override;
  std::vector<domain::RunEvent> events(std::string_view run_id) override;
};

class SqlStateVersions final : public SqlTable<domain::StateVersion, domain::StateVersionTable> {
 public:
  using SqlTable::SqlTable;
  domain::Paged<domain::StateVersion> list(std::string_view organization_id, std::string_view workspace_id,
                                           domain::Page wanted) override;
  std::optional<domain::StateVersion> latest(std::string_view workspace_id) override;
  void set_outputs(std::string_view state_version_id, const std::vector<domain::StateVersionOutput>& outputs) override;
  std::vector<domain::StateVersionOutput> outputs(std::string_view state_version_id) override;
  std::optional<domain::StateVersionOutput> find_output(std::string_view id) override;
};

}  // namespace tollgate::store
