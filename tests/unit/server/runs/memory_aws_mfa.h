// The tables of the AWS MFA gate in memory, for the store in memory. Copied as a whole by its
// transactions. Threads: one transaction at a time.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>

#include "server/domain/store.h"

namespace tollgate::test {

struct MemoryAwsMfa {
  std::map<std::string, domain::AwsIdentity, std::less<>> identities;
  std::map<std::string, domain::IdentityDevice, std::less<>> devices;
  std::map<std::string, domain::GateSettings, std::less<>> settings;
  std::map<std::string, domain::GateRecord, std::less<>> gates;
  std::map<std::string, TimePoint, std::less<>> codes;
  std::vector<domain::MfaAttempt> attempts;
  std::map<std::string, domain::PhaseSession, std::less<>> sessions;
  std::map<std::string, domain::RoleRenewal, std::less<>> renewals;
};

template <class Base, class Row>
class MemoryAwsMfaTable : public Base {
 public:
  explicit MemoryAwsMfaTable(std::map<std::string, Row, std::less<>>& rows) : rows_(rows) {}
  Result<void> insert(const Row& row) override {
    if (rows_.contains(row.id) || taken(row)) return fail(Error(Code::conflict, "exists").because("exists"));
    rows_[row.id] = row;
    return {};
  }
  Result<void> update(const Row& row) override {
    if (!rows_.contains(row.id)) throw std::logic_error("no such row");
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
  virtual bool same_place(const Row& a, const Row& b) const = 0;
  bool taken(const Row& row) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const auto& entry) { return entry.first != row.id && same_place(entry.second, row); });
  }
  template <class F>
  std::vector<Row> select(F fits) const {
    std::vector<Row> found;
    for (const auto& [id, row] : rows_) {
      if (fits(row)) found.push_back(row);
    }
    return found;
  }
  template <class F>
  std::optional<Row> first(F fits) const {
    const auto found = select(fits);
    return found.empty() ? std::nullopt : std::optional(found.front());
  }
  std::map<std::string, Row, std::less<>>& rows_;
};

class MemoryAwsIdentities final : public MemoryAwsMfaTable<domain::AwsIdentityTable, domain::AwsIdentity> {
 public:
  using MemoryAwsMfaTable::MemoryAwsMfaTable;
  std::vector<domain::AwsIdentity> of_organization(std::string_view organization) override {
    return select([&](const auto& row) { return row.organization_id == organization; });
  }
  std::optional<domain::AwsIdentity> of_user(std::string_view organization, std::string_view user) override {
    return first([&](const auto& row) {
      return row.kind == domain::IdentityKind::personal && row.organization_id == organization && row.user_id == user;
    });
  }
  std::optional<domain::AwsIdentity> of_organization_itself(std::string_view organization) override {
    return first([&](const auto& row) {
      return row.kind == domain::IdentityKind::organization && row.organization_id == organization;
    });
  }
  std::vector<domain::AwsIdentity> with_serial(std::string_view serial) override {
    return select([&](const auto& row) { return row.mfa_serial == serial; });
  }

 protected:
  bool same_place(const domain::AwsIdentity& a, const domain::AwsIdentity& b) const override {
    return a.organization_id == b.organization_id && a.kind == b.kind &&
           (a.kind == domain::IdentityKind::organization || a.user_id == b.user_id);
  }
};

class MemoryIdentityDevices final : public MemoryAwsMfaTable<domain::IdentityDeviceTable, domain::IdentityDevice> {
 public:
  using MemoryAwsMfaTable::MemoryAwsMfaTable;
  std::vector<domain::IdentityDevice> of_identity(std::string_view identity) override {
    return select([&](const auto& row) { return row.identity_id == identity; });
  }
  std::optional<domain::IdentityDevice> of_user(std::string_view identity, std::string_view user) override {
    return first([&](const auto& row) { return row.identity_id == identity && row.user_id == user; });
  }
  std::vector<domain::IdentityDevice> with_serial(std::string_view serial) override {
    return select([&](const auto& row) { return row.serial == serial; });
  }

 protected:
  bool same_place(const domain::IdentityDevice& a, const domain::IdentityDevice& b) const override {
    return a.identity_id == b.identity_id && a.user_id == b.user_id;
  }
};

class MemoryGateSettings final : public domain::GateSettingsTable {
 public:
  explicit MemoryGateSettings(MemoryAwsMfa& all) : rows_(all.settings) {}
  domain::GateSettings of(std::string_view organization) override {
    const auto at = rows_.find(organization);
    if (at != rows_.end()) return at->second;
    domain::GateSettings settings;
    settings.id = organization;
    return settings;
  }
  void set(const domain::GateSettings& settings) override { rows_[settings.id] = settings; }

 private:
  std::map<std::string, domain::GateSettings, std::less<>>& rows_;
};

class MemoryGates final : public MemoryAwsMfaTable<domain::GateTable, domain::GateRecord> {
 public:
  explicit MemoryGates(MemoryAwsMfa& all) : MemoryAwsMfaTable(all.gates), all_(all) {}
  std::optional<domain::GateRecord> of_phase(std::string_view run, domain::PhaseKind phase) override {
    return first([&](const auto& row) { return row.binding.run_id == run && row.binding.phase == phase; });
  }
  std::vector<domain::GateRecord> of_run(std::string_view run) override {
    auto found = select([&](const auto& row) { return row.binding.run_id == run; });
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.binding.phase < b.binding.phase; });
    return found;
  }
  bool take_code(std::string_view hash, TimePoint expires_at, TimePoint now) override {
    std::erase_if(all_.codes, [&](const auto& entry) { return entry.second <= now; });
    return all_.codes.emplace(hash, expires_at).second;
  }
  void give_code_back(std::string_view hash) override { all_.codes.erase(std::string(hash)); }
  void add_attempt(const domain::MfaAttempt& attempt) override { all_.attempts.push_back(attempt); }
  void set_outcome(std::string_view id, domain::AttemptOutcome outcome) override {
    for (auto& attempt : all_.attempts) {
      if (attempt.id == id) attempt.outcome = outcome;
    }
  }
  std::vector<domain::MfaAttempt> attempts(std::string_view serial, TimePoint from) override {
    std::vector<domain::MfaAttempt> found;
    for (const auto& attempt : all_.attempts) {
      if (attempt.serial == serial && attempt.at >= from) found.push_back(attempt);
    }
    return found;
  }
  void forget_attempts(std::string_view serial) override {
    std::erase_if(all_.attempts, [&](const auto& attempt) { return attempt.serial == serial; });
  }
  void forget_attempts_before(TimePoint at) override {
    std::erase_if(all_.attempts, [&](const auto& attempt) { return attempt.at < at; });
  }

 protected:
  bool same_place(const domain::GateRecord& a, const domain::GateRecord& b) const override {
    return a.binding.run_id == b.binding.run_id && a.binding.phase == b.binding.phase;
  }

 private:
  MemoryAwsMfa& all_;
};

class MemoryPhaseSessions final : public domain::PhaseSessionTable {
 public:
  explicit MemoryPhaseSessions(MemoryAwsMfa& all) : rows_(all.sessions), renewals_(all.renewals) {}
  void set(const domain::PhaseSession& session) override { rows_[session.id] = session; }
  void set_renewal(const domain::RoleRenewal& renewal) override { renewals_[renewal.id] = renewal; }
  std::optional<domain::RoleRenewal> renewal(std::string_view id) override {
    const auto at = renewals_.find(id);
    return at == renewals_.end() ? std::nullopt : std::optional(at->second);
  }
  std::optional<domain::PhaseSession> find(std::string_view id) override {
    const auto at = rows_.find(id);
    return at == rows_.end() ? std::nullopt : std::optional(at->second);
  }
  void erase(std::string_view id) override {
    rows_.erase(std::string(id));
    renewals_.erase(std::string(id));
  }
  void erase_of_run(std::string_view run) override {
    std::erase_if(rows_, [&](const auto& entry) { return entry.second.run_id == run; });
    std::erase_if(renewals_, [&](const auto& entry) { return entry.second.run_id == run; });
  }

 private:
  std::map<std::string, domain::PhaseSession, std::less<>>& rows_;
  std::map<std::string, domain::RoleRenewal, std::less<>>& renewals_;
};

// What a Tables in memory holds one of; its methods return the members.
struct MemoryAwsMfaTables {
  explicit MemoryAwsMfaTables(MemoryAwsMfa& all)
      : identities(all.identities), devices(all.devices), settings(all), gates(all), sessions(all) {}
  MemoryAwsIdentities identities;
  MemoryIdentityDevices devices;
  MemoryGateSettings settings;
  MemoryGates gates;
  MemoryPhaseSessions sessions;
};

}  // namespace tollgate::test
