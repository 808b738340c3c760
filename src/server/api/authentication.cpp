#include "server/api/authentication.h"

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/http/url_text.h"

namespace tollgate::api {

namespace {

using domain::Actor;
using domain::TokenKind;

constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kChecksumCharacters = 6;
constexpr std::chrono::minutes kNoteUseEvery{1};

std::string checksum(std::string_view text) {
  return base64url_encode(crypto::sha256(text)).substr(0, kChecksumCharacters);
}

std::string_view bearer(const http::Request& request) {
  const std::string* header = request.header("Authorization");
  if (header == nullptr) return {};
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view text = *header;
  if (text.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    if ((text[i] | 0x20) != (kScheme[i] | 0x20)) return {};
  }
  return text.substr(kScheme.size());
}

bool safe_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

Principal of_user(domain::Tables& tables, const std::string& user_id, Actor::Kind kind, const std::string& proof_id,
                  const std::string& address) {
  Principal principal;
  principal.actor.address = address;
  principal.user = tables.users().find(user_id);
  if (!principal.user) return principal;
  principal.actor.kind = kind;
  principal.actor.user_id = user_id;
  principal.actor.username = principal.user->username;
  principal.actor.token_id = proof_id;
  principal.authenticated = true;
  return principal;
}

bool has_ended(const domain::Token& token, TimePoint now) {
  return token.expires_at && *token.expires_at <= now;
}

bool has_ended(const domain::WebSession& session, TimePoint now) {
  return now - session.last_seen_at > kSessionIdleLimit || now - session.created_at > kSessionLimit;
}

Principal by_token(domain::Tables& tables, const Context& context, std::string_view text, const std::string& address) {
  Principal principal;
  principal.actor.address = address;
  if (!well_formed_token(text)) return principal;
  const auto token = tables.tokens().find_by_hash(token_hash(context.token_key, text));
  if (!token || has_ended(*token, context.clock.now())) return principal;
  switch (token->kind) {
    case TokenKind::user:
      return of_user(tables, token->user_id, Actor::Kind::user_token, token->id, address);
    case TokenKind::organization:
      principal.actor.kind = Actor::Kind::organization_token;
      principal.actor.organization_id = token->organization_id;
      principal.authenticated = true;
      break;
    case TokenKind::run:
      principal.run = tables.runs().find(token->run_id);
      if (!principal.run || domain::is_final(principal.run->status)) return principal;
      principal.actor.kind = Actor::Kind::run_token;
      principal.actor.run_id = token->run_id;
      principal.authenticated = true;
      break;
  }
  principal.actor.token_id = token->id;
  return principal;
}

Result<Principal> by_session(domain::Tables& tables, const Context& context, const http::Request& request) {
  const auto session = session_of_cookie(tables, context, request);
  if (!session) return nobody(request);
  if (!safe_method(request.method)) {
    TG_CHECK(check_same_origin(context, request));
    const std::string* token = request.header(kCsrfHeader);
    if (token == nullptr || !crypto::constant_time_equal(*token, session->csrf_token)) {
      return fail(Error(Code::forbidden, fmt::format("the {} header does not fit the session", kCsrfHeader))
                      .because("csrf")
                      .do_next("reload the page"));
    }
  }
  Principal principal = of_user(tables, session->user_id, Actor::Kind::web_session, session->id, request.peer);
  if (principal.authenticated) principal.session = session;
  return principal;
}

}  // namespace

Secret new_token_text(TokenKind kind, RandomSource& random) {
  return new_proof_text(kind == TokenKind::user ? 'u' : kind == TokenKind::organization ? 'o' : 'r', random);
}

Secret new_proof_text(char letter, RandomSource& random) {
  std::string text = fmt::format("tg{}.{}", letter, base64url_encode(random.bytes(kRandomBytes)));
  text += checksum(text);
  return Secret::take(std::move(text));
}

std::string token_hash(const Secret& token_key, std::string_view text) {
  return hex_encode(crypto::keyed_hash(token_key, "token-v1", text));
}

bool well_formed_token(std::string_view text) {
  constexpr std::size_t kLength = 4 + 43 + kChecksumCharacters;
  if (text.size() != kLength || text.substr(0, 2) != "tg" || text[3] != '.') return false;
  return checksum(text.substr(0, kLength - kChecksumCharacters)) == text.substr(kLength - kChecksumCharacters);
}

Result<void> check_same_origin(const Context& context, const http::Request& request) {
  const std::string* origin = request.header("Origin");
  const std::string* site = request.header("Sec-Fetch-Site");
  const bool foreign_site = site != nullptr && *site != "same-origin";
  // A browser sends Origin with every request that changes something (Fetch standard, 3.2), so its absence is no proof.
  if (foreign_site || origin == nullptr || *origin != context.base_url) {
    return fail(Error(Code::forbidden, "this request does not come from a page of this server")
                    .because("csrf")
                    .do_next(fmt::format("use the page at {}", context.base_url)));
  }
  return {};
}

Result<Principal> authenticate(domain::Tables& tables, const Context& context, const http::Request& request) {
  // A token that is there decides alone: a browser never sends one by itself.
  if (request.header("Authorization") != nullptr) return by_token(tables, context, bearer(request), request.peer);
  return by_session(tables, context, request);
}

std::optional<domain::WebSession> session_of_cookie(domain::Tables& tables, const Context& context,
                                                    const http::Request& request) {
  const std::string* header = request.header("Cookie");
  if (header == nullptr) return std::nullopt;
  const http::Pairs cookies = http::parse_cookies(*header);
  const std::string* cookie = http::find_pair(cookies, kSessionCookie);
  if (cookie == nullptr) return std::nullopt;
  auto session = tables.web_sessions().find_by_hash(token_hash(context.token_key, *cookie));
  if (!session || has_ended(*session, context.clock.now())) return std::nullopt;
  return session;
}

Principal nobody(const http::Request& request) {
  Principal principal;
  principal.actor.address = request.peer;
  return principal;
}

std::optional<Principal> still_authenticated(domain::Tables& tables, const Principal& principal, TimePoint now) {
  if (!principal.authenticated) return std::nullopt;
  Principal still = principal;
  if (principal.session) {
    still.session = tables.web_sessions().find(principal.session->id);
    if (!still.session || has_ended(*still.session, now)) return std::nullopt;
  } else {
    const auto token = tables.tokens().find(principal.actor.token_id);
    if (!token || has_ended(*token, now)) return std::nullopt;
  }
  if (!principal.user) return still;
  still.user = tables.users().find(principal.user->id);
  if (!still.user) return std::nullopt;
  return still;
}

void note_use(const Context& context, const Principal& principal) {
  if (!principal.authenticated || principal.actor.token_id.empty()) return;
  const TimePoint now = context.clock.now();
  if (principal.session) {
    if (now - principal.session->last_seen_at < kNoteUseEvery) return;
    (void)context.store.write([&](domain::Tables& tables) -> Result<void> {
      auto session = tables.web_sessions().find(principal.session->id);
      if (!session) return {};
      session->last_seen_at = now;
      return tables.web_sessions().update(*session);
    });
    return;
  }
  const auto stale = context.store.read([&](domain::Tables& tables) {
    const auto token = tables.tokens().find(principal.actor.token_id);
    return token && (!token->last_used_at || now - *token->last_used_at >= kNoteUseEvery);
  });
  if (!stale) return;
  (void)context.store.write([&](domain::Tables& tables) -> Result<void> {
    auto token = tables.tokens().find(principal.actor.token_id);
    if (!token) return {};
    token->last_used_at = now;
    return tables.tokens().update(*token);
  });
}

}  // namespace tollgate::api
