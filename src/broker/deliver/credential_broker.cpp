#include "broker/deliver/credential_broker.h"

#include <algorithm>

#include "aws/container_source.h"
#include "aws/instance_metadata_source.h"
#include "aws/sso_source.h"
#include "broker/deliver/durations.h"
#include "common/json/value.h"
#include "common/os/atomic_file.h"
#include "common/os/file_lock.h"

namespace tollgate::deliver {
namespace {

using std::chrono::seconds;

// With less left an entry cannot be counted on to survive the call that it signs: ten seconds, or an eighth of a life
// that is itself short.
bool about_to_end(const vault::Entry& entry, TimePoint now) {
  return entry.expires - now <= std::min<Duration>(seconds(10), (entry.expires - entry.created) / 8);
}

// How long a process waits for another one that is assuming the same role.
constexpr Duration kRoleLockPatience{45000};

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string account_of(std::string_view arn) {
  std::size_t at = 0;
  for (int colons = 0; colons < 4; ++colons) {
    at = arn.find(':', at);
    if (at == std::string_view::npos) return "";
    ++at;
  }
  return std::string(arn.substr(at, arn.find(':', at) - at));
}

// "ana" of arn:aws:iam::111111111111:mfa/ana.
std::string device_owner(std::string_view serial) {
  const auto slash = serial.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(serial.substr(slash + 1));
}

// What distinguishes this source from every other one, for cache keys.
std::string source_identity(const aws::Source& source, const aws::Environment& environment) {
  return std::visit(
      Overloaded{
          [](const aws::StaticKeys& keys) {
            return fmt::format("keys:{}:{}", keys.credentials.access_key_id,
                               keys.credentials.temporary() ? "session" : "");
          },
          [](const aws::VaultKeys& keys) { return fmt::format("vault:{}", keys.profile); },
          [&](const aws::EnvironmentCredentials&) {
            return fmt::format("environment:{}", aws::variable(environment, "AWS_ACCESS_KEY_ID"));
          },
          [&](const aws::ContainerMetadata&) {
            return fmt::format("container:{}:{}", aws::variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
                               aws::variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
          },
          [](const aws::InstanceMetadata&) { return std::string("instance"); },
          [](const aws::CredentialProcess& process) {
            return fmt::format("process:{}:{}", process.profile, process.command);
          },
          [](const aws::WebIdentity& identity) {
            return fmt::format("web:{}:{}:{}", identity.token_file, identity.role_arn, identity.role_session_name);
          },
          [](const aws::Sso& sso) {
            return fmt::format("sso:{}:{}:{}:{}", sso.session, sso.start_url, sso.account_id, sso.role_name);
          },
      },
      source);
}

// Session names: [\w+=,.@-]{2,64} (STS API reference, RoleSessionName).
std::string session_name_from(std::string_view user, RandomSource& random) {
  std::string name;
  for (const char c : user.substr(0, 40)) {
    const bool allowed = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                         std::string_view("_+=,.@-").find(c) != std::string_view::npos;
    name.push_back(allowed ? c : '-');
  }
  if (name.empty()) name = "tollgate";
  return name + "-" + random_alphanumeric(random, 8);
}

}  // namespace

// One obtain() in progress.
struct CredentialBroker::Request {
  aws::Chain chain;
  ObtainOptions options;
  aws::Endpoint endpoint;
  std::string identity;  // of the source
  std::string serial;    // of the device to ask for; empty: no MFA
  Obtained result;
  bool called_aws = false;
  TimePoint began;

  // Sessions are valid in all regions, so the region is no part of the key: one code serves them all. An endpoint of
  // one's own is another AWS.
  std::string realm() const {
    if (endpoint.configured) return endpoint.url;
    const aws::Partition* partition = aws::partition_of_region(endpoint.signing_region);
    return partition != nullptr ? std::string(partition->id) : endpoint.url;
  }

  bool asks_with_role() const {
    return !serial.empty() && role_takes_code(chain, options.role_duration, options.use_session);
  }

  bool gets_session() const { return !serial.empty() && options.use_session && !asks_with_role(); }

  vault::CacheKey session_key() const {
    return vault::CacheKey::Builder("session")
        .add("source", identity)
        .add("serial", serial)
        .add("realm", realm())
        .build();
  }

  vault::CacheKey role_key(std::size_t count) const {
    vault::CacheKey::Builder builder("role");
    builder.add("source", identity).add("serial", serial).add("realm", realm());
    builder.add("with_code", asks_with_role() ? "yes" : "no").add("session", options.use_session ? "yes" : "no");
    for (std::size_t i = 0; i < count; ++i) {
      const aws::AssumeRole& role = chain.roles[i];
      const auto duration =
          i + 1 == chain.roles.size() && options.role_duration ? options.role_duration : role.duration;
      builder.add("role_arn", role.role_arn)
          .add("external_id", role.external_id)
          .add("session_name", role.role_session_name)
          .add("source_identity", role.source_identity)
          .add("duration", duration ? fmt::format("{}", duration->count()) : "");
    }
    return builder.build();
  }
};

Secret process_json(const aws::Credentials& credentials) {
  json::Value value = json::Value::object({{"Version", 1}, {"AccessKeyId", credentials.access_key_id}});
  value.set("SecretAccessKey", std::string(credentials.secret_access_key.reveal()));
  if (credentials.temporary()) value.set("SessionToken", std::string(credentials.session_token.reveal()));
  if (credentials.expiration) value.set("Expiration", format_iso8601(*credentials.expiration));
  return Secret::take(json::to_text(value));
}

Result<Obtained> CredentialBroker::obtain(std::string_view profile, const ObtainOptions& options) {
  TG_TRY(aws::Chain chain, aws::resolve_chain(ports_.profiles, profile, ports_.environment, ports_.has_vault_keys));
  return obtain_chain(std::move(chain), options);
}

Result<Obtained> CredentialBroker::obtain_role(std::string_view profile, std::string_view role_arn,
                                               const ObtainOptions& options) {
  TG_TRY(aws::Chain chain, aws::resolve_chain(ports_.profiles, profile, ports_.environment, ports_.has_vault_keys));
  aws::AssumeRole role;
  role.profile = chain.profile;
  role.role_arn = role_arn;
  role.place = "--role-arn";
  chain.roles.push_back(std::move(role));
  return obtain_chain(std::move(chain), options);
}

Result<Obtained> CredentialBroker::obtain_source(std::string_view profile, const ObtainOptions& options) {
  TG_TRY(aws::Chain chain, aws::resolve_chain(ports_.profiles, profile, ports_.environment, ports_.has_vault_keys));
  chain.source_mfa_serial = aws::first_mfa_serial(chain);
  chain.roles.clear();
  return obtain_chain(std::move(chain), options);
}

Result<CredentialBroker::Request> CredentialBroker::make_request(aws::Chain chain, const ObtainOptions& options) {
  Request request;
  request.began = ports_.clock.now();
  request.options = options;
  request.identity = source_identity(chain.source, ports_.environment);
  if (const auto* keys = std::get_if<aws::VaultKeys>(&chain.source); keys != nullptr && ports_.vault_identity) {
    request.identity += ":" + ports_.vault_identity(*keys);
  }
  request.serial = aws::first_mfa_serial(chain);
  const std::string region = !chain.region.empty() ? chain.region : chain.source_region;
  TG_TRY(request.endpoint,
         aws::endpoint_for("STS", region, ports_.environment, ports_.profiles, ports_.profiles.find(chain.profile)));
  request.chain = std::move(chain);
  request.result.region = region;
  for (std::string& notice : cap_durations(request.chain, request.options, request.asks_with_role())) {
    request.result.notices.push_back(std::move(notice));
  }
  return request;
}

Result<Obtained> CredentialBroker::obtain_chain(aws::Chain chain, const ObtainOptions& options) {
  TG_TRY(Request request, make_request(std::move(chain), options));
  TG_TRY(request.result.credentials, after_roles(request, request.chain.roles.size()));
  request.result.from_cache = !request.called_aws;
  if (request.gets_session() && options.tell_session) {
    if (const auto session = ports_.sessions.get(request.session_key(), ports_.clock.now())) {
      request.result.session_created = session->created;
      request.result.session_expires = session->expires;
    }
  }
  return std::move(request.result);
}

std::optional<CredentialBroker::Session> CredentialBroker::cached_session(std::string_view profile) {
  auto chain = aws::resolve_chain(ports_.profiles, profile, ports_.environment, ports_.has_vault_keys);
  if (!chain) return std::nullopt;
  const auto request = make_request(std::move(*chain), {});
  if (!request || !request->gets_session()) return std::nullopt;
  const auto entry = ports_.sessions.get(request->session_key(), ports_.clock.now());
  if (!entry) return std::nullopt;
  return Session{entry->created, entry->expires};
}

std::optional<aws::Credentials> CredentialBroker::cached(Request& request, const vault::CacheKey& key, bool is_session,
                                                         bool* due) {
  const TimePoint now = ports_.clock.now();
  const auto entry = ports_.sessions.get(key, now);
  if (!entry || about_to_end(*entry, now)) return std::nullopt;
  if (request.options.renew && entry->created < request.began) return std::nullopt;
  if (is_session) {
    // Ahead of its end a session is good as long as nobody asked for more than a new one could give for a while.
    const Duration life = entry->expires - entry->created;
    if (entry->expires - now < std::min<Duration>(request.options.min_ttl, life * 3 / 4)) {
      if (due == nullptr) return std::nullopt;
      *due = true;
    }
  } else if (vault::due_for_renewal(*entry, now)) {
    if (due == nullptr) return std::nullopt;
    *due = true;
  }
  auto credentials = aws::parse_process_output(entry->payload.reveal(), now);
  if (!credentials) return std::nullopt;
  return std::move(*credentials);
}

Result<aws::Credentials> CredentialBroker::after_roles(Request& request, std::size_t count) {
  if (count == 0) return base(request);
  const bool coded = count == 1 && request.asks_with_role();
  const vault::CacheKey key = request.role_key(count);

  // A role must not outlive the promise of min_ttl: where the MFA session behind it is too short, it comes first.
  const bool session_first =
      count == request.chain.roles.size() && request.gets_session() && request.options.min_ttl > seconds(0);
  if (session_first) TG_CHECK(base(request));

  bool due = false;
  auto held = cached(request, key, coded, &due);
  if (held && !due) return std::move(*held);

  auto fresh = coded ? [&]() -> Result<aws::Credentials> {
    TG_TRY(const aws::Credentials keys, source_credentials(request));
    return role_with_code(request, keys);
  }()
      : assume_last(request, count);
  if (fresh || !held || coded) return fresh;
  request.result.notices.push_back(fmt::format("could not renew {}: {}; the old credentials are valid for another {}",
                                               request.chain.roles[count - 1].role_arn, fresh.error().message,
                                               format_duration(*held->expiration - ports_.clock.now())));
  return std::move(*held);
}

Result<aws::Credentials> CredentialBroker::assume_last(Request& request, std::size_t count) {
  const vault::CacheKey key = request.role_key(count);
  const aws::AssumeRole& role = request.chain.roles[count - 1];

  TG_TRY(const aws::Credentials caller, after_roles(request, count - 1));
  // Of many processes one calls STS, the others take what it got.
  TG_TRY(const os::PrivateDirectory* const locks, ports_.locks());
  TG_TRY(const os::FileLock lock,
         os::FileLock::acquire(*locks, "role-" + key.hex().substr(0, 32), kRoleLockPatience, ports_.clock));
  if (auto held = cached(request, key, false)) return std::move(*held);

  const auto previous = ports_.sessions.get(key, ports_.clock.now());
  aws::AssumeRoleRequest call;
  call.role_arn = role.role_arn;
  call.external_id = role.external_id;
  call.source_identity = role.source_identity;
  call.duration = effective_duration(request.chain, request.options.role_duration, count - 1, caller.temporary());
  call.session_name = role.role_session_name;
  if (call.session_name.empty() && previous) {
    const auto label = previous->labels.find("session_name");
    if (label != previous->labels.end()) call.session_name = label->second;
  }
  if (call.session_name.empty()) call.session_name = session_name_from(ports_.user_name(), ports_.random);

  aws::StsClient client = sts(request);
  request.called_aws = true;
  auto answer = client.assume_role(caller, call);
  if (!answer && answer.error().kind == aws::MappedKind::role_max_duration && call.duration > kMaxChainedDuration) {
    request.result.notices.push_back(
        fmt::format("{} does not allow sessions of {}: 1h is used. Its owner can raise the "
                    "role's MaxSessionDuration",
                    role.role_arn, format_duration(*call.duration)));
    call.duration = kMaxChainedDuration;
    answer = client.assume_role(caller, call);
  }
  keep_offset(client);
  if (!answer) {
    return fail(std::move(answer.error().error)
                    .while_doing(fmt::format("profile {}", role.profile))
                    .at(std::string(role.place)));
  }

  const TimePoint now = ports_.clock.now();
  vault::Entry entry{"role", process_json(answer->credentials), now, answer->credentials.expiration.value_or(now), {}};
  entry.labels = {{"profile", role.profile},
                  {"role_arn", role.role_arn},
                  {"account", account_of(role.role_arn)},
                  {"session_name", call.session_name}};
  TG_CHECK(ports_.sessions.put(key, entry));
  return std::move(answer->credentials);
}

Result<aws::Credentials> CredentialBroker::base(Request& request) {
  if (request.gets_session()) {
    if (auto held = cached(request, request.session_key(), true)) return std::move(*held);
  }
  TG_TRY(aws::Credentials source, source_credentials(request));
  // Temporary credentials cannot call GetSessionToken; they are used as they are.
  if (!request.gets_session() || source.temporary()) return source;
  return mfa_session(request, source);
}

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

Result<aws::Credentials> CredentialBroker::pass_gate(
    Request& request, const aws::Credentials& keys, const std::string& serial, const vault::CacheKey& wanted,
    const std::function<aws::AwsResult<aws::Credentials>(const aws::MfaCode&)>& call,
    const std::function<vault::Entry(const aws::Credentials&)>& entry) {
  std::optional<aws::Credentials> credentials;
  mfa::CodePrompt prompt;
  prompt.serial = serial;
  prompt.user_label = device_owner(serial);
  prompt.profile = request.chain.profile;
  if (!request.chain.roles.empty()) prompt.role_arn = request.chain.roles.back().role_arn;
  prompt.asked_by = ports_.asked_by();

  mfa::GateCallbacks callbacks;
  callbacks.recheck = [&] {
    credentials = cached(request, wanted, true);
    return credentials.has_value();
  };
  callbacks.spend = [&](const Secret& code) -> mfa::Attempt {
    request.called_aws = true;
    auto answer = call({serial, code});
    if (!answer) {
      aws::MappedError& error = answer.error();
      if (error.kind == aws::MappedKind::mfa_code_refused) return mfa::Attempt::refused(error.error.message);
      return mfa::Attempt::failed(std::move(error.error), error.code == aws::CodeFate::unspent);
    }
    if (auto stored = ports_.sessions.put(wanted, entry(*answer)); !stored) {
      // The code is spent and the session is here: use it, and say why the next process will ask again.
      request.result.notices.push_back(fmt::format("the session could not be kept: {}", stored.error().text()));
    }
    credentials = std::move(*answer);
    return mfa::Attempt::accepted();
  };
  TG_TRY(mfa::DeviceGate* const gate, ports_.gate());
  TG_CHECK(gate->pass({serial, keys.access_key_id}, prompt, callbacks));
  if (!credentials) return fail(Code::internal, "the device gate was passed and no session is there");
  return std::move(*credentials);
}

Result<aws::Credentials> CredentialBroker::mfa_session(Request& request, const aws::Credentials& keys) {
  aws::StsClient client = sts(request);
  seconds duration = request.options.session_duration.value_or(kDefaultSessionDuration);
  if (!request.options.session_duration && ports_.session_duration) {
    TG_TRY(duration, ports_.session_duration());
  }
  auto session = pass_gate(
      request, keys, request.serial, request.session_key(),
      [&](const aws::MfaCode& code) { return client.get_session_token(keys, duration, code); },
      [&](const aws::Credentials& credentials) {
        const TimePoint now = ports_.clock.now();
        return vault::Entry{"session",
                            process_json(credentials),
                            now,
                            credentials.expiration.value_or(now),
                            {{"profile", request.chain.source_profile},
                             {"serial", request.serial},
                             {"account", account_of(request.serial)},
                             {"source_key", last_four(keys.access_key_id)}}};
      });
  keep_offset(client);
  return session;
}

Result<aws::Credentials> CredentialBroker::role_with_code(Request& request, const aws::Credentials& keys) {
  const aws::AssumeRole& role = request.chain.roles.front();
  aws::StsClient client = sts(request);
  aws::AssumeRoleRequest call;
  call.role_arn = role.role_arn;
  call.external_id = role.external_id;
  call.source_identity = role.source_identity;
  call.duration = effective_duration(request.chain, request.options.role_duration, 0, keys.temporary());
  call.session_name =
      role.role_session_name.empty() ? session_name_from(ports_.user_name(), ports_.random) : role.role_session_name;
  auto credentials = pass_gate(
      request, keys, request.serial, request.role_key(1),
      [&](const aws::MfaCode& code) -> aws::AwsResult<aws::Credentials> {
        call.mfa = code;
        auto answer = client.assume_role(keys, call);
        if (!answer) return tl::unexpected<aws::MappedError>(std::move(answer.error()));
        return std::move(answer->credentials);
      },
      [&](const aws::Credentials& assumed) {
        const TimePoint now = ports_.clock.now();
        return vault::Entry{"role",
                            process_json(assumed),
                            now,
                            assumed.expiration.value_or(now),
                            {{"profile", role.profile},
                             {"role_arn", role.role_arn},
                             {"account", account_of(role.role_arn)},
                             {"serial", request.serial},
                             {"session_name", call.session_name}}};
      });
  keep_offset(client);
  return credentials;
}

Result<aws::CallerIdentity> CredentialBroker::caller_identity(std::string_view profile,
                                                              const aws::Credentials& credentials) {
  TG_TRY(const aws::Chain chain,
         aws::resolve_chain(ports_.profiles, profile, ports_.environment, ports_.has_vault_keys));
  Request request;
  TG_TRY(request.endpoint, aws::endpoint_for("STS", !chain.region.empty() ? chain.region : chain.source_region,
                                             ports_.environment, ports_.profiles, ports_.profiles.find(profile)));
  aws::StsClient client = sts(request);
  auto identity = client.get_caller_identity(credentials);
  keep_offset(client);
  if (!identity) return fail(std::move(identity.error().error));
  return std::move(*identity);
}

aws::StsClient CredentialBroker::sts(const Request& request) {
  aws::StsOptions options;
  if (ports_.load_clock_offset) options.clock_offset = ports_.load_clock_offset();
  return aws::StsClient(ports_.network(), ports_.clock, request.endpoint, options);
}

void CredentialBroker::keep_offset(const aws::StsClient& client) {
  if (!ports_.keep_clock_offset || client.clock_offset() == ports_.load_clock_offset()) return;
  ports_.keep_clock_offset(client.clock_offset());
}

}  // namespace tollgate::deliver
