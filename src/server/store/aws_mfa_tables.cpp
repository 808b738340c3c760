#include "server/store/aws_mfa_tables.h"

namespace tollgate::store {

namespace {

SqlValue text(std::string_view value) {
  return SqlValue::of(value);
}

// For rows whose values the server made or has checked.
void must_be(const Result<void>& done) {
  if (!done) throw std::logic_error(done.error().message);
}

}  // namespace

std::vector<domain::AwsIdentity> SqlAwsIdentities::of_organization(std::string_view organization_id) {
  return rows(" WHERE organization_id = :p1 ORDER BY created_at, id", {text(organization_id)});
}

std::optional<domain::AwsIdentity> SqlAwsIdentities::of_user(std::string_view organization_id,
                                                             std::string_view user_id) {
  return one(" WHERE organization_id = :p1 AND user_id = :p2 AND kind = 'personal'",
             {text(organization_id), text(user_id)});
}

std::optional<domain::AwsIdentity> SqlAwsIdentities::of_organization_itself(std::string_view organization_id) {
  return one(" WHERE organization_id = :p1 AND kind = 'organization'", {text(organization_id)});
}

std::vector<domain::AwsIdentity> SqlAwsIdentities::with_serial(std::string_view serial) {
  return rows(" WHERE mfa_serial = :p1 ORDER BY created_at, id", {text(serial)});
}

std::vector<domain::IdentityDevice> SqlIdentityDevices::of_identity(std::string_view identity_id) {
  return rows(" WHERE identity_id = :p1 ORDER BY created_at, id", {text(identity_id)});
}

std::optional<domain::IdentityDevice> SqlIdentityDevices::of_user(std::string_view identity_id,
                                                                  std::string_view user_id) {
  return one(" WHERE identity_id = :p1 AND user_id = :p2", {text(identity_id), text(user_id)});
}

std::vector<domain::IdentityDevice> SqlIdentityDevices::with_serial(std::string_view serial) {
  return rows(" WHERE serial = :p1 ORDER BY created_at, id", {text(serial)});
}

domain::GateSettings SqlGateSettings::of(std::string_view organization_id) {
  if (auto found = select_one<domain::GateSettings>(context_, " WHERE id = :p1", {text(organization_id)})) {
    return std::move(*found);
  }
  domain::GateSettings settings;
  settings.id = organization_id;
  return settings;
}

void SqlGateSettings::set(const domain::GateSettings& settings) {
  context_.session.execute("DELETE FROM gate_settings WHERE id = :p1", {text(settings.id)});
  must_be(insert_row(context_, settings));
}

std::optional<domain::GateRecord> SqlGates::of_phase(std::string_view run_id, domain::PhaseKind phase) {
  return one(" WHERE run_id = :p1 AND phase = :p2", {text(run_id), value_of(phase)});
}

std::vector<domain::GateRecord> SqlGates::of_run(std::string_view run_id) {
  return rows(" WHERE run_id = :p1 ORDER BY phase DESC", {text(run_id)});
}

bool SqlGates::take_code(std::string_view hash, TimePoint expires_at, TimePoint now) {
  context_.session.execute("DELETE FROM spent_codes WHERE expires_at <= :p1", {value_of(now)});
  return context_.session.execute(
             "INSERT INTO spent_codes (hash, expires_at) VALUES (:p1, :p2) ON CONFLICT (hash) DO NOTHING",
             {text(hash), value_of(expires_at)}) == 1;
}

void SqlGates::give_code_back(std::string_view hash) {
  context_.session.execute("DELETE FROM spent_codes WHERE hash = :p1", {text(hash)});
}

void SqlGates::add_attempt(const domain::MfaAttempt& attempt) {
  must_be(insert_row(context_, attempt));
}

void SqlGates::set_outcome(std::string_view attempt_id, domain::AttemptOutcome outcome) {
  context_.session.execute("UPDATE mfa_attempts SET outcome = :p1 WHERE id = :p2",
                           {value_of(outcome), text(attempt_id)});
}

std::vector<domain::MfaAttempt> SqlGates::attempts(std::string_view serial, TimePoint from) {
  return select_rows<domain::MfaAttempt>(context_, " WHERE serial = :p1 AND at >= :p2 ORDER BY ordinal",
                                         {text(serial), value_of(from)});
}

void SqlGates::forget_attempts(std::string_view serial) {
  context_.session.execute("DELETE FROM mfa_attempts WHERE serial = :p1", {text(serial)});
}

void SqlGates::forget_attempts_before(TimePoint at) {
  context_.session.execute("DELETE FROM mfa_attempts WHERE at < :p1", {value_of(at)});
}

void SqlPhaseSessions::set(const domain::PhaseSession& session) {
  erase(session.id);
  must_be(insert_row(context_, session));
}

void SqlPhaseSessions::set_renewal(const domain::RoleRenewal& renewal) {
  context_.session.execute("DELETE FROM role_renewals WHERE id = :p1", {text(renewal.id)});
  must_be(insert_row(context_, renewal));
}

std::optional<domain::PhaseSession> SqlPhaseSessions::find(std::string_view phase_id) {
  return select_one<domain::PhaseSession>(context_, " WHERE id = :p1", {text(phase_id)});
}

std::optional<domain::RoleRenewal> SqlPhaseSessions::renewal(std::string_view phase_id) {
  return select_one<domain::RoleRenewal>(context_, " WHERE id = :p1", {text(phase_id)});
}

void SqlPhaseSessions::erase(std::string_view phase_id) {
  context_.session.execute("DELETE FROM phase_sessions WHERE id = :p1", {text(phase_id)});
  context_.session.execute("DELETE FROM role_renewals WHERE id = :p1", {text(phase_id)});
}

void SqlPhaseSessions::erase_of_run(std::string_view run_id) {
  context_.session.execute("DELETE FROM phase_sessions WHERE run_id = :p1", {text(run_id)});
  context_.session.execute("DELETE FROM role_renewals WHERE run_id = :p1", {text(run_id)});
}

}  // namespace tollgate::store
