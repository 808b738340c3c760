// A Store in memory for tests of what is built on it: whole-copy transactions with rollback. Tables that server/runs
// does not use throw. Threads: as the interface says.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

#include "server/domain/store.h"
#include "tests/unit/server/runs/memory_aws_mfa.h"

namespace tollgate::runs {

struct MemoryData {
  std::map<std::string, domain::User, std::less<>> users;
  std::map<std::string, domain::Organization, std::less<>> organizations;
  std::map<std::string, domain::Workspace, std::less<>> workspaces;
  std::map<std::string, domain::Variable, std::less<>> variables;
  std::map<std::string, domain::ConfigurationVersion, std::less<>> configurations;
  std::map<std::string, domain::Run, std::less<>> runs;
  std::map<std::string, Secret, std::less<>> inputs;
  std::vector<domain::RunEvent> events;
  std::vector<domain::StateVersion> states;  // in order of insertion
  std::map<std::string, std::vector<domain::StateVersionOutput>, std::less<>> outputs;
  std::vector<domain::AuditRecord> audit;
  tollgate::test::MemoryAwsMfa aws_mfa;
};

[[noreturn]] inline void not_in_memory() {
  throw std::logic_error("not in the store of this test");
}

template <class Base, class Row>
class MemoryTable : public Base {
 public:
  explicit MemoryTable(std::map<std::string, Row, std::less<>>& rows) : rows_(rows) {}
  Result<void> insert(const Row& row) override {
    rows_[row.id] = row;
    return {};
  }
  Result<void> update(const Row& row) override {
    rows_.at(row.id) = row;
    return {};
  }
  void erase(std::string_view id) override { rows_.erase(std::string(id)); }
  std::optional<Row> find(std::string_view id) override {
    const auto at = rows_.find(id);
    return at == rows_.end() ? std::nullopt : std::optional(at->second);
  }

 protected:
  std::map<std::string, Row, std::less<>>& rows_;
};

class MemoryUsers final : public MemoryTable<domain::UserTable, domain::User> {
 public:
  using MemoryTable::MemoryTable;
  std::optional<domain::User> find_by_name(std::string_view) override { not_in_memory(); }
  std::optional<domain::User> find_by_email(std::string_view) override { not_in_memory(); }
  domain::Paged<domain::User> list(domain::Page) override { not_in_memory(); }
};

class MemoryOrganizations final : public MemoryTable<domain::OrganizationTable, domain::Organization> {
 public:
  using MemoryTable::MemoryTable;
  std::optional<domain::Organization> find_by_name(std::string_view) override { not_in_memory(); }
  domain::Paged<domain::Organization> list(std::string_view, std::optional<std::string>, domain::Page) override {
    not_in_memory();
  }
};

class MemoryWorkspaces final : public MemoryTable<domain::WorkspaceTable, domain::Workspace> {
 public:
  using MemoryTable::MemoryTable;
  std::optional<domain::Workspace> find_by_name(std::string_view, std::string_view) override { not_in_memory(); }
  domain::Paged<domain::Workspace> list(std::string_view, const domain::WorkspaceFilter&, domain::Page) override {
    not_in_memory();
  }
  std::vector<domain::TagBinding> tags(std::string_view) override { return {}; }
  void set_tags(std::string_view, const std::vector<domain::TagBinding>&) override {}
};

class MemoryVariables final : public MemoryTable<domain::VariableTable, domain::Variable> {
 public:
  using MemoryTable::MemoryTable;
  std::vector<domain::Variable> of_workspace(std::string_view id) override {
    return of(domain::VariableScope::workspace, [&](const auto& v) { return v.workspace_id == id; });
  }
  std::vector<domain::Variable> of_organization(std::string_view id) override {
    return of(domain::VariableScope::organization, [&](const auto& v) { return v.organization_id == id; });
  }
  std::vector<domain::Variable> of_user(std::string_view, std::string_view user) override {
    return of(domain::VariableScope::personal, [&](const auto& v) { return v.user_id == user; });
  }

 private:
  template <class F>
  std::vector<domain::Variable> of(domain::VariableScope scope, F fits) {
    std::vector<domain::Variable> found;
    for (const auto& [id, variable] : rows_) {
      if (variable.scope == scope && fits(variable)) found.push_back(variable);
    }
    return found;
  }
};

class MemoryConfigurations final : public MemoryTable<domain::ConfigurationVersionTable, domain::ConfigurationVersion> {
 public:
  using MemoryTable::MemoryTable;
  domain::Paged<domain::ConfigurationVersion> list(std::string_view, domain::Page) override { not_in_memory(); }
  std::optional<domain::ConfigurationVersion> latest_uploaded(std::string_view workspace) override {
    for (const auto& [id, row] : rows_) {
      if (row.workspace_id == workspace && row.status == domain::ConfigurationStatus::uploaded) return row;
    }
    return std::nullopt;
  }
};

class MemoryRuns final : public MemoryTable<domain::RunTable, domain::Run> {
 public:
  explicit MemoryRuns(MemoryData& data) : MemoryTable(data.runs), data_(data) {}
  Result<void> insert(const domain::Run& run) override {
    domain::Run row = run;
    row.sequence = static_cast<std::int64_t>(rows_.size()) + 1;
    return MemoryTable::insert(row);
  }
  domain::Paged<domain::Run> list(const domain::RunFilter&, domain::Page) override { not_in_memory(); }
  std::vector<domain::Run> unfinished() override {
    std::vector<domain::Run> found;
    for (const auto& [id, run] : rows_) {
      if (!domain::is_final(run.status)) found.push_back(run);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
    return found;
  }
  std::vector<domain::Run> unfinished_of(std::string_view workspace) override {
    auto found = unfinished();
    std::erase_if(found, [&](const auto& run) { return run.workspace_id != workspace; });
    return found;
  }
  std::optional<domain::Run> find_by_phase(std::string_view phase) override {
    for (const auto& [id, run] : rows_) {
      if (run.plan.id == phase || run.apply.id == phase) return run;
    }
    return std::nullopt;
  }
  void set_inputs(std::string_view id, const Secret& inputs) override { data_.inputs[std::string(id)] = inputs; }
  std::optional<Secret> inputs(std::string_view id) override {
    const auto at = data_.inputs.find(id);
    return at == data_.inputs.end() ? std::nullopt : std::optional(at->second);
  }
  void add_event(const domain::RunEvent& event) override { data_.events.push_back(event); }
  std::vector<domain::RunEvent> events(std::string_view) override { return data_.events; }

 private:
  MemoryData& data_;
};

class MemoryStates final : public domain::StateVersionTable {
 public:
  explicit MemoryStates(MemoryData& data) : data_(data) {}
  Result<void> insert(const domain::StateVersion& row) override {
    data_.states.push_back(row);
    return {};
  }
  Result<void> update(const domain::StateVersion& row) override {
    for (auto& existing : data_.states) {
      if (existing.id == row.id) existing = row;
    }
    return {};
  }
  void erase(std::string_view) override { not_in_memory(); }
  std::optional<domain::StateVersion> find(std::string_view id) override {
    for (const auto& row : data_.states) {
      if (row.id == id) return row;
    }
    return std::nullopt;
  }
  domain::Paged<domain::StateVersion> list(std::string_view, std::string_view workspace, domain::Page page) override {
    domain::Paged<domain::StateVersion> found;
    std::int64_t skip = (page.number - 1) * page.size;
    for (auto at = data_.states.rbegin(); at != data_.states.rend(); ++at) {
      if (at->workspace_id != workspace) continue;
      ++found.total;
      if (skip-- <= 0 && static_cast<std::int64_t>(found.rows.size()) < page.size) found.rows.push_back(*at);
    }
    return found;
  }
  std::optional<domain::StateVersion> latest(std::string_view) override { not_in_memory(); }
  void set_outputs(std::string_view id, const std::vector<domain::StateVersionOutput>& outputs) override {
    data_.outputs[std::string(id)] = outputs;
  }
  std::vector<domain::StateVersionOutput> outputs(std::string_view id) override {
    return data_.outputs[std::string(id)];
  }
  std::optional<domain::StateVersionOutput> find_output(std::string_view) override { not_in_memory(); }

 private:
  MemoryData& data_;
};

class MemoryAudit final : public domain::AuditTable {
 public:
  MemoryAudit(MemoryData& data, bool refuse) : data_(data), refuse_(refuse) {}
  void append(const domain::AuditRecord& record) override {
    if (refuse_) throw std::runtime_error("the audit cannot be written");
    data_.audit.push_back(record);
  }
  std::optional<domain::AuditRecord> last() override {
    return data_.audit.empty() ? std::nullopt : std::optional(data_.audit.back());
  }
  std::vector<domain::AuditRecord> list(std::string_view, std::int64_t, std::int64_t) override { return data_.audit; }

 private:
  MemoryData& data_;
  bool refuse_;
};

class MemoryTokens final : public domain::TokenTable {
 public:
  Result<void> insert(const domain::Token&) override { not_in_memory(); }
  Result<void> update(const domain::Token&) override { not_in_memory(); }
  void erase(std::string_view) override { not_in_memory(); }
  std::optional<domain::Token> find(std::string_view) override { not_in_memory(); }
  std::optional<domain::Token> find_by_hash(std::string_view) override { not_in_memory(); }
  std::vector<domain::Token> of_user(std::string_view) override { not_in_memory(); }
  std::optional<domain::Token> of_organization(std::string_view) override { not_in_memory(); }
  void erase_of_run(std::string_view) override {}
};

class MemoryTables final : public domain::Tables {
 public:
  explicit MemoryTables(MemoryData& data, bool refuse_audit = false)
      : users_(data.users),
        organizations_(data.organizations),
        workspaces_(data.workspaces),
        variables_(data.variables),
        configurations_(data.configurations),
        runs_(data),
        states_(data),
        audit_(data, refuse_audit),
        aws_mfa_(data.aws_mfa) {}
  domain::UserTable& users() override { return users_; }
  domain::OrganizationTable& organizations() override { return organizations_; }
  domain::MembershipTable& memberships() override { not_in_memory(); }
  domain::TokenTable& tokens() override { return tokens_; }
  domain::WebSessionTable& web_sessions() override { not_in_memory(); }
  domain::TwoFactorTable& two_factors() override { not_in_memory(); }
  domain::OneTimeGrantTable& grants() override { not_in_memory(); }
  domain::ProjectTable& projects() override { not_in_memory(); }
  domain::WorkspaceTable& workspaces() override { return workspaces_; }
  domain::VariableTable& variables() override { return variables_; }
  domain::ConfigurationVersionTable& configuration_versions() override { return configurations_; }
  domain::RunTable& runs() override { return runs_; }
  domain::StateVersionTable& state_versions() override { return states_; }
  domain::AwsIdentityTable& aws_identities() override { return aws_mfa_.identities; }
  domain::IdentityDeviceTable& identity_devices() override { return aws_mfa_.devices; }
  domain::GateSettingsTable& gate_settings() override { return aws_mfa_.settings; }
  domain::GateTable& gates() override { return aws_mfa_.gates; }
  domain::PhaseSessionTable& phase_sessions() override { return aws_mfa_.sessions; }
  domain::NoticeTable& notices() override { not_in_memory(); }
  domain::WebhookTable& webhooks() override { not_in_memory(); }
  domain::WebhookDeliveryTable& webhook_deliveries() override { not_in_memory(); }
  domain::AuditTable& audit() override { return audit_; }
  domain::SettingTable& settings() override { not_in_memory(); }

 private:
  MemoryUsers users_;
  MemoryOrganizations organizations_;
  MemoryWorkspaces workspaces_;
  MemoryVariables variables_;
  MemoryConfigurations configurations_;
  MemoryRuns runs_;
  MemoryStates states_;
  MemoryAudit audit_;
  tollgate::test::MemoryAwsMfaTables aws_mfa_;
  MemoryTokens tokens_;
};

class MemoryStore final : public domain::Store {
 public:
  MemoryData data() {
    const std::lock_guard lock(mutex_);
    return data_;
  }
  bool refuse_audit = false;

 protected:
  void read_transaction(const std::function<void(domain::Tables&)>& body) override {
    const std::lock_guard lock(mutex_);
    MemoryTables tables(data_);
    body(tables);
  }
  void write_transaction(const std::function<bool(domain::Tables&)>& body) override {
    const std::lock_guard lock(mutex_);
    // What only grows is not copied but cut again: it soon is the most of it.
    auto audit = std::move(data_.audit);
    auto events = std::move(data_.events);
    const std::size_t audited = audit.size();
    const std::size_t told = events.size();
    MemoryData copy = data_;
    copy.audit = std::move(audit);
    copy.events = std::move(events);
    const auto take_back = [&] {
      data_.audit = std::move(copy.audit);
      data_.events = std::move(copy.events);
      data_.audit.resize(audited);
      data_.events.resize(told);
    };
    try {
      MemoryTables tables(copy, refuse_audit);
      if (body(tables)) {
        data_ = std::move(copy);
      } else {
        take_back();
      }
    } catch (...) {
      take_back();
      throw;
    }
  }

 private:
  std::mutex mutex_;
  MemoryData data_;
};

class MemoryBlobs final : public domain::BlobStore {
 public:
  void put(std::string_view key, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    blobs_[std::string(key)] = bytes;
  }
  std::optional<std::string> get(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const auto at = blobs_.find(key);
    return at == blobs_.end() ? std::nullopt : std::optional(at->second);
  }
  void erase(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    blobs_.erase(std::string(key));
  }
  std::vector<std::string> keys() override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> keys;
    for (const auto& [key, bytes] : blobs_)
      keys.push_back(key);
    return keys;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> blobs_;
};

}  // namespace tollgate::runs
