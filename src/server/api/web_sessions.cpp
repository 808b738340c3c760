// Signing in and out in a browser, and the sessions of a person.
#include "server/api/web_sessions.h"

#include <algorithm>

#include "common/base/encoding.h"
#include "server/api/authentication.h"
#include "server/api/routes.h"
#include "server/api/two_factor.h"
#include "server/domain/ids.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::User;
using domain::WebSession;

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kMaxSessionsOfUser = 20;
constexpr std::size_t kMaxUserAgent = 200;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxPassword = 1024;

// A name that a browser gives itself is for a list that people read.
std::string shown_user_agent(const http::Request& request) {
  const std::string* sent = request.header("User-Agent");
  if (sent == nullptr) return "";
  std::string shown = sent->substr(0, kMaxUserAgent);
  std::erase_if(shown, [](char c) { return c < 0x20 || c > 0x7e; });
  return shown;
}

std::optional<User> user_of(Tables& tables, std::string_view name) {
  return name.find('@') == std::string_view::npos ? tables.users().find_by_name(name)
                                                  : tables.users().find_by_email(name);
}

json::Value session_document(const User& user, const WebSession& session) {
  const TimePoint end = std::min(session.created_at + kSessionLimit, session.last_seen_at + kSessionIdleLimit);
  return json::Value::object({{"id", session.id},
                              {"user-id", user.id},
                              {"username", user.username},
                              {"email", user.email},
                              {"is-site-admin", user.site_admin},
                              {"csrf-token", session.csrf_token},
                              {"created-at", format_iso8601(session.created_at)},
                              {"authenticated-at", format_iso8601(session.authenticated_at)},
                              {"reauthentication-seconds", std::chrono::seconds(kReauthenticationLife).count()},
                              {"expires-at", format_iso8601(session.created_at + kSessionLimit)},
                              {"idle-expires-at", format_iso8601(end)}});
}

http::Response with_cookie(http::Response response, const Secret& cookie) {
  response.headers.emplace_back("Set-Cookie", session_cookie(cookie));
  return response;
}

Error wrong_password() {
  return Error(Code::unauthorized, "the user name or the password is wrong").because("sign_in_refused");
}

// Under `purpose`, with the refusal in the audit.
PasswordAnswer judge(const Call& call, std::string_view purpose, std::string_view account,
                     const std::optional<User>& user, const Secret& password) {
  const auto hash = user ? std::optional(user->password_hash) : std::nullopt;
  const auto verdict = call.context.sign_in.check(purpose, account, call.request.peer, password, hash);
  if (verdict.answer == SignIn::Answer::right) return {.user = user, .error = {}, .retry_after = {}};
  if (verdict.answer == SignIn::Answer::wrong) {
    (void)call.store().write([&](Tables& tables) -> Result<void> {
      // What was typed is not kept: it may be the password.
      call.audit(tables, "", "session.refused", "user", user ? user->id : "",
                 json::Value::object({{"purpose", purpose}}));
      return {};
    });
  }
  return verdict_answer(verdict, wrong_password());
}

Result<http::Response> sign_in(const Call& call) {
  TG_CHECK(check_same_origin(call.context, call.request));
  TG_TRY(const json::Value document, json::parse(call.request.body));
  const json::Reader body(document);
  TG_TRY(const std::string username, body.text("username"));
  TG_TRY(const Secret password, read_password(body, "password"));
  const PasswordAnswer answer = check_password(call, username, password);
  if (!answer.user) return refusal(answer);
  TG_TRY(const AfterPassword after, after_password(call, *answer.user));
  return answer_after_password(call, *answer.user, after);
}

Result<http::Response> show_session(const Call& call) {
  TG_CHECK(require_web_session(call));
  return plain_json(200, session_document(*call.principal.user, *call.principal.session));
}

Result<http::Response> sign_out(const Call& call) {
  TG_CHECK(require_web_session(call));
  const std::string& id = call.principal.session->id;
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    tables.web_sessions().erase(id);
    call.audit(tables, "", "session.ended", "session", id);
    return {};
  }));
  call.access_changed();
  return with_cookie(no_content(), Secret());
}

Result<http::Response> reauthenticate(const Call& call) {
  TG_CHECK(require_web_session(call));
  TG_TRY(const json::Value document, json::parse(call.request.body));
  TG_TRY(const Secret password, read_password(json::Reader(document), "password"));
  const User& user = *call.principal.user;
  const PasswordAnswer answer = check_own_password(call, password);
  if (!answer.user) return refusal(answer);
  const Secret cookie = Secret::take(base64url_encode(call.context.random.bytes(kSecretBytes)));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(WebSession session, again(tables.web_sessions(), call.principal.session, "session"));
    // Another cookie: whoever knew the old one does not come along. The token against forgery stays, for it is of no
    // use without the cookie, and the person's other tabs hold it.
    session.hash = token_hash(call.context.token_key, cookie.reveal());
    session.authenticated_at = session.last_seen_at = call.now;
    TG_CHECK(tables.web_sessions().update(session));
    call.audit(tables, "", "session.reauthenticated", "session", session.id);
    return with_cookie(plain_json(200, session_document(user, session)), cookie);
  });
}

bool alive(const WebSession& session, TimePoint now) {
  return now - session.last_seen_at <= kSessionIdleLimit && now - session.created_at <= kSessionLimit;
}

Result<http::Response> list_sessions(const Call& call) {
  TG_CHECK(require_web_session(call));
  TG_TRY(const domain::Page page, read_page(call.query));
  auto sessions =
      call.store().read([&](Tables& tables) { return tables.web_sessions().of_user(call.actor().user_id); });
  std::erase_if(sessions, [&](const WebSession& session) { return !alive(session, call.now); });
  const auto part = cut_page(sessions, page);
  json::Array rows;
  for (const WebSession& session : part.rows) {
    Resource resource("web-sessions", session.id);
    resource.attribute("address", session.address)
        .attribute("user-agent", session.user_agent)
        .attribute("current", session.id == call.principal.session->id)
        .time("created-at", session.created_at)
        .time("last-seen-at", session.last_seen_at)
        .time("authenticated-at", session.authenticated_at);
    rows.push_back(std::move(resource).build());
  }
  return list_document(std::move(rows), part.total, page, call.request);
}

Result<http::Response> end_session(const Call& call) {
  TG_CHECK(require_web_session(call));
  const std::string& id = call.parameter("session_id");
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    const auto session = tables.web_sessions().find(id);
    if (!session || session->user_id != call.actor().user_id) return fail(not_found("session"));
    tables.web_sessions().erase(id);
    call.audit(tables, "", "session.ended", "session", id);
    return {};
  }));
  call.access_changed();
  const bool own = id == call.principal.session->id;
  return own ? with_cookie(no_content(), Secret()) : no_content();
}

}  // namespace

Result<Secret> read_password(const json::Reader& body, std::string_view name) {
  TG_TRY(std::string text, body.text(name));
  Secret password = Secret::take(std::move(text));
  if (password.empty()) return fail(body.error(fmt::format("{} is missing", name)));
  if (password.size() > kMaxPassword) return fail(body.error(fmt::format("{} is too long", name)));
  return password;
}

PasswordAnswer verdict_answer(const SignIn::Verdict& verdict, Error wrong) {
  PasswordAnswer answer;
  answer.retry_after = verdict.retry_after;
  if (verdict.answer == SignIn::Answer::too_often || verdict.answer == SignIn::Answer::busy) {
    answer.error = Error(Code::throttled, "too many attempts to sign in")
                       .because("too_many_attempts")
                       .do_next(fmt::format("try again in {}", format_duration(verdict.retry_after)));
  } else {
    answer.error = std::move(wrong);
  }
  return answer;
}

http::Response refusal(const PasswordAnswer& answer) {
  http::Response response = error_document(answer.error);
  if (answer.retry_after.count() > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(answer.retry_after.count()));
  }
  // It is no token that is missing.
  std::erase_if(response.headers, [](const auto& header) { return header.first == "WWW-Authenticate"; });
  return response;
}

PasswordAnswer check_own_password(const Call& call, const Secret& password) {
  const User& user = *call.principal.user;
  return judge(call, kReauthenticate, user.id, user, password);
}

Result<AfterPassword> after_password(const Call& call, const User& user) {
  AfterPassword after;
  TG_TRY(after.ticket, sign_in_ticket(call, user));
  if (!after.ticket.empty()) return after;
  TG_TRY(after.session, begin_web_session(call, user));
  return after;
}

http::Response answer_after_password(const Call& call, const User& user, const AfterPassword& after) {
  if (after.session) return signed_in(user, *after.session);
  return plain_json(202, json::Value::object({{"needs", "two-factor-code"},
                                              {"ticket", after.ticket.reveal()},
                                              {"expires-at", format_iso8601(call.now + kSignInTicketLife)}}));
}

Result<void> require_web_session(const Call& call) {
  if (call.principal.session) return {};
  return fail(Error(Code::forbidden, "this needs a person who is signed in on the page, not a token")
                  .because("web_session_required")
                  .do_next(fmt::format("sign in at {}", call.context.base_url)));
}

Result<void> require_recent_authentication(const Call& call) {
  TG_CHECK(require_web_session(call));
  if (call.now - call.principal.session->authenticated_at <= kReauthenticationLife) return {};
  return fail(Error(Code::forbidden, fmt::format("this needs your password, typed within the last {} minutes",
                                                 kReauthenticationLife.count()))
                  .because("reauthentication_required")
                  .do_next("type your password again"));
}

PasswordAnswer check_password(const Call& call, std::string_view username, const Secret& password) {
  if (username.size() > kMaxName || password.size() > kMaxPassword) return verdict_answer({}, wrong_password());
  const auto user = call.store().read([&](Tables& tables) { return user_of(tables, username); });
  // Both names of one account share its tries; a name that nobody has is its own.
  return judge(call, kSignIn, user ? user->id : username, user, password);
}

Result<NewWebSession> begin_web_session(const Call& call, const User& user) {
  NewWebSession made;
  made.cookie = Secret::take(base64url_encode(call.context.random.bytes(kSecretBytes)));
  WebSession& row = made.row;
  row.id = domain::new_id(domain::id_prefix::kWebSession, call.context.random);
  row.user_id = user.id;
  row.hash = token_hash(call.context.token_key, made.cookie.reveal());
  row.csrf_token = base64url_encode(call.context.random.bytes(kSecretBytes));
  row.address = call.request.peer;
  row.user_agent = shown_user_agent(call.request);
  row.created_at = row.last_seen_at = row.authenticated_at = call.now;
  const auto store = [&](Tables& tables) -> Result<void> {
    tables.web_sessions().erase_before(call.now - kSessionIdleLimit);
    if (const auto before = session_of_cookie(tables, call.context, call.request)) {
      tables.web_sessions().erase(before->id);
    }
    const auto others = tables.web_sessions().of_user(user.id);
    for (std::size_t i = 0; i + kMaxSessionsOfUser <= others.size(); ++i)
      tables.web_sessions().erase(others[i].id);
    TG_CHECK(tables.web_sessions().insert(row));
    domain::Actor actor = call.actor();
    actor.kind = domain::Actor::Kind::web_session;
    actor.user_id = user.id;
    actor.username = user.username;
    actor.address = call.request.peer;
    audit::append(tables, actor, {"", "session.created", "session", row.id, json::Value::object()}, call.now);
    return {};
  };
  TG_CHECK(call.store().write(store));
  return made;
}

http::Response signed_in(const User& user, const NewWebSession& session) {
  return with_cookie(plain_json(200, session_document(user, session.row)), session.cookie);
}

std::string session_cookie(const Secret& text) {
  http::Cookie cookie;
  cookie.name = kSessionCookie;
  cookie.value = text.reveal();
  // Lax and not Strict: links to a run, which logs print, open signed in. What changes something needs more than the
  // cookie anyway (check_same_origin and the token).
  cookie.same_site = http::Cookie::SameSite::lax;
  if (text.empty()) cookie.max_age = std::chrono::seconds(0);
  return *http::format_set_cookie(cookie);
}

Routes web_session_routes() {
  constexpr std::string_view kSession = "/api/web/v1/session";
  return {
      {"POST", kSession, Permission::anyone, sign_in, "Signs a browser in", Body::json},
      {"GET", kSession, Permission::person, show_session, "Who is signed in, and the token that changes need"},
      {"DELETE", kSession, Permission::person, sign_out, "Signs this browser out"},
      {"POST", "/api/web/v1/session/reauthenticate", Permission::person, reauthenticate,
       "Types the password again, for what needs it fresh", Body::json},
      {"GET", "/api/web/v1/sessions", Permission::person, list_sessions, "One's browsers that are signed in"},
      {"DELETE", "/api/web/v1/sessions/:session_id", Permission::person, end_session, "Signs a browser out"},
  };
}

}  // namespace tollgate::api
