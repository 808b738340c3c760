// One call of CredentialBroker::obtain in progress: what is wanted, where from, and under which cache keys. Private to
// the broker's own files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/deliver/credential_broker.h"

namespace tollgate::deliver {

struct CredentialBroker::Request {
  aws::Chain chain;
  ObtainOptions options;
  aws::Endpoint endpoint;
  std::string identity;  // of the source
  std::string serial;    // of the device to ask for; empty: no MFA
  Obtained result;
  bool called_aws = false;
  TimePoint began;
  // The role session that was wanted, once it turned out to be longer than its role allows.
  std::optional<std::chrono::seconds> too_long;
  // The MFA session, where it came with a code in this very request.
  std::optional<aws::Credentials> session;

  // Sessions are valid in all regions, so the region is no part of the key: one code serves them all. An endpoint of
  // one's own is another AWS.
  std::string realm() const;
  bool asks_with_role() const;
  bool gets_session() const;

  // How long the role at `index` shall last; nullopt: AWS's default.
  std::optional<std::chrono::seconds> wanted(std::size_t index) const;
  void want(std::size_t index, std::chrono::seconds duration);

  vault::CacheKey session_key() const;
  // Of what the first `count` roles lead to.
  vault::CacheKey role_key(std::size_t count) const;
};

// What a code brought: credentials, and the entry to keep; none where they came from the cache.
struct CredentialBroker::Granted {
  struct Kept {
    vault::CacheKey key;
    vault::Entry entry;
  };
  aws::Credentials credentials;
  std::optional<Kept> kept;
};

// How long a process waits for another one that is getting the same.
inline constexpr Duration kRoleLockPatience{45000};

// What distinguishes this source from every other one, for cache keys.
std::string source_identity(const aws::Source& source, const aws::Environment& environment);
// The account in an ARN.
std::string account_of(std::string_view arn);
// A RoleSessionName that AWS accepts: the user's name and eight random characters.
std::string session_name_from(std::string_view user, RandomSource& random);

}  // namespace tollgate::deliver
