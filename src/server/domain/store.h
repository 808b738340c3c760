// Where the server keeps its rows: interfaces only. All reading and writing happens in a transaction that store->read
// or store->write runs; the tables are valid inside it. Implementations: server/store (SQLite, PostgreSQL).
//
// Threads: a Store may be used by several threads at once; each transaction belongs to its thread. Write transactions
// are serialised. A broken database is an exception; what depends on input is a Result.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "server/domain/audit_record.h"
#include "server/domain/aws_mfa.h"
#include "server/domain/organization.h"
#include "server/domain/run.h"
#include "server/domain/state_version.h"
#include "server/domain/webhook.h"
#include "server/domain/workspace.h"

namespace tollgate::domain {

// page[number] from 1, page[size]. A page beyond the end is empty and has the same total.
struct Page {
  std::int64_t number = 1;
  std::int64_t size = 20;
};
template <class Row>
struct Paged {
  std::vector<Row> rows;
  std::int64_t total = 0;
};

// What all tables with an id can do.
template <class Row>
class Table {
 public:
  virtual ~Table() = default;
  // Code::conflict (reason "exists") where a name that must be unique is taken.
  virtual Result<void> insert(const Row& row) = 0;
  // The same; throws std::logic_error where there is no such row.
  virtual Result<void> update(const Row& row) = 0;
  // With everything that belongs to it alone. Nothing happens where there is no such row.
  virtual void erase(std::string_view id) = 0;
  virtual std::optional<Row> find(std::string_view id) = 0;
};

class UserTable : public Table<User> {
 public:
  virtual std::optional<User> find_by_name(std::string_view username) = 0;
  virtual std::optional<User> find_by_email(std::string_view email) = 0;  // case-insensitive
  virtual Paged<User> list(Page page) = 0;                                // by name
};

class OrganizationTable : public Table<Organization> {
 public:
  virtual std::optional<Organization> find_by_name(std::string_view name) = 0;  // case-insensitive
  // By name. `search` is a part of the name. With `member`, only those that this user belongs to.
  virtual Paged<Organization> list(std::string_view search, std::optional<std::string> member, Page page) = 0;
};

class MembershipTable : public Table<Membership> {
 public:
  virtual std::optional<Membership> find_by_user(std::string_view organization_id, std::string_view user_id) = 0;
  virtual Paged<Membership> list(std::string_view organization_id, Page page) = 0;
  virtual std::int64_t count_owners(std::string_view organization_id) = 0;
};

class TokenTable : public Table<Token> {
 public:
  virtual std::optional<Token> find_by_hash(std::string_view hash) = 0;
  virtual std::vector<Token> of_user(std::string_view user_id) = 0;
  virtual std::optional<Token> of_organization(std::string_view organization_id) = 0;
  virtual void erase_of_run(std::string_view run_id) = 0;
};

class WebSessionTable : public Table<WebSession> {
 public:
  virtual std::optional<WebSession> find_by_hash(std::string_view hash) = 0;
  virtual std::vector<WebSession> of_user(std::string_view user_id) = 0;
  virtual void erase_before(TimePoint last_seen) = 0;
};

// Its rows have their users' ids. With a row go its recovery codes, of which only keyed hashes are known.
class TwoFactorTable : public Table<TwoFactor> {
 public:
  virtual void set_recovery_codes(std::string_view user_id, const std::vector<std::string>& hashes) = 0;  // replaces
  // Whether there was such a one; it is gone then.
  virtual bool take_recovery_code(std::string_view user_id, std::string_view hash) = 0;
  virtual std::int64_t recovery_codes_left(std::string_view user_id) = 0;
};

class OneTimeGrantTable {
 public:
  virtual ~OneTimeGrantTable() = default;
  virtual void insert(const OneTimeGrant& grant) = 0;
  // Returns it and removes it: the second caller gets nothing. Also removes what has expired.
  virtual std::optional<OneTimeGrant> take(std::string_view purpose, std::string_view hash, TimePoint now) = 0;
  virtual std::optional<OneTimeGrant> find(std::string_view purpose, std::string_view hash, TimePoint now) = 0;
};

class ProjectTable : public Table<Project> {
 public:
  virtual std::optional<Project> find_by_name(std::string_view organization_id, std::string_view name) = 0;
  virtual Paged<Project> list(std::string_view organization_id, std::string_view exact_name, std::string_view search,
                              Page page) = 0;
};

struct WorkspaceFilter {
  std::string search_name;    // part of the name
  std::string wildcard_name;  // with '*' at either end
  std::string project_id;
  std::vector<std::string> tags;          // keys that must all be there
  std::vector<std::string> exclude_tags;  // keys that must all be absent
  std::vector<TagBinding> tag_bindings;   // key, and value unless empty
  std::vector<RunStatus> current_run_status;
};

class WorkspaceTable : public Table<Workspace> {
 public:
  virtual std::optional<Workspace> find_by_name(std::string_view organization_id, std::string_view name) = 0;
  virtual Paged<Workspace> list(std::string_view organization_id, const WorkspaceFilter& filter, Page page) = 0;
  virtual std::vector<TagBinding> tags(std::string_view workspace_id) = 0;  // by key
  virtual void set_tags(std::string_view workspace_id, const std::vector<TagBinding>& tags) = 0;
};

class VariableTable : public Table<Variable> {
 public:
  virtual std::vector<Variable> of_workspace(std::string_view workspace_id) = 0;  // by key
  virtual std::vector<Variable> of_organization(std::string_view organization_id) = 0;
  virtual std::vector<Variable> of_user(std::string_view organization_id, std::string_view user_id) = 0;
};

class ConfigurationVersionTable : public Table<ConfigurationVersion> {
 public:
  virtual Paged<ConfigurationVersion> list(std::string_view workspace_id, Page page) = 0;  // newest first
  virtual std::optional<ConfigurationVersion> latest_uploaded(std::string_view workspace_id) = 0;
};

struct RunFilter {
  std::string workspace_id;  // one of these two
  std::string organization_id;
  std::vector<RunStatus> status;
  std::vector<std::string> source;
  std::optional<bool> plan_only;
  std::string search_user;     // exact user name
  std::string search_message;  // part of it
};

class RunTable : public Table<Run> {
 public:
  // insert() gives `sequence`; read it back by find().
  virtual Paged<Run> list(const RunFilter& filter, Page page) = 0;  // newest first
  virtual std::vector<Run> unfinished() = 0;                        // of all organizations, oldest first
  virtual std::vector<Run> unfinished_of(std::string_view workspace_id) = 0;
  virtual std::optional<Run> find_by_phase(std::string_view phase_id) = 0;  // a plan's or an apply's id
  // Everything a run froze when it was created (variables with their values), as one sealed text. Erased at its end.
  virtual void set_inputs(std::string_view run_id, const Secret& inputs) = 0;
  virtual std::optional<Secret> inputs(std::string_view run_id) = 0;
  virtual void add_event(const RunEvent& event) = 0;
  virtual std::vector<RunEvent> events(std::string_view run_id) = 0;  // oldest first
};

class StateVersionTable : public Table<StateVersion> {
 public:
  virtual Paged<StateVersion> list(std::string_view organization_id, std::string_view workspace_id, Page page) = 0;
  virtual std::optional<StateVersion> latest(std::string_view workspace_id) = 0;  // finalized, highest serial
  virtual void set_outputs(std::string_view state_version_id, const std::vector<StateVersionOutput>& outputs) = 0;
  virtual std::vector<StateVersionOutput> outputs(std::string_view state_version_id) = 0;  // by name
  virtual std::optional<StateVersionOutput> find_output(std::string_view id) = 0;
};

class AwsIdentityTable : public Table<AwsIdentity> {
 public:
  // insert() and update(): Code::conflict (reason "exists") where that person, or the organization itself, has one.
  virtual std::vector<AwsIdentity> of_organization(std::string_view organization_id) = 0;  // oldest first
  virtual std::optional<AwsIdentity> of_user(std::string_view organization_id, std::string_view user_id) = 0;
  virtual std::optional<AwsIdentity> of_organization_itself(std::string_view organization_id) = 0;
  // Of all organizations: one serial belongs to one person, unless it is shared.
  virtual std::vector<AwsIdentity> with_serial(std::string_view serial) = 0;
};

class IdentityDeviceTable : public Table<IdentityDevice> {
 public:
  // insert() and update(): Code::conflict (reason "exists") where that person has one for this identity.
  virtual std::vector<IdentityDevice> of_identity(std::string_view identity_id) = 0;  // oldest first
  virtual std::optional<IdentityDevice> of_user(std::string_view identity_id, std::string_view user_id) = 0;
  virtual std::vector<IdentityDevice> with_serial(std::string_view serial) = 0;
};

class GateSettingsTable {
 public:
  virtual ~GateSettingsTable() = default;
  virtual GateSettings of(std::string_view organization_id) = 0;  // the defaults where nothing was set
  virtual void set(const GateSettings& settings) = 0;
};

class GateTable : public Table<GateRecord> {
 public:
  // The only one of that phase; insert() is Code::conflict (reason "exists") where there is one.
  virtual std::optional<GateRecord> of_phase(std::string_view run_id, PhaseKind phase) = 0;
  virtual std::vector<GateRecord> of_run(std::string_view run_id) = 0;  // the plan's first

  // A code of a device is taken once: false where that hash was taken before and has not expired. Also removes what has
  // expired.
  virtual bool take_code(std::string_view hash, TimePoint expires_at, TimePoint now) = 0;
  // Of a code that provably never left.
  virtual void give_code_back(std::string_view hash) = 0;
  virtual void add_attempt(const MfaAttempt& attempt) = 0;
  virtual void set_outcome(std::string_view attempt_id, AttemptOutcome outcome) = 0;
  virtual std::vector<MfaAttempt> attempts(std::string_view serial, TimePoint from) = 0;  // oldest first
  virtual void forget_attempts(std::string_view serial) = 0;                              // an owner lifts the limits
  virtual void forget_attempts_before(TimePoint at) = 0;
};

class PhaseSessionTable {
 public:
  virtual ~PhaseSessionTable() = default;
  virtual void set(const PhaseSession& session) = 0;  // replaces
  virtual void set_renewal(const RoleRenewal& renewal) = 0;
  virtual std::optional<PhaseSession> find(std::string_view phase_id) = 0;
  virtual std::optional<RoleRenewal> renewal(std::string_view phase_id) = 0;
  // Both kinds.
  virtual void erase(std::string_view phase_id) = 0;
  virtual void erase_of_run(std::string_view run_id) = 0;
};

class NoticeTable : public Table<Notice> {
 public:
  virtual Paged<Notice> list(std::string_view organization_id, Page page) = 0;  // newest first
};

class WebhookTable : public Table<Webhook> {
 public:
  // insert(): Code::conflict (reason "exists") where that organization has one.
  virtual std::optional<Webhook> of_organization(std::string_view organization_id) = 0;
  virtual std::vector<Webhook> enabled() = 0;  // of all organizations
};

class WebhookDeliveryTable : public Table<WebhookDelivery> {
 public:
  virtual Paged<WebhookDelivery> list(std::string_view webhook_id, Page page) = 0;  // newest first
  // What is to be sent next: the oldest that is due, none of whose run's earlier ones still waits.
  virtual std::optional<WebhookDelivery> next_due(std::string_view webhook_id, TimePoint now) = 0;
  virtual std::optional<TimePoint> next_attempt() = 0;  // the earliest of all that can be sent
  virtual void give_up_waiting(std::string_view webhook_id, std::string_view why) = 0;
  virtual void keep_newest(std::string_view webhook_id, std::int64_t count) = 0;  // and all that wait
};

class AuditTable {
 public:
  virtual ~AuditTable() = default;
  virtual void append(const AuditRecord& record) = 0;
  virtual std::optional<AuditRecord> last() = 0;
  // Oldest first, from a sequence number on; all organizations where `organization_id` is empty.
  virtual std::vector<AuditRecord> list(std::string_view organization_id, std::int64_t from, std::int64_t limit) = 0;
};

// Small values of the server itself: schema of the master key's check value, instance id, ...
class SettingTable {
 public:
  virtual ~SettingTable() = default;
  virtual std::optional<std::string> get(std::string_view key) = 0;
  virtual void set(std::string_view key, std::string_view value) = 0;
};

class Tables {
 public:
  virtual ~Tables() = default;
  virtual UserTable& users() = 0;
  virtual OrganizationTable& organizations() = 0;
  virtual MembershipTable& memberships() = 0;
  virtual TokenTable& tokens() = 0;
  virtual WebSessionTable& web_sessions() = 0;
  virtual TwoFactorTable& two_factors() = 0;
  virtual OneTimeGrantTable& grants() = 0;
  virtual ProjectTable& projects() = 0;
  virtual WorkspaceTable& workspaces() = 0;
  virtual VariableTable& variables() = 0;
  virtual ConfigurationVersionTable& configuration_versions() = 0;
  virtual RunTable& runs() = 0;
  virtual StateVersionTable& state_versions() = 0;
  virtual AwsIdentityTable& aws_identities() = 0;
  virtual IdentityDeviceTable& identity_devices() = 0;
  virtual GateSettingsTable& gate_settings() = 0;
  virtual GateTable& gates() = 0;
  virtual PhaseSessionTable& phase_sessions() = 0;
  virtual NoticeTable& notices() = 0;
  virtual WebhookTable& webhooks() = 0;
  virtual WebhookDeliveryTable& webhook_deliveries() = 0;
  virtual AuditTable& audit() = 0;
  virtual SettingTable& settings() = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Runs `f(tables)` in one consistent read transaction and returns what it returns.
  template <class F>
  auto read(F f) {
    using R = std::invoke_result_t<F, Tables&>;
    std::optional<R> result;
    read_transaction([&](Tables& tables) { result.emplace(f(tables)); });
    return std::move(*result);
  }

  // Runs `f(tables)`, which returns a Result, in one write transaction: committed if there is a value, rolled back if
  // there is an error or an exception. It may run again where the engine asks for that, so it has no other effects.
  template <class F>
  auto write(F f) {
    using R = std::invoke_result_t<F, Tables&>;
    std::optional<R> result;
    write_transaction([&](Tables& tables) {
      result.emplace(f(tables));
      return result->has_value();
    });
    return std::move(*result);
  }

 protected:
  virtual void read_transaction(const std::function<void(Tables&)>& body) = 0;
  // Commits where the body returns true.
  virtual void write_transaction(const std::function<bool(Tables&)>& body) = 0;
};

// Larger things, sealed at rest: archives of configurations, states, plans. Keys are paths of letters, digits, '-', '_'
// and '/', such as "state/sv-x". Threads: all at once, different keys.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // Replaces; durable when it returns. Throws where the disk refuses.
  virtual void put(std::string_view key, std::string_view bytes) = 0;
  virtual std::optional<std::string> get(std::string_view key) = 0;  // throws where it was tampered with
  virtual void erase(std::string_view key) = 0;
  // Of all blobs that are there, in no order. Files that no blob store wrote have none.
  virtual std::vector<std::string> keys() = 0;
};

}  // namespace tollgate::domain
