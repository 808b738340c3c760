// A whole Store in memory for tests of the API: copies of all rows as transactions, with rollback, and the uniqueness
// and orders that server/domain/store.h promises. Threads: one transaction at a time.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

#include "server/domain/store.h"

namespace tollgate::api::test {

using namespace domain;  // NOLINT: the rows are the subject of this file

inline bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

template <class Row>
using Rows = std::map<std::string, Row, std::less<>>;

template <class Row, class F>
std::vector<Row> select(const Rows<Row>& rows, F fits) {
  std::vector<Row> found;
  for (const auto& [id, row] : rows) {
    if (fits(row)) found.push_back(row);
  }
  return found;
}

template <class Row>
std::optional<Row> first(std::vector<Row> rows) {
  if (rows.empty()) return std::nullopt;
  return rows.front();
}

template <class Row>
Paged<Row> page_of(std::vector<Row> rows, Page page) {
  Paged<Row> part;
  part.total = static_cast<std::int64_t>(rows.size());
  for (std::int64_t i = (page.number - 1) * page.size; i < page.number * page.size && i < part.total; ++i) {
    part.rows.push_back(rows[static_cast<std::size_t>(i)]);
  }
  return part;
}

template <class Row, class Key>
std::vector<Row> by(std::vector<Row> rows, Key key) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return key(a) < key(b); });
  return rows;
}

struct MemoryRows {
  Rows<User> users;
  Rows<Organization> organizations;
  Rows<Membership> memberships;
  Rows<Token> tokens;
  Rows<WebSession> sessions;
  std::vector<OneTimeGrant> grants;
  Rows<Project> projects;
  Rows<Workspace> workspaces;
  Rows<std::vector<TagBinding>> tags;
  Rows<Variable> variables;
  Rows<ConfigurationVersion> configurations;
  Rows<Run> runs;
  Rows<Secret> inputs;
  std::vector<RunEvent> events;
  Rows<StateVersion> states;
  Rows<std::vector<StateVersionOutput>> outputs;
  std::vector<AuditRecord> audit;
  Rows<std::string> settings;
};

template <class Base, class Row>
class MemoryTable : public Base {
 public:
  MemoryTable(MemoryRows& all, Rows<Row>& rows) : all_(all), rows_(rows) {}
  Result<void> insert(const Row& row) override {
    if (rows_.count(row.id) != 0 || taken(row)) return fail(Error(Code::conflict, "exists").because("exists"));
    rows_[row.id] = row;
    return {};
  }
  Result<void> update(const Row& row) override {
    if (rows_.count(row.id) == 0) throw std::logic_error("no such row");
    if (taken(row)) return fail(Error(Code::conflict, "exists").because("exists"));
    rows_[row.id] = row;
    return {};
  }
  void erase(std::string_view id) override { rows_.erase(std::string(id)); }
  std::optional<Row> find(std::string_view id) override {
    const auto at = rows_.find(id);
    return at == rows_.end() ? std::nullopt : std::optional(at->second);
  }

 protected:
  virtual bool taken(const Row&) { return false; }
  MemoryRows& all_;
  Rows<Row>& rows_;
};

class Users final : public MemoryTable<UserTable, User> {
 public:
  explicit Users(MemoryRows& all) : MemoryTable(all, all.users) {}
  std::optional<User> find_by_name(std::string_view name) override {
    return first(select(rows_, [&](const User& user) { return user.username == name; }));
  }
  std::optional<User> find_by_email(std::string_view email) override {
    return first(select(rows_, [&](const User& user) { return same_text(user.email, email); }));
  }
  Paged<User> list(Page page) override {
    return page_of(by(select(rows_, [](const User&) { return true; }), [](const User& u) { return u.username; }), page);
  }
};

class Organizations final : public MemoryTable<OrganizationTable, Organization> {
 public:
  explicit Organizations(MemoryRows& all) : MemoryTable(all, all.organizations) {}
  std::optional<Organization> find_by_name(std::string_view name) override {
    return first(select(rows_, [&](const Organization& row) { return same_text(row.name, name); }));
  }
  Paged<Organization> list(std::string_view search, std::optional<std::string> member, Page page) override {
    const auto belongs = [&](const Organization& row) {
      return !member || !select(all_.memberships, [&](const Membership& one) {
                           return one.organization_id == row.id && one.user_id == *member;
                         }).empty();
    };
    return page_of(
        by(select(rows_,
                  [&](const Organization& row) { return row.name.find(search) != std::string::npos && belongs(row); }),
           [](const Organization& row) { return row.name; }),
        page);
  }

 protected:
  bool taken(const Organization& row) override {
    const auto other = find_by_name(row.name);
    return other && other->id != row.id;
  }
};

class Memberships final : public MemoryTable<MembershipTable, Membership> {
 public:
  explicit Memberships(MemoryRows& all) : MemoryTable(all, all.memberships) {}
  std::optional<Membership> find_by_user(std::string_view organization, std::string_view user) override {
    return first(
        select(rows_, [&](const auto& row) { return row.organization_id == organization && row.user_id == user; }));
  }
  Paged<Membership> list(std::string_view organization, Page page) override {
    return page_of(select(rows_, [&](const auto& row) { return row.organization_id == organization; }), page);
  }
  std::int64_t count_owners(std::string_view organization) override {
    return static_cast<std::int64_t>(select(rows_, [&](const auto& row) {
                                       return row.organization_id == organization && row.role == MembershipRole::owner;
                                     }).size());
  }

 protected:
  bool taken(const Membership& row) override {
    const auto other = find_by_user(row.organization_id, row.user_id);
    return other && other->id != row.id;
  }
};

class Tokens final : public MemoryTable<TokenTable, Token> {
 public:
  explicit Tokens(MemoryRows& all) : MemoryTable(all, all.tokens) {}
  std::optional<Token> find_by_hash(std::string_view hash) override {
    return first(select(rows_, [&](const Token& row) { return row.hash == hash; }));
  }
  std::vector<Token> of_user(std::string_view user) override {
    return select(rows_, [&](const Token& row) { return row.kind == TokenKind::user && row.user_id == user; });
  }
  std::optional<Token> of_organization(std::string_view organization) override {
    return first(select(rows_, [&](const Token& row) {
      return row.kind == TokenKind::organization && row.organization_id == organization;
    }));
  }
  void erase_of_run(std::string_view run) override {
    std::erase_if(rows_, [&](const auto& entry) { return entry.second.run_id == run; });
  }
};

class Sessions final : public MemoryTable<WebSessionTable, WebSession> {
 public:
  explicit Sessions(MemoryRows& all) : MemoryTable(all, all.sessions) {}
  std::optional<WebSession> find_by_hash(std::string_view hash) override {
    return first(select(rows_, [&](const WebSession& row) { return row.hash == hash; }));
  }
  std::vector<WebSession> of_user(std::string_view user) override {
    return select(rows_, [&](const WebSession& row) { return row.user_id == user; });
  }
  void erase_before(TimePoint last_seen) override {
    std::erase_if(rows_, [&](const auto& entry) { return entry.second.last_seen_at < last_seen; });
  }
};

class Grants final : public OneTimeGrantTable {
 public:
  explicit Grants(MemoryRows& all) : rows_(all.grants) {}
  void insert(const OneTimeGrant& grant) override { rows_.push_back(grant); }
  std::optional<OneTimeGrant> take(std::string_view purpose, std::string_view hash, TimePoint now) override {
    auto found = find(purpose, hash, now);
    std::erase_if(rows_, [&](const OneTimeGrant& row) { return row.hash == hash || row.expires_at <= now; });
    return found;
  }
  std::optional<OneTimeGrant> find(std::string_view purpose, std::string_view hash, TimePoint now) override {
    for (const auto& row : rows_) {
      if (row.purpose == purpose && row.hash == hash && row.expires_at > now) return row;
    }
    return std::nullopt;
  }

 private:
  std::vector<OneTimeGrant>& rows_;
};

class Projects final : public MemoryTable<ProjectTable, Project> {
 public:
  explicit Projects(MemoryRows& all) : MemoryTable(all, all.projects) {}
  std::optional<Project> find_by_name(std::string_view organization, std::string_view name) override {
    return first(
        select(rows_, [&](const auto& row) { return row.organization_id == organization && row.name == name; }));
  }
  Paged<Project> list(std::string_view organization, std::string_view name, std::string_view search,
                      Page page) override {
    return page_of(select(rows_,
                          [&](const Project& row) {
                            return row.organization_id == organization && (name.empty() || row.name == name) &&
                                   row.name.find(search) != std::string::npos;
                          }),
                   page);
  }

 protected:
  bool taken(const Project& row) override {
    const auto other = find_by_name(row.organization_id, row.name);
    return other && other->id != row.id;
  }
};

class Workspaces final : public MemoryTable<WorkspaceTable, Workspace> {
 public:
  explicit Workspaces(MemoryRows& all) : MemoryTable(all, all.workspaces) {}
  std::optional<Workspace> find_by_name(std::string_view organization, std::string_view name) override {
    return first(
        select(rows_, [&](const auto& row) { return row.organization_id == organization && row.name == name; }));
  }
  Paged<Workspace> list(std::string_view organization, const WorkspaceFilter& filter, Page page) override {
    const auto tagged = [&](const Workspace& row, const TagBinding& wanted) {
      for (const TagBinding& tag : tags(row.id)) {
        if (tag.key == wanted.key && (wanted.value.empty() || tag.value == wanted.value)) return true;
      }
      return false;
    };
    return page_of(select(rows_,
                          [&](const Workspace& row) {
                            bool fits = row.organization_id == organization &&
                                        row.name.find(filter.search_name) != std::string::npos &&
                                        (filter.project_id.empty() || row.project_id == filter.project_id);
                            for (const auto& key : filter.tags)
                              fits = fits && tagged(row, {"", key, ""});
                            for (const auto& tag : filter.tag_bindings)
                              fits = fits && tagged(row, tag);
                            return fits;
                          }),
                   page);
  }
  std::vector<TagBinding> tags(std::string_view id) override {
    const auto at = all_.tags.find(id);
    return at == all_.tags.end() ? std::vector<TagBinding>() : at->second;
  }
  void set_tags(std::string_view id, const std::vector<TagBinding>& tags) override {
    all_.tags[std::string(id)] = by(tags, [](const TagBinding& tag) { return tag.key; });
  }

 protected:
  bool taken(const Workspace& row) override {
    const auto other = find_by_name(row.organization_id, row.name);
    return other && other->id != row.id;
  }
};

class Variables final : public MemoryTable<VariableTable, Variable> {
 public:
  explicit Variables(MemoryRows& all) : MemoryTable(all, all.variables) {}
  std::vector<Variable> of_workspace(std::string_view id) override {
    return of(VariableScope::workspace, [&](const auto& row) { return row.workspace_id == id; });
  }
  std::vector<Variable> of_organization(std::string_view id) override {
    return of(VariableScope::organization, [&](const auto& row) { return row.organization_id == id; });
  }
  std::vector<Variable> of_user(std::string_view organization, std::string_view user) override {
    return of(VariableScope::personal,
              [&](const auto& row) { return row.organization_id == organization && row.user_id == user; });
  }

 private:
  template <class F>
  std::vector<Variable> of(VariableScope scope, F fits) {
    return by(select(rows_, [&](const Variable& row) { return row.scope == scope && fits(row); }),
              [](const Variable& row) { return row.key; });
  }
};

class Configurations final : public MemoryTable<ConfigurationVersionTable, ConfigurationVersion> {
 public:
  explicit Configurations(MemoryRows& all) : MemoryTable(all, all.configurations) {}
  Paged<ConfigurationVersion> list(std::string_view workspace, Page page) override {
    return page_of(select(rows_, [&](const auto& row) { return row.workspace_id == workspace; }), page);
  }
  std::optional<ConfigurationVersion> latest_uploaded(std::string_view workspace) override {
    return first(select(rows_, [&](const auto& row) {
      return row.workspace_id == workspace && row.status == ConfigurationStatus::uploaded;
    }));
  }
};

class Runs final : public MemoryTable<RunTable, Run> {
 public:
  explicit Runs(MemoryRows& all) : MemoryTable(all, all.runs) {}
  Result<void> insert(const Run& run) override {
    Run row = run;
    row.sequence = static_cast<std::int64_t>(rows_.size()) + 1;
    return MemoryTable::insert(row);
  }
  Paged<Run> list(const RunFilter& filter, Page page) override {
    return page_of(
        by(select(rows_,
                  [&](const Run& run) {
                    const auto& wanted = filter.status;
                    return (filter.workspace_id.empty() || run.workspace_id == filter.workspace_id) &&
                           (filter.organization_id.empty() || run.organization_id == filter.organization_id) &&
                           (wanted.empty() || std::find(wanted.begin(), wanted.end(), run.status) != wanted.end());
                  }),
           [](const Run& run) { return -run.sequence; }),
        page);
  }
  std::vector<Run> unfinished() override {
    return by(select(rows_, [](const Run& run) { return !is_final(run.status); }),
              [](const Run& run) { return run.sequence; });
  }
  std::vector<Run> unfinished_of(std::string_view workspace) override {
    auto found = unfinished();
    std::erase_if(found, [&](const Run& run) { return run.workspace_id != workspace; });
    return found;
  }
  std::optional<Run> find_by_phase(std::string_view phase) override {
    return first(select(rows_, [&](const Run& run) { return run.plan.id == phase || run.apply.id == phase; }));
  }
  void set_inputs(std::string_view id, const Secret& inputs) override { all_.inputs[std::string(id)] = inputs; }
  std::optional<Secret> inputs(std::string_view id) override {
    const auto at = all_.inputs.find(id);
    return at == all_.inputs.end() ? std::nullopt : std::optional(at->second);
  }
  void add_event(const RunEvent& event) override { all_.events.push_back(event); }
  std::vector<RunEvent> events(std::string_view run) override {
    auto found = all_.events;
    std::erase_if(found, [&](const RunEvent& event) { return event.run_id != run; });
    return found;
  }
};

class States final : public MemoryTable<StateVersionTable, StateVersion> {
 public:
  explicit States(MemoryRows& all) : MemoryTable(all, all.states) {}
  Paged<StateVersion> list(std::string_view, std::string_view workspace, Page page) override {
    return page_of(by(select(rows_, [&](const auto& row) { return row.workspace_id == workspace; }),
                      [](const StateVersion& row) { return -row.serial; }),
                   page);
  }
  std::optional<StateVersion> latest(std::string_view workspace) override {
    return first(by(select(rows_,
                           [&](const StateVersion& row) {
                             return row.workspace_id == workspace && row.status == StateVersionStatus::finalized;
                           }),
                    [](const StateVersion& row) { return -row.serial; }));
  }
  void set_outputs(std::string_view id, const std::vector<StateVersionOutput>& outputs) override {
    all_.outputs[std::string(id)] = outputs;
  }
  std::vector<StateVersionOutput> outputs(std::string_view id) override { return all_.outputs[std::string(id)]; }
  std::optional<StateVersionOutput> find_output(std::string_view id) override {
    for (const auto& [state, outputs] : all_.outputs) {
      for (const auto& output : outputs) {
        if (output.id == id) return output;
      }
    }
    return std::nullopt;
  }
};

class Audit final : public AuditTable {
 public:
  explicit Audit(MemoryRows& all) : rows_(all.audit) {}
  void append(const AuditRecord& record) override { rows_.push_back(record); }
  std::optional<AuditRecord> last() override { return rows_.empty() ? std::nullopt : std::optional(rows_.back()); }
  std::vector<AuditRecord> list(std::string_view, std::int64_t, std::int64_t) override { return rows_; }

 private:
  std::vector<AuditRecord>& rows_;
};

class Settings final : public SettingTable {
 public:
  explicit Settings(MemoryRows& all) : rows_(all.settings) {}
  std::optional<std::string> get(std::string_view key) override {
    const auto at = rows_.find(key);
    return at == rows_.end() ? std::nullopt : std::optional(at->second);
  }
  void set(std::string_view key, std::string_view value) override { rows_[std::string(key)] = value; }

 private:
  Rows<std::string>& rows_;
};

class MemoryTables final : public Tables {
 public:
  explicit MemoryTables(MemoryRows& all)
      : users_(all),
        organizations_(all),
        memberships_(all),
        tokens_(all),
        sessions_(all),
        grants_(all),
        projects_(all),
        workspaces_(all),
        variables_(all),
        configurations_(all),
        runs_(all),
        states_(all),
        audit_(all),
        settings_(all) {}
  UserTable& users() override { return users_; }
  OrganizationTable& organizations() override { return organizations_; }
  MembershipTable& memberships() override { return memberships_; }
  TokenTable& tokens() override { return tokens_; }
  WebSessionTable& web_sessions() override { return sessions_; }
  OneTimeGrantTable& grants() override { return grants_; }
  ProjectTable& projects() override { return projects_; }
  WorkspaceTable& workspaces() override { return workspaces_; }
  VariableTable& variables() override { return variables_; }
  ConfigurationVersionTable& configuration_versions() override { return configurations_; }
  RunTable& runs() override { return runs_; }
  StateVersionTable& state_versions() override { return states_; }
  AuditTable& audit() override { return audit_; }
  SettingTable& settings() override { return settings_; }

 private:
  Users users_;
  Organizations organizations_;
  Memberships memberships_;
  Tokens tokens_;
  Sessions sessions_;
  Grants grants_;
  Projects projects_;
  Workspaces workspaces_;
  Variables variables_;
  Configurations configurations_;
  Runs runs_;
  States states_;
  Audit audit_;
  Settings settings_;
};

class MemoryStore final : public Store {
 protected:
  void read_transaction(const std::function<void(Tables&)>& body) override {
    const std::lock_guard lock(mutex_);
    MemoryTables tables(rows_);
    body(tables);
  }
  void write_transaction(const std::function<bool(Tables&)>& body) override {
    const std::lock_guard lock(mutex_);
    MemoryRows copy = rows_;
    MemoryTables tables(copy);
    if (body(tables)) rows_ = std::move(copy);
  }

 private:
  std::mutex mutex_;
  MemoryRows rows_;
};

class MemoryBlobs final : public BlobStore {
 public:
  void put(std::string_view key, std::string_view bytes) override { blobs_[std::string(key)] = bytes; }
  std::optional<std::string> get(std::string_view key) override {
    const auto at = blobs_.find(key);
    return at == blobs_.end() ? std::nullopt : std::optional(at->second);
  }
  void erase(std::string_view key) override { blobs_.erase(std::string(key)); }

 private:
  Rows<std::string> blobs_;
};

}  // namespace tollgate::api::test
