// Enrolling an authenticator app, signing in with it, and turning it off.
#include "server/api/two_factor.h"

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/crypto/totp.h"
#include "server/api/authentication.h"
#include "server/api/routes.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::TwoFactor;
using domain::User;

constexpr std::string_view kPurpose = "sign-in-code";  // of grants
constexpr std::string_view kIssuer = "tollgate";
constexpr char kLetter = 't';
constexpr std::size_t kSecretBytes = 20;         // what RFC 4226 recommends
constexpr std::size_t kRecoveryBytes = 10;       // 80 bits
constexpr std::size_t kRecoveryCharacters = 16;  // of base32
constexpr std::size_t kGroup = 4;
constexpr std::size_t kCodeDigits = 6;
constexpr std::size_t kMaxTyped = 64;

Error wrong_code(Code code) {
  return Error(code, "the code is wrong, or was used already")
      .because("code_refused")
      .do_next("type the next one that the app shows");
}

// As people type and paste: blanks and hyphens between, either case.
std::string plain_code(std::string_view typed) {
  std::string plain;
  for (const char c : typed.substr(0, kMaxTyped)) {
    if (c == ' ' || c == '-' || c == '\t' || c == '\n' || c == '\r') continue;
    plain += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return plain;
}

bool enabled(const std::optional<TwoFactor>& factor) {
  return factor && factor->enabled_at;
}

Secret seed_of(const TwoFactor& factor) {
  return Secret::take(base32_decode(factor.secret.reveal()).value_or(""));
}

std::string recovery_hash(const Context& context, std::string_view user_id, std::string_view code) {
  return hex_encode(crypto::keyed_hash(context.token_key, "recovery-code", fmt::format("{} {}", user_id, code)));
}

// A ticket is of the password that was typed: another one since makes it none.
std::string password_mark(const Context& context, const User& user) {
  return hex_encode(crypto::keyed_hash(context.token_key, "sign-in-ticket", user.password_hash));
}

// Inside a write transaction: the code is used up where it is right.
Result<bool> use_code(Tables& tables, const Call& call, const std::string& user_id, std::string_view typed) {
  auto factor = tables.two_factors().find(user_id);
  if (!enabled(factor)) return false;
  const std::string code = plain_code(typed);
  if (code.size() == kCodeDigits) {
    const auto step = crypto::matching_totp_step(seed_of(*factor), code, call.now, factor->last_step);
    if (!step) return false;
    factor->last_step = *step;
    TG_CHECK(tables.two_factors().update(*factor));
    return true;
  }
  if (!tables.two_factors().take_recovery_code(user_id, recovery_hash(call.context, user_id, code))) return false;
  call.audit(tables, "", "two_factor.recovery_code_used", "user", user_id,
             json::Value::object({{"left", tables.two_factors().recovery_codes_left(user_id)}}));
  return true;
}

void note_refusal(Tables& tables, const Call& call, const std::string& user_id, std::string_view purpose) {
  call.audit(tables, "", "two_factor.refused", "user", user_id, json::Value::object({{"purpose", purpose}}));
}

// Ten that were not there before, shown this once.
std::vector<std::string> new_recovery_codes(Tables& tables, const Call& call, const std::string& user_id) {
  std::vector<std::string> shown;
  std::vector<std::string> hashes;
  for (int i = 0; i < kRecoveryCodes; ++i) {
    std::string code = base32_encode(call.context.random.bytes(kRecoveryBytes));
    hashes.push_back(recovery_hash(call.context, user_id, code));
    for (std::size_t at = kRecoveryCharacters - kGroup; at > 0; at -= kGroup)
      code.insert(at, 1, '-');
    for (char& c : code)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    shown.push_back(std::move(code));
  }
  tables.two_factors().set_recovery_codes(user_id, hashes);
  return shown;
}

json::Value codes_document(const std::vector<std::string>& codes) {
  json::Value list = json::Value::array();
  for (const std::string& code : codes)
    list.push(code);
  return json::Value::object({{"recovery-codes", std::move(list)}});
}

struct Proof {
  Secret password;
  std::string code;
};
Result<Proof> read_proof(const Call& call) {
  TG_TRY(const json::Value document, json::parse(call.request.body));
  const json::Reader body(document);
  Proof proof;
  TG_TRY(proof.password, read_password(body, "password"));
  TG_TRY(proof.code, body.text("code"));
  return proof;
}

// Of somebody who is signed in, whom a 401 would sign out.
http::Response own_refusal(PasswordAnswer answer) {
  if (answer.error.code == Code::unauthorized) {
    answer.error = Error(Code::forbidden, "the password is wrong").because("password_refused");
  }
  return refusal(answer);
}

// Does `change` in one transaction with the code that allows it, after the password. `right` says whether the code
// does. A refusal takes a try, and is audited.
template <class Right, class Change>
Result<http::Response> with_proof(const Call& call, Right right, Change change) {
  TG_CHECK(require_web_session(call));
  TG_TRY(const Proof proof, read_proof(call));
  const std::string& user_id = call.actor().user_id;
  const PasswordAnswer password = check_own_password(call, proof.password);
  if (!password.user) return own_refusal(password);
  std::optional<Result<http::Response>> done;
  const auto verdict = call.context.sign_in.check(kReauthenticate, user_id, call.request.peer, [&] {
    done = call.store().write([&](Tables& tables) -> Result<http::Response> {
      TG_TRY(const bool fits, right(tables, proof.code));
      if (fits) return change(tables);
      note_refusal(tables, call, user_id, kReauthenticate);
      return refusal({.user = {}, .error = wrong_code(Code::forbidden), .retry_after = {}});
    });
    return !*done || (*done)->status != 403;
  });
  if (done) return std::move(*done);
  return refusal(verdict_answer(verdict, {}));
}

std::string host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  return std::string(scheme == std::string_view::npos ? url : url.substr(scheme + 3));
}

Result<http::Response> show_two_factor(const Call& call) {
  TG_CHECK(require_web_session(call));
  const std::string& user_id = call.actor().user_id;
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto factor = tables.two_factors().find(user_id);
    const bool on = enabled(factor);
    return plain_json(
        200, json::Value::object(
                 {{"enabled", on},
                  {"enabled-at", on ? json::Value(format_iso8601(*factor->enabled_at)) : json::Value()},
                  {"recovery-codes-left", on ? tables.two_factors().recovery_codes_left(user_id) : std::int64_t{0}}}));
  });
}

Error already_on() {
  return Error(Code::conflict, "two-factor authentication is on already")
      .because("two_factor_enabled")
      .do_next("turn it off before another app is set up");
}

// Shows a new secret, this once. It counts for nothing until enable_two_factor.
Result<http::Response> start_enrolment(const Call& call) {
  TG_CHECK(require_web_session(call));
  TwoFactor factor;
  factor.id = call.actor().user_id;
  factor.created_at = call.now;
  Secret seed = Secret::take(call.context.random.bytes(kSecretBytes));
  factor.secret = Secret::take(base32_encode(seed.reveal()));
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    if (enabled(tables.two_factors().find(factor.id))) return fail(already_on());
    tables.two_factors().erase(factor.id);
    return tables.two_factors().insert(factor);
  }));
  const std::string account = fmt::format("{}@{}", call.actor().username, host_of(call.context.base_url));
  return plain_json(200, json::Value::object({{"secret", factor.secret.reveal()},
                                              {"uri", crypto::otpauth_uri(kIssuer, account, factor.secret).reveal()},
                                              {"expires-at", format_iso8601(call.now + kEnrolmentLife)}}));
}

Result<http::Response> enable_two_factor(const Call& call) {
  const std::string& user_id = call.actor().user_id;
  std::optional<TwoFactor> factor;
  const auto right = [&](Tables& tables, std::string_view typed) -> Result<bool> {
    factor = tables.two_factors().find(user_id);
    if (enabled(factor)) return fail(already_on());
    if (!factor || call.now - factor->created_at > kEnrolmentLife) {
      return fail(Error(Code::conflict, "no authenticator app is being set up, or that was begun too long ago")
                      .because("two_factor_not_begun")
                      .do_next("begin again"));
    }
    const auto step = crypto::matching_totp_step(seed_of(*factor), plain_code(typed), call.now, factor->last_step);
    if (step) factor->last_step = *step;
    return step.has_value();
  };
  const auto change = [&](Tables& tables) -> Result<http::Response> {
    factor->enabled_at = call.now;
    TG_CHECK(tables.two_factors().update(*factor));
    // Of which none has shown a code.
    for (const auto& session : tables.web_sessions().of_user(user_id)) {
      if (session.id != call.principal.session->id) tables.web_sessions().erase(session.id);
    }
    call.audit(tables, "", "two_factor.enabled", "user", user_id);
    return plain_json(200, codes_document(new_recovery_codes(tables, call, user_id)));
  };
  auto answer = with_proof(call, right, change);
  if (answer && answer->status == 200) call.access_changed();
  return answer;
}

Result<bool> use_own_code(Tables& tables, const Call& call, std::string_view typed) {
  const std::string& user_id = call.actor().user_id;
  if (!enabled(tables.two_factors().find(user_id))) {
    return fail(Error(Code::conflict, "two-factor authentication is off").because("two_factor_disabled"));
  }
  return use_code(tables, call, user_id, typed);
}

Result<http::Response> disable_two_factor(const Call& call) {
  return with_proof(
      call, [&](Tables& tables, std::string_view typed) { return use_own_code(tables, call, typed); },
      [&](Tables& tables) -> Result<http::Response> {
        tables.two_factors().erase(call.actor().user_id);
        call.audit(tables, "", "two_factor.disabled", "user", call.actor().user_id);
        return no_content();
      });
}

Result<http::Response> renew_recovery_codes(const Call& call) {
  return with_proof(
      call, [&](Tables& tables, std::string_view typed) { return use_own_code(tables, call, typed); },
      [&](Tables& tables) -> Result<http::Response> {
        call.audit(tables, "", "two_factor.recovery_codes_made", "user", call.actor().user_id);
        return plain_json(200, codes_document(new_recovery_codes(tables, call, call.actor().user_id)));
      });
}

Result<http::Response> sign_in_with_code(const Call& call) {
  TG_CHECK(check_same_origin(call.context, call.request));
  TG_TRY(const json::Value document, json::parse(call.request.body));
  const json::Reader body(document);
  TG_TRY(const std::string ticket, body.text("ticket"));
  TG_TRY(const std::string code, body.text("code"));
  const PasswordAnswer answer = check_sign_in_code(call, ticket, code);
  if (!answer.user) return refusal(answer);
  TG_TRY(const NewWebSession session, begin_web_session(call, *answer.user));
  return signed_in(*answer.user, session);
}

}  // namespace

Result<Secret> sign_in_ticket(const Call& call, const User& user) {
  if (!call.store().read([&](Tables& tables) { return enabled(tables.two_factors().find(user.id)); })) return Secret();
  Secret ticket = new_proof_text(kLetter, call.context.random);
  domain::OneTimeGrant grant;
  grant.hash = token_hash(call.context.token_key, ticket.reveal());
  grant.purpose = kPurpose;
  grant.user_id = user.id;
  grant.data = password_mark(call.context, user);
  grant.expires_at = call.now + kSignInTicketLife;
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    tables.grants().insert(grant);
    return {};
  }));
  return ticket;
}

PasswordAnswer check_sign_in_code(const Call& call, std::string_view ticket, std::string_view code) {
  const std::string hash = token_hash(call.context.token_key, ticket);
  const auto holder = [&](Tables& tables) -> std::optional<User> {
    const auto grant = tables.grants().find(kPurpose, hash, call.now);
    auto user = grant ? tables.users().find(grant->user_id) : std::nullopt;
    if (!user || grant->data != password_mark(call.context, *user)) return std::nullopt;
    return user;
  };
  PasswordAnswer over;
  over.error = Error(Code::unauthorized, "the password was typed too long ago")
                   .because(std::string(kTicketOver))
                   .do_next("sign in again");
  const auto user = call.store().read(holder);
  if (!user) return over;
  bool was_over = false;
  // The tries are those of the password: whoever knows that one guesses no more codes than passwords.
  const auto verdict = call.context.sign_in.check(kSignIn, user->id, call.request.peer, [&] {
    const auto right = call.store().write([&](Tables& tables) -> Result<bool> {
      was_over = !holder(tables);
      if (was_over) return false;
      TG_TRY(const bool fits, use_code(tables, call, user->id, code));
      if (fits) {
        tables.grants().take(kPurpose, hash, call.now);
      } else {
        note_refusal(tables, call, user->id, kSignIn);
      }
      return fits;
    });
    return right && *right;
  });
  if (verdict.answer == SignIn::Answer::right) return {.user = user, .error = {}, .retry_after = {}};
  if (was_over) return over;
  return verdict_answer(verdict, wrong_code(Code::unauthorized));
}

Routes two_factor_routes() {
  constexpr std::string_view kTwoFactor = "/api/web/v1/two-factor";
  return {
      {"POST", "/api/web/v1/session/code", Permission::anyone, sign_in_with_code,
       "Signs a browser in whose password was right, by a code of two-factor authentication", Body::json},
      {"GET", kTwoFactor, Permission::person, show_two_factor, "Whether one's two-factor authentication is on"},
      {"POST", kTwoFactor, Permission::person, start_enrolment,
       "A new secret for an authenticator app, shown this once"},
      {"POST", "/api/web/v1/two-factor/enable", Permission::person, enable_two_factor,
       "Turns it on by a first code and the password; answers with recovery codes, shown this once", Body::json},
      {"POST", "/api/web/v1/two-factor/recovery-codes", Permission::person, renew_recovery_codes,
       "New recovery codes in place of the old ones, by a code and the password", Body::json},
      {"POST", "/api/web/v1/two-factor/disable", Permission::person, disable_two_factor,
       "Turns it off by a code, or a recovery code, and the password", Body::json},
  };
}

}  // namespace tollgate::api
