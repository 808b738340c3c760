#include "server/api/sign_in_page.h"

#include "common/crypto/hash.h"
#include "server/api/authentication.h"
#include "server/api/two_factor.h"
#include "server/api/web_sessions.h"

namespace tollgate::api {

namespace {

constexpr std::size_t kMaxFields = 32;
constexpr std::string_view kCsrfField = "csrf";
constexpr std::string_view kTicketField = "ticket";

std::string sentence(const Error& error) {
  return error.next.empty() ? error.message : fmt::format("{}: {}", error.message, error.next);
}

Page page_of(std::string_view title, std::string_view purpose, std::string_view trouble) {
  Page page;
  page.title = title;
  page.body = fmt::format("<p>{}</p>", escape_html(purpose));
  if (!trouble.empty()) page.body += fmt::format("<p class=\"bad\" role=\"alert\">{}</p>", escape_html(trouble));
  return page;
}

// The second step.
http::Response code_page(int status, std::string_view purpose, std::string_view ticket, std::string_view trouble) {
  Page page = page_of("Two-factor authentication", purpose, trouble);
  page.body += fmt::format(
      "<form method=\"post\"><input type=\"hidden\" name=\"{}\" value=\"{}\">"
      "<label for=\"code\">Code of your authenticator app, or a recovery code</label>"
      "<input id=\"code\" name=\"code\" autocomplete=\"one-time-code\" autocapitalize=\"off\" "
      "spellcheck=\"false\" required autofocus><button>Sign in</button></form>",
      kTicketField, escape_html(ticket));
  return html_page(status, page);
}

http::Response back_with(const Call& call, const NewWebSession& session) {
  http::Response response = see_other(own_address(call));
  response.headers.emplace_back("Set-Cookie", session_cookie(session.cookie));
  return response;
}

Result<http::Response> use_code_of_form(const Call& call, const http::Pairs& form, std::string_view ticket,
                                        std::string_view purpose) {
  const PasswordAnswer answer = check_sign_in_code(call, ticket, form_field(form, "code"));
  if (answer.user) {
    TG_TRY(const NewWebSession session, begin_web_session(call, *answer.user));
    return back_with(call, session);
  }
  const int status = http_status(answer.error.code);
  // A ticket that is over has to be had anew.
  if (answer.error.reason == kTicketOver) return sign_in_page(status, purpose, sentence(answer.error));
  return code_page(status, purpose, ticket, sentence(answer.error));
}

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
  Page page = page_of("Sign in", purpose, trouble);
  page.body +=
      "<form method=\"post\"><label for=\"username\">User name or e-mail address</label>"
      "<input id=\"username\" name=\"username\" autocomplete=\"username\" required>"
      "<label for=\"password\">Password</label>"
      "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>"
      "<button>Sign in</button></form>";
  return html_page(status, page);
}

Result<http::Response> sign_in_by_form(const Call& call, const http::Pairs& form, std::string_view purpose) {
  const std::string ticket = form_field(form, kTicketField);
  if (!ticket.empty()) return use_code_of_form(call, form, ticket, purpose);
  const Secret password(form_field(form, "password"));
  const PasswordAnswer answer = check_password(call, form_field(form, "username"), password);
  if (!answer.user) return sign_in_page(http_status(answer.error.code), purpose, sentence(answer.error));
  TG_TRY(const AfterPassword after, after_password(call, *answer.user));
  if (!after.session) return code_page(200, purpose, after.ticket.reveal(), "");
  return back_with(call, *after.session);
}

}  // namespace tollgate::api
