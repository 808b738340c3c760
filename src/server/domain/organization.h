// Who there is: users, organizations, who belongs to which, and the tokens and web sessions by which they prove it.
// Rows as they are stored; tokens and passwords only as hashes. Plain values; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/secret.h"
#include "common/base/time.h"
#include "server/domain/mfa_level.h"

namespace tollgate::domain {

struct User {
  std::string id;
  std::string username;
  std::string email;
  std::string password_hash;  // Argon2id in libsodium's text form; empty: no password yet
  bool site_admin = false;
  TimePoint created_at{};
};

enum class ExecutionMode { remote, local };

struct Organization {
  std::string id;
  std::string name;
  std::string email;
  MfaLevel aws_mfa = MfaLevel::never;
  ExecutionMode default_execution_mode = ExecutionMode::remote;
  std::chrono::seconds plan_gate_deadline{15 * 60};
  std::chrono::seconds apply_gate_deadline{24 * 3600};
  std::chrono::seconds plan_limit{3600};
  std::chrono::seconds apply_limit{4 * 3600};
  TimePoint created_at{};
};

enum class MembershipRole { member, owner };

struct Membership {
  std::string id;
  std::string organization_id;
  std::string user_id;
  MembershipRole role = MembershipRole::member;
  TimePoint created_at{};
};

enum class TokenKind { user, organization, run };

// `hash` is a keyed hash of the token's text, which exists only in the answer that creates it.
struct Token {
  std::string id;
  TokenKind kind = TokenKind::user;
  std::string user_id;          // of kind user
  std::string organization_id;  // of kind organization
  std::string run_id;           // of kind run: dies with the phase
  std::string description;
  std::string hash;
  TimePoint created_at{};
  std::optional<TimePoint> last_used_at;
  std::optional<TimePoint> expires_at;
};

// A browser that signed in. `hash` as above, of the cookie.
struct WebSession {
  std::string id;
  std::string user_id;
  std::string hash;
  std::string csrf_token;
  std::string address;
  std::string user_agent;
  TimePoint created_at{};
  TimePoint last_seen_at{};
  TimePoint authenticated_at{};  // when the password was last typed
};

// What a person shows beside the password when signing in: an authenticator app, if `enabled_at` is there. Until a
// first code was given back it counts for nothing.
struct TwoFactor {
  std::string id;               // the user's
  std::int64_t last_step = -1;  // of the last code that was accepted; neither it nor an earlier one is again
  TimePoint created_at{};
  std::optional<TimePoint> enabled_at;
  Secret secret;  // base32
};

// Something to be used once and soon: the set-up link of a new user, the authorization code of `terraform login`.
struct OneTimeGrant {
  std::string hash;     // of its text
  std::string purpose;  // "setup-link", "oauth-code", "sign-in-code"
  std::string user_id;
  std::string data;  // what it is bound to, for example the PKCE challenge and the redirect address
  TimePoint expires_at{};
};

// What the owners of an organization are told: that somebody changed what guards it. Beside the audit, which holds more
// and which nobody reads every day.
struct Notice {
  std::string id;
  std::string organization_id;
  std::string kind;      // machine-readable, "aws_mfa.level"
  std::string sentence;  // who did what
  std::string actor;     // user name; empty: on the server's host
  TimePoint created_at{};
};

// Who does something: what authentication found out, and what the audit writes down.
struct Actor {
  enum class Kind { system, user_token, web_session, organization_token, run_token };
  Kind kind = Kind::system;
  std::string user_id;          // of user_token and web_session
  std::string username;         // the same
  std::string organization_id;  // of organization_token
  std::string run_id;           // of run_token
  std::string token_id;         // or the web session's
  std::string address;          // of the peer

  bool person() const { return kind == Kind::user_token || kind == Kind::web_session; }
};

}  // namespace tollgate::domain
