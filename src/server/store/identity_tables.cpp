#include "server/store/identity_tables.h"

namespace tollgate::store {

namespace {

SqlValue text(std::string_view value) {
  return SqlValue::of(value);
}

}  // namespace

std::optional<domain::User> SqlUsers::find_by_name(std::string_view username) {
  return one(" WHERE username = :p1", {text(username)});
}

std::optional<domain::User> SqlUsers::find_by_email(std::string_view email) {
  return one(" WHERE lower(email) = :p1", {text(lower_ascii(email))});
}

domain::Paged<domain::User> SqlUsers::list(domain::Page wanted) {
  return page("", {}, "users.username, users.id", wanted);
}

std::optional<domain::Organization> SqlOrganizations::find_by_name(std::string_view name) {
  return one(" WHERE lower(name) = :p1", {text(lower_ascii(name))});
}

domain::Paged<domain::Organization> SqlOrganizations::list(std::string_view search, std::optional<std::string> member,
                                                           domain::Page wanted) {
  Where where;
  if (!search.empty()) where.add("lower(organizations.name) LIKE ? ESCAPE '!'", {text(like_part(search))});
  if (member) {
    where.add("organizations.id IN (SELECT organization_id FROM memberships WHERE user_id = ?)", {text(*member)});
  }
  return page("", std::move(where), "organizations.name, organizations.id", wanted);
}

std::optional<domain::Membership> SqlMemberships::find_by_user(std::string_view organization_id,
                                                               std::string_view user_id) {
  return one(" WHERE organization_id = :p1 AND user_id = :p2", {text(organization_id), text(user_id)});
}

domain::Paged<domain::Membership> SqlMemberships::list(std::string_view organization_id, domain::Page wanted) {
  Where where;
  where.add("memberships.organization_id = ?", {text(organization_id)});
  return page("", std::move(where), "memberships.created_at, memberships.id", wanted);
}

domain::Paged<domain::Notice> SqlNotices::list(std::string_view organization_id, domain::Page wanted) {
  Where where;
  where.add("notices.organization_id = ?", {text(organization_id)});
  return page("", std::move(where), "notices.ordinal DESC", wanted);
}

std::int64_t SqlMemberships::count_owners(std::string_view organization_id) {
  return count_of(context_.session, "SELECT COUNT(*) FROM memberships WHERE organization_id = :p1 AND role = 'owner'",
                  {text(organization_id)});
}

std::optional<domain::Token> SqlTokens::find_by_hash(std::string_view hash) {
  return one(" WHERE hash = :p1", {text(hash)});
}

std::vector<domain::Token> SqlTokens::of_user(std::string_view user_id) {
  return rows(" WHERE user_id = :p1 AND kind = 'user' ORDER BY created_at, id", {text(user_id)});
}

std::optional<domain::Token> SqlTokens::of_organization(std::string_view organization_id) {
  return one(" WHERE organization_id = :p1 AND kind = 'organization' ORDER BY created_at DESC, id LIMIT 1",
             {text(organization_id)});
}

void SqlTokens::erase_of_run(std::string_view run_id) {
  context_.session.execute("DELETE FROM tokens WHERE run_id = :p1", {text(run_id)});
}

std::optional<domain::WebSession> SqlWebSessions::find_by_hash(std::string_view hash) {
  return one(" WHERE hash = :p1", {text(hash)});
}

std::vector<domain::WebSession> SqlWebSessions::of_user(std::string_view user_id) {
  return rows(" WHERE user_id = :p1 ORDER BY created_at, id", {text(user_id)});
}

void SqlWebSessions::erase_before(TimePoint last_seen) {
  context_.session.execute("DELETE FROM web_sessions WHERE last_seen_at < :p1", {value_of(last_seen)});
}

void SqlTwoFactors::set_recovery_codes(std::string_view user_id, const std::vector<std::string>& hashes) {
  context_.session.execute("DELETE FROM recovery_codes WHERE user_id = :p1", {text(user_id)});
  for (const std::string& hash : hashes) {
    context_.session.execute("INSERT INTO recovery_codes (hash, user_id) VALUES (:p1, :p2)",
                             {text(hash), text(user_id)});
  }
}

bool SqlTwoFactors::take_recovery_code(std::string_view user_id, std::string_view hash) {
  return context_.session.execute("DELETE FROM recovery_codes WHERE hash = :p1 AND user_id = :p2",
                                  {text(hash), text(user_id)}) == 1;
}

std::int64_t SqlTwoFactors::recovery_codes_left(std::string_view user_id) {
  return count_of(context_.session, "SELECT COUNT(*) FROM recovery_codes WHERE user_id = :p1", {text(user_id)});
}

void SqlOneTimeGrants::insert(const domain::OneTimeGrant& grant) {
  const Result<void> inserted = insert_row(context_, grant);
  // Its hash is of random bytes that the server made.
  if (!inserted) throw std::logic_error(inserted.error().message);
}

std::optional<domain::OneTimeGrant> SqlOneTimeGrants::find(std::string_view purpose, std::string_view hash,
                                                           TimePoint now) {
  return select_one<domain::OneTimeGrant>(context_, " WHERE hash = :p1 AND purpose = :p2 AND expires_at > :p3",
                                          {text(hash), text(purpose), value_of(now)});
}

std::optional<domain::OneTimeGrant> SqlOneTimeGrants::take(std::string_view purpose, std::string_view hash,
                                                           TimePoint now) {
  std::optional<domain::OneTimeGrant> grant = find(purpose, hash, now);
  if (grant) context_.session.execute("DELETE FROM one_time_grants WHERE hash = :p1", {text(hash)});
  context_.session.execute("DELETE FROM one_time_grants WHERE expires_at <= :p1", {value_of(now)});
  return grant;
}

}  // namespace tollgate::store
