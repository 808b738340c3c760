// The tables of users, organizations, memberships, tokens, web sessions, second factors and one-time grants. Valid
// inside one transaction, on its thread.
#pragma once

#include "server/store/sql_table.h"

namespace tollgate::store {

class SqlUsers final : public SqlTable<domain::User, domain::UserTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::User> find_by_name(std::string_view username) override;
  std::optional<domain::User> find_by_email(std::string_view email) override;
  domain::Paged<domain::User> list(domain::Page wanted) override;
};

class SqlOrganizations final : public SqlTable<domain::Organization, domain::OrganizationTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::Organization> find_by_name(std::string_view name) override;
  domain::Paged<domain::Organization> list(std::string_view search, std::optional<std::string> member,
                                           domain::Page wanted) override;
};

class SqlMemberships final : public SqlTable<domain::Membership, domain::MembershipTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::Membership> find_by_user(std::string_view organization_id, std::string_view user_id) override;
  domain::Paged<domain::Membership> list(std::string_view organization_id, domain::Page wanted) override;
  std::int64_t count_owners(std::string_view organization_id) override;
};

class SqlTokens final : public SqlTable<domain::Token, domain::TokenTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::Token> find_by_hash(std::string_view hash) override;
  std::vector<domain::Token> of_user(std::string_view user_id) override;
  std::optional<domain::Token> of_organization(std::string_view organization_id) override;
  void erase_of_run(std::string_view run_id) override;
};

class SqlWebSessions final : public SqlTable<domain::WebSession, domain::WebSessionTable> {
 public:
  using SqlTable::SqlTable;
  std::optional<domain::WebSession> find_by_hash(std::string_view hash) override;
  std::vector<domain::WebSession> of_user(std::string_view user_id) override;
  void erase_before(TimePoint last_seen) override;
};

class SqlTwoFactors final : public SqlTable<domain::TwoFactor, domain::TwoFactorTable> {
 public:
  using SqlTable::SqlTable;
  void set_recovery_codes(std::string_view user_id, const std::vector<std::string>& hashes) override;
  bool take_recovery_code(std::string_view user_id, std::string_view hash) override;
  std::int64_t recovery_codes_left(std::string_view user_id) override;
};

class SqlNotices final : public SqlTable<domain::Notice, domain::NoticeTable> {
 public:
  using SqlTable::SqlTable;
  domain::Paged<domain::Notice> list(std::string_view organization_id, domain::Page page) override;
};

class SqlOneTimeGrants final : public domain::OneTimeGrantTable {
 public:
  explicit SqlOneTimeGrants(const TableContext& context) : context_(context) {}
  void insert(const domain::OneTimeGrant& grant) override;
  std::optional<domain::OneTimeGrant> take(std::string_view purpose, std::string_view hash, TimePoint now) override;
  std::optional<domain::OneTimeGrant> find(std::string_view purpose, std::string_view hash, TimePoint now) override;

 private:
  const TableContext& context_;
};

}  // namespace tollgate::store
