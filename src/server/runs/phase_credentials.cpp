#include "server/runs/phase_credentials.h"

#include "server/runs/mfa_authenticator.h"

namespace tollgate::runs {

namespace {

using domain::Tables;

tl::unexpected<Error> no_plan_credentials(const aws::MappedError& refusal) {
  Error error = refusal.error;
  error.message = fmt::format("AWS gave no credentials for the plan: {}", error.message);
  return fail(std::move(error).because("plan_credentials"));
}

aws::Credentials key_of(const domain::AwsIdentity& identity) {
  aws::Credentials key;
  key.access_key_id = identity.access_key_id;
  key.secret_access_key = identity.secret_access_key;
  return key;
}

// AWS gives this key no session. An AWS that is not there, or a key that it does not know, is no reason to hand it out.
bool gives_none(const aws::MappedError& refusal) {
  return refusal.kind == aws::MappedKind::not_authorized || refusal.kind == aws::MappedKind::explicit_deny;
}

}  // namespace

Result<PhaseEnvironment> MfaCredentials::obtain(const StartedPhase& started) {
  if (started.level == domain::MfaLevel::never) return PhaseEnvironment{};
  if (!domain::gated(started.level, started.phase)) return ladder(started);
  const std::string& phase_id = started.run.phase(started.phase).id;
  const auto [session, renewal] = store_.read([&](Tables& tables) {
    return std::pair(tables.phase_sessions().find(phase_id), tables.phase_sessions().renewal(phase_id));
  });
  if (!session) {
    return fail(Error(Code::conflict, "the AWS session of this phase is gone").because("session_lost"));
  }
  AwsAccess access;
  access.credentials.access_key_id = session->access_key_id;
  access.credentials.secret_access_key = session->secret_access_key;
  access.credentials.session_token = session->session_token;
  access.credentials.expiration = session->expires_at;
  access.region = session->region;
  if (renewal) {
    RoleAgain& again = access.renewal.emplace();
    again.session.access_key_id = renewal->access_key_id;
    again.session.secret_access_key = renewal->secret_access_key;
    again.session.session_token = renewal->session_token;
    again.role_arn = renewal->role_arn;
    again.external_id = renewal->external_id;
    again.session_name = renewal->session_name;
    again.duration = renewal->duration;
  }
  PhaseEnvironment environment;
  environment.aws = std::move(access);
  return environment;
}

Result<PhaseEnvironment> MfaCredentials::ladder(const StartedPhase& started) {
  const auto [identity, settings] = store_.read([&](Tables& tables) {
    return std::pair(tables.aws_identities().of_organization_itself(started.run.organization_id),
                     tables.gate_settings().of(started.run.organization_id));
  });
  PhaseEnvironment environment;
  if (!identity) {
    environment.notices.emplace_back(
        "This plan has no AWS credentials: the organization has no AWS identity, and personal ones are used behind a "
        "gate only.");
    return environment;
  }
  if (settings.read_only_plan_role.arn.empty()) {
    TG_CHECK(without_mfa(started, *identity, settings.raw_key_plans, environment));
  } else {
    TG_CHECK(read_only(started, settings.read_only_plan_role, *identity, environment));
  }
  return environment;
}

Result<void> MfaCredentials::read_only(const StartedPhase& started, const domain::PhaseRole& named,
                                       const domain::AwsIdentity& identity, PhaseEnvironment& environment) {
  aws::AssumeRoleRequest role;
  role.role_arn = named.arn;
  role.external_id = named.external_id;
  role.session_name = role_session_name(started.run.id, "plan");
  const auto wanted = session_duration(started.limit, identity.arn);
  role.duration = std::min<std::chrono::seconds>(wanted, std::chrono::hours(1));
  const auto assumed = sts_.assume(key_of(identity), identity.region, role);
  if (!assumed) return no_plan_credentials(assumed.error());
  AwsAccess access{assumed->credentials, identity.region, std::nullopt};
  environment.account = account_of_arn(assumed->arn);
  // The key itself is nothing that the machinery of a run may hold, so a session of it renews the role.
  if (must_renew(access.credentials.expiration, started.limit, clock_.now())) {
    const auto session = sts_.session({key_of(identity), identity.region, wanted, std::nullopt});
    if (session) {
      access.renewal =
          RoleAgain{session->credentials, named.arn, named.external_id, role.session_name, role.duration.value()};
    }
  }
  environment.aws = std::move(access);
  return {};
}

Result<void> MfaCredentials::without_mfa(const StartedPhase& started, const domain::AwsIdentity& identity,
                                         bool raw_key_allowed, PhaseEnvironment& environment) {
  const aws::Credentials key = key_of(identity);
  const auto session =
      sts_.session({key, identity.region, session_duration(started.limit, identity.arn), std::nullopt});
  if (session) {
    environment.notices.emplace_back(
        "This plan runs with an AWS session without MFA: AWS lets it call no IAM, and whatever demands MFA refuses it. "
        "An owner can name a read-only plan role, or demand a code for plans too.");
    environment.aws = AwsAccess{session->credentials, identity.region, std::nullopt};
  } else if (raw_key_allowed && gives_none(session.error())) {
    environment.notices.push_back(fmt::format(
        "\x1b[31mWarning: this plan runs with the organization's own long-term AWS key, because AWS gives no session "
        "for "
        "it and an owner allowed that. Whoever can change this configuration can read that key. A read-only plan role "
        "ends this. What AWS said: {}\x1b[0m",
        session.error().error.message));
    environment.aws = AwsAccess{key, identity.region, std::nullopt};
  } else {
    return no_plan_credentials(session.error());
  }
  environment.account = identity.account;
  if (!environment.account.empty()) return {};
  const auto caller = sts_.identify(key, identity.region);
  if (!caller) return no_plan_credentials(caller.error());
  environment.account = caller->account;
  return {};
}

}  // namespace tollgate::runs
