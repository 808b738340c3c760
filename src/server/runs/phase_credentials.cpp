#include "server/runs/phase_credentials.h"

#include "server/runs/mfa_authenticator.h"

namespace tollgate::runs {

namespace {

using domain::Tables;

void give(PhaseEnvironment& environment, const aws::Credentials& credentials, const std::string& region) {
  environment.variables.emplace_back("AWS_ACCESS_KEY_ID", Secret(credentials.access_key_id));
  environment.variables.emplace_back("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key);
  if (credentials.temporary()) environment.variables.emplace_back("AWS_SESSION_TOKEN", credentials.session_token);
  environment.variables.emplace_back("AWS_REGION", Secret(region));
  environment.expires_at = credentials.expiration;
}

tl::unexpected<Error> no_plan_credentials(const aws::MappedError& refusal) {
  Error error = refusal.error;
  error.message = fmt::format("AWS gave no credentials for the plan: {}", error.message);
  return fail(std::move(error).because("plan_credentials"));
}

}  // namespace

Result<PhaseEnvironment> MfaCredentials::obtain(const StartedPhase& started) {
  if (started.level == domain::MfaLevel::never) return PhaseEnvironment{};
  if (!domain::gated(started.level, started.phase)) return ladder(started);
  const std::string& phase_id = started.run.phase(started.phase).id;
  const auto session = store_.read([&](Tables& tables) { return tables.phase_sessions().find(phase_id); });
  if (!session) {
    return fail(Error(Code::conflict, "the AWS session of this phase is gone").because("session_lost"));
  }
  PhaseEnvironment environment;
  aws::Credentials credentials;
  credentials.access_key_id = session->access_key_id;
  credentials.secret_access_key = session->secret_access_key;
  credentials.session_token = session->session_token;
  credentials.expiration = session->expires_at;
  give(environment, credentials, session->region);
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
  aws::Credentials key;
  key.access_key_id = identity->access_key_id;
  key.secret_access_key = identity->secret_access_key;
  const auto duration = session_duration(started.limit, identity->arn);
  if (!settings.read_only_plan_role.arn.empty()) {
    aws::AssumeRoleRequest role;
    role.role_arn = settings.read_only_plan_role.arn;
    role.external_id = settings.read_only_plan_role.external_id;
    role.session_name = role_session_name(started.run.id, "plan");
    role.duration = std::min<std::chrono::seconds>(duration, std::chrono::hours(1));
    const auto assumed = sts_.assume(key, identity->region, role);
    if (!assumed) return no_plan_credentials(assumed.error());
    give(environment, assumed->credentials, identity->region);
    return environment;
  }
  if (settings.raw_key_plans) {
    environment.notices.emplace_back(
        "\x1b[31mWarning: this plan runs with the organization's own long-term AWS key, because an owner allowed it. "
        "Whoever can change this configuration can read that key. A read-only plan role ends this.\x1b[0m");
    give(environment, key, identity->region);
    return environment;
  }
  StsSessionRequest wish;
  wish.credentials = key;
  wish.region = identity->region;
  wish.duration = duration;
  const auto session = sts_.session(wish);
  if (!session) return no_plan_credentials(session.error());
  environment.notices.emplace_back(
      "This plan runs with an AWS session without MFA: AWS lets it call no IAM, and whatever demands MFA refuses it. "
      "An "
      "owner can name a read-only plan role, or demand a code for plans too.");
  give(environment, session->credentials, identity->region);
  return environment;
}

}  // namespace tollgate::runs
