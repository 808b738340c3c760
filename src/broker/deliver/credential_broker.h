// The use case behind every command: temporary credentials for a profile, from the cache, or from AWS with at most one
// question to a person. It decides what is called with which duration and under which cache key; it prints nothing and
// starts nothing (children, network and person come in through Ports). One thread at a time; safe between processes.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/endpoints.h"
#include "aws/process_source.h"
#include "aws/profile_chain.h"
#include "aws/sts_client.h"
#include "broker/mfa/device_gate.h"
#include "broker/vault/session_cache.h"
#include "common/base/random.h"
#include "common/net/http_client.h"

namespace tollgate::deliver {

inline constexpr std::chrono::seconds kDefaultSessionDuration{12 * 3600};
inline constexpr std::chrono::seconds kMaxSessionDuration{36 * 3600};  // GetSessionToken, IAM users
inline constexpr std::chrono::seconds kMaxChainedDuration{3600};       // AssumeRole with temporary credentials
inline constexpr std::chrono::seconds kMaxRoleDuration{12 * 3600};
inline constexpr std::chrono::seconds kMinDuration{900};

struct ObtainOptions {
  std::optional<std::chrono::seconds> role_duration;     // wins over the profile's duration_seconds
  std::optional<std::chrono::seconds> session_duration;  // none: the user's setting (Ports), else 12 h
  // What must be left of the MFA session (or of a role that was assumed with the code itself): less is renewed now,
  // with a question if need be. Counts as at most three quarters of the session's life.
  std::chrono::seconds min_ttl{0};
  // false: no GetSessionToken; a role is assumed with the code itself, keys without a role are handed out as they are.
  bool use_session = true;
  bool renew = false;  // take nothing from the cache
  // false leaves Obtained::session_created and session_expires empty, which saves reading the session.
  bool tell_session = true;
};

struct Obtained {
  aws::Credentials credentials;
  std::string region;
  bool from_cache = false;
  // The MFA session behind these credentials; none where there is no such session.
  std::optional<TimePoint> session_created;
  std::optional<TimePoint> session_expires;
  // Honest remarks for stderr: a cap that was applied, a clock that is off, old credentials after a failed renewal.
  std::vector<std::string> notices;
};

// What the outside gives. References outlive the broker.
struct Ports {
  const Clock& clock;
  RandomSource& random;
  aws::Environment environment;
  const aws::ProfileSet& profiles;
  const vault::SessionCache& sessions;
  std::function<Result<const os::PrivateDirectory*>()> locks;  // made when the first lock is needed
  std::function<Result<mfa::DeviceGate*>()> gate;              // built when a code is needed
  std::function<net::Client&()> network;                       // started when a call is needed
  aws::ProcessRunner run_process;                              // for credential_process sources
  std::function<Result<aws::Credentials>(const aws::VaultKeys&)> vault_keys;
  aws::HasVaultKeys has_vault_keys;
  std::function<std::string()> asked_by;   // for the prompt
  std::function<std::string()> user_name;  // first part of role session names
  // Where the learnt clock offset is kept between processes.
  std::function<Duration()> load_clock_offset;
  std::function<void(Duration)> keep_clock_offset;
  // What sessions of stored keys are filed under: the same after a rotation, another one for another user's keys.
  std::function<std::string(const aws::VaultKeys&)> vault_identity = {};
  // Life of a new MFA session where the request names none; asked only then, because it reads a file.
  std::function<Result<std::chrono::seconds>()> session_duration = {};
};

class CredentialBroker {
 public:
  explicit CredentialBroker(Ports ports) : ports_(std::move(ports)) {}

  // Errors: those of aws::resolve_chain, of the device gate, and AWS's answers as aws::map_sts_error words them.
  Result<Obtained> obtain(std::string_view profile, const ObtainOptions& options = {});
  // The same for a role without a profile of its own: assumed with the credentials of `profile`.
  Result<Obtained> obtain_role(std::string_view profile, std::string_view role_arn, const ObtainOptions& options = {});

  // What the profile's roles are assumed with: the MFA session, or the keys where no device is named.
  Result<Obtained> obtain_source(std::string_view profile, const ObtainOptions& options = {});

  // The MFA session that the profile's credentials would come from, if one is cached; without its secrets.
  struct Session {
    TimePoint created;
    TimePoint expires;
  };
  std::optional<Session> cached_session(std::string_view profile);

  // sts:GetCallerIdentity with these credentials, at the profile's endpoint.
  Result<aws::CallerIdentity> caller_identity(std::string_view profile, const aws::Credentials& credentials);

 private:
  struct Request;
  Result<Request> make_request(aws::Chain chain, const ObtainOptions& options);
  Result<Obtained> obtain_chain(aws::Chain chain, const ObtainOptions& options);
  Result<aws::Credentials> after_roles(Request& request, std::size_t count);
  Result<aws::Credentials> assume_last(Request& request, std::size_t count);
  Result<aws::Credentials> base(Request& request);
  Result<aws::Credentials> source_credentials(Request& request);
  Result<aws::Credentials> sso_credentials(Request& request, const aws::Sso& sso);
  Result<aws::Credentials> process_credentials(Request& request, const aws::CredentialProcess& process);
  Result<aws::Credentials> web_identity_credentials(Request& request, const aws::WebIdentity& identity);
  Result<aws::Credentials> mfa_session(Request& request, const aws::Credentials& keys);
  Result<aws::Credentials> role_with_code(Request& request, const aws::Credentials& keys);
  aws::AssumeRoleRequest role_call(const Request& request, std::size_t index);

  // With the device's gate passed: `recheck` looks whether what is wanted is there by now, `spend` sends the code.
  struct Granted;
  Result<aws::Credentials> pass_gate(Request& request, const aws::Credentials& keys,
                                     const std::function<std::optional<aws::Credentials>()>& recheck,
                                     const std::function<aws::AwsResult<Granted>(const aws::MfaCode&)>& spend);
  Result<std::chrono::seconds> session_duration(const Request& request) const;
  aws::AwsResult<Granted> spend_on_session(Request& request, aws::StsClient& client, const aws::Credentials& keys,
                                           std::chrono::seconds duration, const aws::MfaCode& code);
  // The code goes with the role. AWS refuses a session longer than the role's own maximum before it looks at the code,
  // so that the same one serves a shorter role session, and where an hour is left an MFA session.
  aws::AwsResult<Granted> spend_on_role(Request& request, aws::StsClient& client, const aws::Credentials& keys,
                                        aws::AssumeRoleRequest& call, std::chrono::seconds session_life,
                                        const aws::MfaCode& code);

  // True where `refusal` means that the role's session is too long: from now on the request wants a shorter one, and
  // so will the next.
  bool shorten(Request& request, std::size_t index, const aws::MappedError& refusal);
  void shorten(Request& request, std::size_t index, std::chrono::seconds instead);
  void use_known_limit(Request& request);

  std::optional<aws::Credentials> cached(Request& request, const vault::CacheKey& key, bool is_session,
                                         bool* due = nullptr);
  aws::StsClient sts(const Request& request);
  void keep_offset(const aws::StsClient& client);

  Ports ports_;
};

// The JSON of the credential_process contract, one line: also what a cache entry holds.
Secret process_json(const aws::Credentials& credentials);

}  // namespace tollgate::deliver
