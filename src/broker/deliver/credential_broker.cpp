#include "broker/deliver/credential_broker.h"

#include <algorithm>

#include "broker/deliver/credential_request.h"
#include "broker/deliver/durations.h"
#include "common/json/value.h"
#include "common/os/file_lock.h"

namespace tollgate::deliver {
namespace {

using std::chrono::seconds;

// With less left an entry cannot be counted on to survive the call that it signs: ten seconds, or an eighth of a life
// that is itself short.
bool about_to_end(const vault::Entry& entry, TimePoint now) {
  return entry.expires - now <= std::min<Duration>(seconds(10), (entry.expires - entry.created) / 8);
}

}  // namespace

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
  use_known_limit(request);
  return request;
}

Result<Obtained> CredentialBroker::obtain_chain(aws::Chain chain, const ObtainOptions& options) {
  TG_TRY(Request request, make_request(std::move(chain), options));
  TG_TRY(request.result.credentials, after_roles(request, request.chain.roles.size()));
  request.result.from_cache = !request.called_aws;
  if (request.too_long) {
    const std::size_t last = request.chain.roles.size() - 1;
    request.result.notices.push_back(role_limit_notice(request.chain.roles[last].role_arn, *request.too_long,
                                                       request.wanted(last).value_or(kMaxChainedDuration)));
  }
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
  aws::AssumeRoleRequest call = role_call(request, count - 1);
  call.duration = effective_duration(request.chain, request.options.role_duration, count - 1, caller.temporary());
  if (role.role_session_name.empty() && previous) {
    const auto label = previous->labels.find("session_name");
    if (label != previous->labels.end()) call.session_name = label->second;
  }

  aws::StsClient client = sts(request);
  request.called_aws = true;
  auto answer = client.assume_role(caller, call);
  while (!answer && shorten(request, count - 1, answer.error())) {
    call.duration = request.wanted(count - 1);
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
  TG_CHECK(ports_.sessions.put(request.role_key(count), entry));
  return std::move(answer->credentials);
}

aws::AssumeRoleRequest CredentialBroker::role_call(const Request& request, std::size_t index) {
  const aws::AssumeRole& role = request.chain.roles[index];
  aws::AssumeRoleRequest call;
  call.role_arn = role.role_arn;
  call.external_id = role.external_id;
  call.source_identity = role.source_identity;
  call.session_name =
      role.role_session_name.empty() ? session_name_from(ports_.user_name(), ports_.random) : role.role_session_name;
  return call;
}

Result<aws::Credentials> CredentialBroker::base(Request& request) {
  if (request.session) return *request.session;
  if (request.gets_session()) {
    if (auto held = cached(request, request.session_key(), true)) return std::move(*held);
  }
  TG_TRY(aws::Credentials source, source_credentials(request));
  // Temporary credentials cannot call GetSessionToken; they are used as they are.
  if (!request.gets_session() || source.temporary()) return source;
  return mfa_session(request, source);
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
