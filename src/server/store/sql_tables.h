// All tables of one transaction, with the audit and the settings. Valid inside that transaction, on its thread.
#pragma once

#include "server/store/aws_mfa_tables.h"
#include "server/store/identity_tables.h"
#include "server/store/run_tables.h"
#include "server/store/webhook_tables.h"
#include "server/store/workspace_tables.h"

namespace tollgate::store {

class SqlAudit final : public domain::AuditTable {
 public:
  explicit SqlAudit(const TableContext& context) : context_(context) {}
  // Throws std::logic_error where the sequence number is taken.
  void append(const domain::AuditRecord& record) override;
  std::optional<domain::AuditRecord> last() override;
  std::vector<domain::AuditRecord> list(std::string_view organization_id, std::int64_t from,
                                        std::int64_t limit) override;

 private:
  const TableContext& context_;
};

class SqlSettings final : public domain::SettingTable {
 public:
  explicit SqlSettings(const TableContext& context) : context_(context) {}
  std::optional<std::string> get(std::string_view key) override;
  void set(std::string_view key, std::string_view value) override;

 private:
  const TableContext& context_;
};

class SqlTables final : public domain::Tables {
 public:
  SqlTables(SqlSession& session, const Sealer& sealer) : context_{session, sealer} {}
  SqlTables(const SqlTables&) = delete;
  SqlTables& operator=(const SqlTables&) = delete;

  domain::UserTable& users() override { return users_; }
  domain::OrganizationTable& organizations() override { return organizations_; }
  domain::MembershipTable& memberships() override { return memberships_; }
  domain::TokenTable& tokens() override { return tokens_; }
  domain::WebSessionTable& web_sessions() override { return web_sessions_; }
  domain::TwoFactorTable& two_factors() override { return two_factors_; }
  domain::OneTimeGrantTable& grants() override { return grants_; }
  domain::ProjectTable& projects() override { return projects_; }
  domain::WorkspaceTable& workspaces() override { return workspaces_; }
  domain::VariableTable& variables() override { return variables_; }
  domain::ConfigurationVersionTable& configuration_versions() override { return configuration_versions_; }
  domain::RunTable& runs() override { return runs_; }
  domain::StateVersionTable& state_versions() override { return state_versions_; }
  domain::AwsIdentityTable& aws_identities() override { return aws_identities_; }
  domain::IdentityDeviceTable& identity_devices() override { return identity_devices_; }
  domain::GateSettingsTable& gate_settings() override { return gate_settings_; }
  domain::GateTable& gates() override { return gates_; }
  domain::PhaseSessionTable& phase_sessions() override { return phase_sessions_; }
  domain::NoticeTable& notices() override { return notices_; }
  domain::WebhookTable& webhooks() override { return webhooks_; }
  domain::WebhookDeliveryTable& webhook_deliveries() override { return webhook_deliveries_; }
  domain::AuditTable& audit() override { return audit_; }
  domain::SettingTable& settings() override { return settings_; }

 private:
  TableContext context_;
  SqlUsers users_{context_};
  SqlOrganizations organizations_{context_};
  SqlMemberships memberships_{context_};
  SqlTokens tokens_{context_};
  SqlWebSessions web_sessions_{context_};
  SqlTwoFactors two_factors_{context_};
  SqlOneTimeGrants grants_{context_};
  SqlProjects projects_{context_};
  SqlWorkspaces workspaces_{context_};
  SqlVariables variables_{context_};
  SqlConfigurationVersions configuration_versions_{context_};
  SqlRuns runs_{context_};
  SqlStateVersions state_versions_{context_};
  SqlAwsIdentities aws_identities_{context_};
  SqlIdentityDevices identity_devices_{context_};
  SqlGateSettings gate_settings_{context_};
  SqlGates gates_{context_};
  SqlPhaseSessions phase_sessions_{context_};
  SqlNotices notices_{context_};
  SqlWebhooks webhooks_{context_};
  SqlWebhookDeliveries webhook_deliveries_{context_};
  SqlAudit audit_{context_};
  SqlSettings settings_{context_};
};

}  // namespace tollgate::store
