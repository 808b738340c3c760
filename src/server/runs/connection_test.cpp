#include "server/runs/connection_test.h"

#include <algorithm>

#include "common/crypto/hash.h"
#include "server/audit/audit.h"
#include "server/domain/ids.h"
#include "server/runs/mfa_rules.h"

namespace tollgate::runs {

namespace {

using domain::AttemptOutcome;
using domain::AwsIdentity;
using domain::Tables;

constexpr std::chrono::seconds kShortest{900};  // that AWS gives

aws::Credentials credentials_of(const AwsIdentity& identity) {
  aws::Credentials credentials;
  credentials.access_key_id = identity.access_key_id;
  credentials.secret_access_key = identity.secret_access_key;
  return credentials;
}

// AWS's refusal as an error of ours: its reason is the kind's name, its sentence the one for people.
Error refusal(const aws::MappedError& refused) {
  Error error = refused.error;
  error.reason = aws::mapped_kind_name(refused.kind);
  switch (refused.kind) {
    case aws::MappedKind::network_unsent:
      error.code = Code::unavailable;
      break;
    case aws::MappedKind::outcome_unknown:
    case aws::MappedKind::malformed_answer:
      error.code = Code::unknown;
      break;
    case aws::MappedKind::throttled:
      error.code = Code::throttled;
      break;
    default:
      error.code = Code::invalid;
      break;
  }
  return error;
}

bool says_no(const aws::MappedError& refused) {
  return refused.kind == aws::MappedKind::not_authorized || refused.kind == aws::MappedKind::explicit_deny;
}

// As the gate remembers it.
std::string code_hash(const Secret& key, const std::string& serial, const Secret& code) {
  std::string text = serial + '\n' + std::string(code.reveal());
  auto hash = crypto::sha256_hex(crypto::keyed_hash(key, "mfa-code", text));
  wipe(text);
  return hash;
}

bool unspent(const aws::MappedError& refused) {
  return refused.code == aws::CodeFate::unspent;
}

}  // namespace

Result<void> ConnectionTest::identify(const AwsIdentity& identity, ConnectionReport& report) {
  const aws::Credentials credentials = credentials_of(identity);
  const Identified said = parts_.probe.identify_with_clock(credentials, identity.region);
  report.clock_skew = said.clock_skew;
  if (!said.caller) return fail(refusal(said.caller.error()));
  report.account = said.caller->account;
  report.arn = said.caller->arn;
  const auto keys = parts_.probe.access_keys(credentials, identity.region);
  if (!keys) return {};  // many keys may not ask IAM anything, and need not
  for (const aws::AccessKey& key : *keys) {
    if (key.access_key_id == identity.access_key_id) report.key_created_at = key.created;
  }
  return {};
}

// As the gate does: the code is on record as sent before it leaves.
Result<aws::Credentials> ConnectionTest::session(const AwsIdentity& identity, const std::string& serial,
                                                 const Secret& code, const domain::Actor& actor) {
  if (serial.empty()) {
    return fail(Error(Code::invalid, "you have no MFA device for this identity")
                    .because("no_device")
                    .do_next("register the serial of your device first"));
  }
  if (!is_code(code.reveal())) return fail(Error(Code::invalid, "a code has six digits").because("malformed_code"));
  const TimePoint now = parts_.clock.now();
  const std::string hash = code_hash(parts_.code_key, serial, code);
  domain::MfaAttempt attempt;
  attempt.id = domain::new_id(domain::id_prefix::kMfaAttempt, parts_.random);
  attempt.serial = serial;
  attempt.user_id = actor.user_id;
  attempt.at = now;
  TG_CHECK(parts_.store.write([&](Tables& tables) -> Result<void> {
    const auto attempts = tables.gates().attempts(serial, now - kAttemptWindow);
    const Wait wait = wait_before_next_try(attempts, actor.user_id, now);
    if (wait.seconds.count() > 0) {
      return fail(Error(Code::throttled, "too many codes were refused")
                      .because(wait.device ? "device_limit" : "back_off")
                      .do_next(fmt::format("try again in {}", format_duration(wait.seconds))));
    }
    if (!tables.gates().take_code(hash, now + kCodeMemory, now)) {
      return fail(Error(Code::throttled, "this code was used already")
                      .because("code_used")
                      .do_next(fmt::format("take the next one, in {}", format_duration(next_code_in(now)))));
    }
    tables.gates().add_attempt(attempt);
    audit::append(tables, actor,
                  {identity.organization_id, "aws_identity.code_tried", "aws-identity", identity.id,
                   json::Value::object({{"serial", serial}})},
                  now);
    return {};
  }));
  StsSessionRequest request;
  request.credentials = credentials_of(identity);
  request.region = identity.region;
  request.duration = kShortest;
  request.mfa = aws::MfaCode{serial, code};
  auto given = parts_.sts.session(request);
  const bool provably_unspent = !given && unspent(given.error());
  TG_CHECK(parts_.store.write([&](Tables& tables) -> Result<void> {
    tables.gates().set_outcome(attempt.id, given              ? AttemptOutcome::accepted
                                           : provably_unspent ? AttemptOutcome::unspent
                                                              : AttemptOutcome::refused);
    if (provably_unspent) tables.gates().give_code_back(hash);
    return {};
  }));
  if (!given) return fail(refusal(given.error()));
  return std::move(given->credentials);
}

void ConnectionTest::try_roles(const AwsIdentity& identity, const domain::GateSettings& settings,
                               const std::optional<aws::Credentials>& session, ConnectionReport& report) {
  const auto assume = [&](const aws::Credentials& credentials, const domain::PhaseRole& role) {
    aws::AssumeRoleRequest request;
    request.role_arn = role.arn;
    request.session_name = "tollgate-test";
    request.duration = kShortest;
    request.external_id = role.external_id;
    return parts_.sts.assume(credentials, identity.region, request);
  };
  const auto gated = [&](std::string_view name, const domain::PhaseRole& role) {
    if (role.arn.empty()) return;
    RoleReport line{std::string(name), role.arn, std::nullopt, ""};
    const auto alone = assume(credentials_of(identity), role);
    const bool closed = !alone && says_no(alone.error());
    if (alone || closed) report.closed_without_mfa = closed && report.closed_without_mfa.value_or(true);
    if (session) {
      const auto with_code = assume(*session, role);
      line.ok = with_code.has_value();
      line.sentence = with_code ? "It can be assumed with a session that a code gave. What it gives carries no MFA: a "
                                  "provider's own assume_role that asks for MFA is refused in a phase with this role."
                                : with_code.error().error.text();
    } else {
      line.sentence = "Whether it can be assumed takes a code to find out.";
    }
    if (alone) line.sentence += " It can be assumed without MFA as well: its trust policy does not ask for it.";
    report.roles.push_back(std::move(line));
  };
  gated("plan-role", settings.plan_role);
  gated("apply-role", settings.apply_role);
  if (settings.read_only_plan_role.arn.empty()) return;
  // Plans without a gate get this one with the key alone, so nothing else is right.
  const auto alone = assume(credentials_of(identity), settings.read_only_plan_role);
  report.roles.push_back(
      {"read-only-plan-role", settings.read_only_plan_role.arn, alone.has_value(),
       alone ? "It can be assumed without MFA, as plans without a gate need it." : alone.error().error.text()});
}

void ConnectionTest::keep(const AwsIdentity& identity, const ConnectionReport& report, const domain::Actor& actor) {
  (void)parts_.store.write([&](Tables& tables) -> Result<void> {
    auto row = tables.aws_identities().find(identity.id);
    // Another key meanwhile: this was said of the old one.
    if (!row || row->access_key_id != identity.access_key_id) return {};
    row->account = report.account;
    row->arn = report.arn;
    row->key_created_at = report.key_created_at;
    row->tested_at = parts_.clock.now();
    TG_CHECK(tables.aws_identities().update(*row));
    audit::append(tables, actor,
                  {identity.organization_id, "aws_identity.tested", "aws-identity", identity.id,
                   json::Value::object({{"account", report.account}, {"arn", report.arn}})},
                  parts_.clock.now());
    return {};
  });
}

Result<ConnectionReport> ConnectionTest::test(const AwsIdentity& identity, const std::string& serial,
                                              const std::optional<Secret>& code, const domain::Actor& actor) {
  ConnectionReport report;
  TG_CHECK(identify(identity, report));
  keep(identity, report, actor);
  const auto [settings, own] = parts_.store.read([&](Tables& tables) {
    return std::make_pair(tables.gate_settings().of(identity.organization_id),
                          tables.aws_identities().of_organization_itself(identity.organization_id));
  });
  std::vector<std::string> accounts = settings.accounts;
  if (accounts.empty() && own) accounts.push_back(own->account);
  report.account_allowed = std::find(accounts.begin(), accounts.end(), report.account) != accounts.end();
  std::optional<aws::Credentials> given;
  if (code) {
    // As at the gate: no code is spent for an account that opens nothing.
    if (!report.account_allowed) {
      return fail(Error(Code::invalid, fmt::format("account {} is not on the organization's list", report.account))
                      .because("account_not_allowed")
                      .do_next("an owner adds it in the organization's settings of AWS MFA"));
    }
    TG_TRY(given, session(identity, serial, *code, actor));
    report.code_accepted = true;
  }
  try_roles(identity, settings, given, report);
  return report;
}

}  // namespace tollgate::runs
