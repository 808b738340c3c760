// Who sends a request: a bearer token, or the cookie of a signed-in browser. Tokens and cookies are found by their
// keyed hash, so the database holds nothing that signs in, and a lookup's time says nothing about the text. A request
// with a cookie that changes something must also come from our own pages (CSRF). Threads: as the store.
//
// A token is `tg<kind>.<random>` with kind u (user), o (organization), r (run); the random part has 43 characters of
// 256 bits and 6 of a checksum, so that scanners of leaked secrets can tell it from noise.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/http/server.h"
#include "server/api/context.h"
#include "server/api/permission.h"

namespace tollgate::api {

inline constexpr std::string_view kSessionCookie = "__Host-tollgate-session";
inline constexpr std::string_view kCsrfHeader = "X-CSRF-Token";
inline constexpr std::chrono::hours kSessionIdleLimit{1};
inline constexpr std::chrono::hours kSessionLimit{12};
// How recently a password must have been typed for what the design calls re-authenticated.
inline constexpr std::chrono::minutes kReauthenticationLife{5};

// "tg<letter>.<random>": the text of anything that proves something by being known.
Secret new_proof_text(char letter, RandomSource& random);
Secret new_token_text(domain::TokenKind kind, RandomSource& random);
// Of tokens, cookies and one-time grants: lower-case hex.
std::string token_hash(const Secret& token_key, std::string_view text);
bool well_formed_token(std::string_view text);

// Absent, unknown and expired proofs give a Principal that is not authenticated; only a cookie used from elsewhere is
// an error (Code::forbidden, reason "csrf"). `tables` is a transaction of any kind.
Result<Principal> authenticate(domain::Tables& tables, const Context& context, const http::Request& request);

Principal nobody(const http::Request& request);

// The session that the request's cookie names, if it is not over; nothing is said about where the request comes from.
std::optional<domain::WebSession> session_of_cookie(domain::Tables& tables, const Context& context,
                                                    const http::Request& request);

// The same proof some time later, for what lives longer than a request; nullopt where it has ended meanwhile.
std::optional<Principal> still_authenticated(domain::Tables& tables, const Principal& principal, TimePoint now);

// Notes that a token or session was used, at most once a minute and in a transaction of its own.
void note_use(const Context& context, const Principal& principal);

// Whether the request comes from a page of this server: by Origin and Sec-Fetch-Site, and the session's own token.
Result<void> check_same_origin(const Context& context, const http::Request& request);

}  // namespace tollgate::api
