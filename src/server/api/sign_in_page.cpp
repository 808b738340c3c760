#include "server/api/sign_in_page.h"

#include "common/crypto/hash.h"
#include "server/api/authentication.h"
#include "server/api/web_sessions.h"

namespace tollgate::api {

namespace {

constexpr std::size_t kMaxFields = 32;
constexpr std::string_view kCsrfField = "csrf";

}  // namespace

Result<http::Pairs> read_form(const Call& call) {
  TG_CHECK(check_same_origin(call.context, call.request));
  return http::parse_form(call.request.body, kMaxFields);
}

std::string form_field(const http::Pairs& form, std::string_view name) {
  const std::string* value = http::find_pair(form, name);
  return value != nullptr ? *value : std::string();
}

std::string own_address(const Call& call) {
  const std::string_view query = call.request.query();
  return fmt::format("{}{}{}", call.request.path(), query.empty() ? "" : "?", query);
}

std::optional<Visitor> visitor_of(const Call& call) {
  return call.store().read([&](domain::Tables& tables) -> std::optional<Visitor> {
    auto session = session_of_cookie(tables, call.context, call.request);
    auto user = session ? tables.users().find(session->user_id) : std::nullopt;
    if (!user) return std::nullopt;
    return Visitor{std::move(*user), std::move(*session)};
  });
}

Call as_visitor(const Call& call, const Visitor& visitor) {
  Call theirs = call;
  theirs.principal.authenticated = true;
  theirs.principal.user = visitor.user;
  theirs.principal.session = visitor.session;
  theirs.principal.actor.kind = domain::Actor::Kind::web_session;
  theirs.principal.actor.user_id = visitor.user.id;
  theirs.principal.actor.username = visitor.user.username;
  theirs.principal.actor.token_id = visitor.session.id;
  return theirs;
}

std::string csrf_field(const Visitor& visitor) {
  return fmt::format("<input type=\"hidden\" name=\"{}\" value=\"{}\">", kCsrfField, visitor.session.csrf_token);
}

Result<void> check_form(const http::Pairs& form, const Visitor& visitor) {
  if (crypto::constant_time_equal(form_field(form, kCsrfField), visitor.session.csrf_token)) return {};
  return fail(
      Error(Code::forbidden, "this form belongs to another session").because("csrf").do_next("open the page again"));
}

http::Response sign_in_page(int status, std::string_view purpose, std::string_view trouble) {
  Page page;
  page.title = "Sign in";
  page.body = fmt::format("<p>{}</p>", escape_html(purpose));
  if (!trouble.empty()) page.body += fmt::format("<p class=\"bad\" role=\"alert\">{}</p>", escape_html(trouble));
  page.body +=
      "<form method=\"post\"><label for=\"username\">User name or e-mail address</label>"
      "<input id=\"username\" name=\"username\" autocomplete=\"username\" required>"
      "<label for=\"password\">Password</label>"
      "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>"
      "<button>Sign in</button></form>";
  return html_page(status, page);
}

Result<http::Response> sign_in_by_form(const Call& call, const http::Pairs& form, std::string_view purpose) {
  const Secret password(form_field(form, "password"));
  const PasswordAnswer answer = check_password(call, form_field(form, "username"), password);
  if (!answer.user) {
    const Error& error = answer.error;
    const std::string text = error.next.empty() ? error.message : fmt::format("{}: {}", error.message, error.next);
    return sign_in_page(http_status(error.code), purpose, text);
  }
  TG_TRY(const NewWebSession session, begin_web_session(call, *answer.user));
  http::Response response = see_other(own_address(call));
  response.headers.emplace_back("Set-Cookie", session_cookie(session.cookie));
  return response;
}

}  // namespace tollgate::api
