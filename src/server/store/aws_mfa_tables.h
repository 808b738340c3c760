// The tables of the AWS MFA gate: identities with their devices, settings, gates with codes and attempts, sessions of
// phases. Valid inside one transaction, on its thread.
#pragma once

#include "server/store/sql_table.h"

namespace tollgate::store {

class SqlAwsIdentities final : public SqlTable<domain::AwsIdentity, domain::AwsIdentityTable> {
 public:
  using SqlTable::SqlTable;
  std::vector<domain::AwsIdentity> of_organization(std::string_view organization_id) override;
  std::optional<domain::AwsIdentity> of_user(std::string_view organization_id, std::string_view user_id) override;
  std::optional<domain::AwsIdentity> of_organization_itself(std::string_view organization_id) override;
  std::vector<domain::AwsIdentity> with_serial(std::string_view serial) override;
};

class SqlIdentityDevices final : public SqlTable<domain::IdentityDevice, domain::IdentityDeviceTable> {
 public:
  using SqlTable::SqlTable;
  std::vector<domain::IdentityDevice> of_identity(std::string_view identity_id) override;
  std::optional<domain::IdentityDevice> of_user(std::string_view identity_id, std::string_view user_id) override;
  std::vector<domain::IdentityDevice> with_serial(std::string_view serial) override;
};

class SqlGateSettings final : public domain::GateSettingsTable {
 public:
  explicit SqlGateSettings(const TableContext& context) : context_(context) {}
  domain::GateSettings of(std::string_view organization_id) override;
  void set(const domain::GateSettings& settings) override;

 private:
  const TableContext& context_;
};

class SqlGates final : public SqlTable<domain::GateRecord, domain::GateTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::GateRecord> of_phase(std::string_view run_id, domain::PhaseKind phase) override;
  std::vector<domain::GateRecord> of_run(std::string_view run_id) override;
  bool take_code(std::string_view hash, TimePoint expires_at, TimePoint now) override;
  void give_code_back(std::string_view hash) override;
  void add_attempt(const domain::MfaAttempt& attempt) override;
  void set_outcome(std::string_view attempt_id, domain::AttemptOutcome outcome) override;
  std::vector<domain::MfaAttempt> attempts(std::string_view serial, TimePoint from) override;
  void forget_attempts(std::string_view serial) override;
  void forget_attempts_before(TimePoint at) override;
};

class SqlPhaseSessions final : public domain::PhaseSessionTable {
 public:
  explicit SqlPhaseSessions(const TableContext& context) : context_(context) {}
  void set(const domain::PhaseSession& session) override;
  void set_renewal(const domain::RoleRenewal& renewal) override;
  std::optional<domain::PhaseSession> find(std::string_view phase_id) override;
  std::optional<domain::RoleRenewal> renewal(std::string_view phase_id) override;
  void erase(std::string_view phase_id) override;
  void erase_of_run(std::string_view run_id) override;

 private:
  const TableContext& context_;
};

}  // namespace tollgate::store
