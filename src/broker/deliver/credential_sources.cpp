// Where a chain of roles starts: keys in files, in the vault or in the environment, other programs, SSO, web identity,
// container and instance.
#include "aws/container_source.h"
#include "aws/instance_metadata_source.h"
#include "aws/sso_source.h"
#include "broker/deliver/credential_request.h"
#include "common/os/file_lock.h"

namespace tollgate::deliver {

Result<aws::Credentials> CredentialBroker::source_credentials(Request& request) {
  const aws::Source& source = request.chain.source;
  if (const auto* keys = std::get_if<aws::StaticKeys>(&source)) return keys->credentials;
  if (const auto* keys = std::get_if<aws::VaultKeys>(&source)) return ports_.vault_keys(*keys);
  if (const auto* process = std::get_if<aws::CredentialProcess>(&source)) return process_credentials(request, *process);
  if (const auto* identity = std::get_if<aws::WebIdentity>(&source))
    return web_identity_credentials(request, *identity);
  if (std::holds_alternative<aws::EnvironmentCredentials>(source)) {
    aws::Credentials credentials;
    credentials.access_key_id = aws::variable(ports_.environment, "AWS_ACCESS_KEY_ID");
    credentials.secret_access_key = Secret(aws::variable(ports_.environment, "AWS_SECRET_ACCESS_KEY"));
    credentials.session_token = Secret(aws::variable(ports_.environment, "AWS_SESSION_TOKEN"));
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
      return fail(Error(Code::config, fmt::format("profile {} takes its credentials from the environment, and "
                                                  "AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set",
                                                  request.chain.profile))
                      .do_next("export both variables, or give the profile a source_profile"));
    }
    return credentials;
  }
  if (std::holds_alternative<aws::ContainerMetadata>(source)) {
    TG_TRY(const std::string url, aws::container_endpoint(ports_.environment));
    TG_TRY(const Secret token, aws::container_token(ports_.environment, [](const std::string& path) {
             return os::read_file(path, 64 << 10);
           }));
    request.called_aws = true;
    return aws::fetch_container_credentials(ports_.network(), ports_.clock, url, token);
  }
  if (std::holds_alternative<aws::InstanceMetadata>(source)) {
    TG_TRY(const aws::InstanceMetadataOptions options, aws::instance_metadata_options(ports_.environment));
    request.called_aws = true;
    return aws::fetch_instance_credentials(ports_.network(), ports_.clock, options);
  }
  return sso_credentials(request, std::get<aws::Sso>(source));
}

Result<aws::Credentials> CredentialBroker::sso_credentials(Request& request, const aws::Sso& sso) {
  const vault::CacheKey key = vault::CacheKey::Builder("sso").add("source", request.identity).build();
  if (auto held = cached(request, key, false)) return std::move(*held);
  const TimePoint now = ports_.clock.now();
  TG_TRY(const Secret token,
         aws::read_sso_token(sso, aws::variable(ports_.environment, "HOME"), aws::read_aws_file, now));
  TG_TRY(const aws::Endpoint portal,
         aws::endpoint_for("SSO", sso.region, ports_.environment, ports_.profiles, ports_.profiles.find(sso.profile)));
  request.called_aws = true;
  TG_TRY(aws::Credentials credentials, aws::fetch_sso_credentials(ports_.network(), portal, sso, token));
  TG_CHECK(ports_.sessions.put(key, vault::Entry{"sso",
                                                 process_json(credentials),
                                                 now,
                                                 credentials.expiration.value_or(now),
                                                 {{"profile", sso.profile}, {"account", sso.account_id}}}));
  return credentials;
}

Result<aws::Credentials> CredentialBroker::process_credentials(Request& request,
                                                               const aws::CredentialProcess& process) {
  const vault::CacheKey key = vault::CacheKey::Builder("process").add("source", request.identity).build();
  if (auto held = cached(request, key, false)) return std::move(*held);
  TG_TRY(const os::PrivateDirectory* const locks, ports_.locks());
  TG_TRY(const os::FileLock lock,
         os::FileLock::acquire(*locks, "process-" + key.hex().substr(0, 32), kRoleLockPatience, ports_.clock));
  if (auto held = cached(request, key, false)) return std::move(*held);
  request.called_aws = true;
  auto credentials = aws::fetch_process_credentials(ports_.run_process, process.command, ports_.clock.now());
  if (!credentials) {
    return fail(std::move(credentials.error())
                    .while_doing(fmt::format("credential_process of profile {}", process.profile))
                    .at(std::string(process.place)));
  }
  if (credentials->expiration) {
    const TimePoint now = ports_.clock.now();
    TG_CHECK(ports_.sessions.put(
        key,
        vault::Entry{
            "process", process_json(*credentials), now, *credentials->expiration, {{"profile", process.profile}}}));
  }
  return credentials;
}

Result<aws::Credentials> CredentialBroker::web_identity_credentials(Request& request,
                                                                    const aws::WebIdentity& identity) {
  const vault::CacheKey key =
      vault::CacheKey::Builder("web").add("source", request.identity).add("realm", request.realm()).build();
  if (auto held = cached(request, key, false)) return std::move(*held);
  auto token = os::read_file(identity.token_file, 64 << 10);
  if (!token)
    return fail(std::move(token.error()).while_doing("web_identity_token_file").at(std::string(identity.place)));
  aws::WebIdentityRequest call;
  call.role_arn = identity.role_arn;
  call.session_name = identity.role_session_name.empty() ? session_name_from(ports_.user_name(), ports_.random)
                                                         : identity.role_session_name;
  call.token = Secret::take(std::move(*token));
  aws::StsClient client = sts(request);
  request.called_aws = true;
  auto answer = client.assume_role_with_web_identity(call);
  keep_offset(client);
  if (!answer) return fail(std::move(answer.error().error).at(std::string(identity.place)));
  const TimePoint now = ports_.clock.now();
  TG_CHECK(ports_.sessions.put(key, vault::Entry{"web",
                                                 process_json(answer->credentials),
                                                 now,
                                                 answer->credentials.expiration.value_or(now),
                                                 {{"profile", identity.profile}, {"role_arn", identity.role_arn}}}));
  return std::move(answer->credentials);
}

}  // namespace tollgate::deliver
