// First passwords by a one-time link, and changing one's own.
#include "server/api/setup.h"

#include "server/api/authentication.h"
#include "server/api/page.h"
#include "server/api/routes.h"
#include "server/api/sign_in.h"
#include "server/api/web_sessions.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::User;

constexpr std::string_view kPurpose = "setup-link";
constexpr char kLetter = 's';
constexpr std::size_t kMinPassword = 12;
constexpr std::size_t kMaxPassword = 1024;

Error bad_link() {
  return Error(Code::not_found, "the set-up link was used already, is older than 15 minutes, or is none")
      .because("setup_link_invalid")
      .do_next("make a new one on the server's host: tollgate-server user setup-link DIR NAME");
}

Result<std::string> new_hash(const Call& call, const Secret& password, const User& user) {
  TG_CHECK(check_new_password(password, user));
  return crypto::hash_password(password, call.context.sign_in.cost());
}

// Ends every session, since someone who knew the old password may hold one.
Result<void> store_password(Tables& tables, const Call& call, User user, const std::string& hash,
                            std::string_view event, std::string_view kept_session) {
  user.password_hash = hash;
  TG_CHECK(tables.users().update(user));
  for (const auto& session : tables.web_sessions().of_user(user.id)) {
    if (session.id != kept_session) tables.web_sessions().erase(session.id);
  }
  call.audit(tables, "", event, "user", user.id);
  return {};
}

struct Used {
  User user;
  AfterPassword after;
};

// The link is used up by a password that is good, not by looking at it.
Result<Used> use_link(const Call& call, std::string_view token, const Secret& password) {
  const std::string hash = token_hash(call.context.token_key, token);
  const auto find_user = [&](Tables& tables) -> Result<User> {
    const auto grant = tables.grants().find(kPurpose, hash, call.now);
    auto user = grant ? tables.users().find(grant->user_id) : std::nullopt;
    if (!user) return fail(bad_link());
    return std::move(*user);
  };
  Used used;
  TG_TRY(used.user, call.store().read(find_user));
  TG_TRY(const std::string password_hash, new_hash(call, password, used.user));
  const auto use = [&](Tables& tables) -> Result<void> {
    const auto grant = tables.grants().take(kPurpose, hash, call.now);
    auto user = grant ? tables.users().find(grant->user_id) : std::nullopt;
    if (!user) return fail(bad_link());
    return store_password(tables, call, std::move(*user), password_hash, "user.set_up", "");
  };
  TG_CHECK(call.store().write(use));
  // Whoever has two-factor authentication shows the code too: a lost password is not a lost phone.
  TG_TRY(used.user,
         call.store().read([&](Tables& tables) { return again(tables.users(), std::optional(used.user), "user"); }));
  TG_TRY(used.after, after_password(call, used.user));
  return used;
}

Result<http::Response> use_link_as_document(const Call& call) {
  TG_CHECK(check_same_origin(call.context, call.request));
  TG_TRY(const json::Value document, json::parse(call.request.body));
  const json::Reader body(document);
  TG_TRY(const std::string token, body.text("token"));
  TG_TRY(std::string password, body.text("password"));
  TG_TRY(const Used used, use_link(call, token, Secret::take(std::move(password))));
  return answer_after_password(call, used.user, used.after);
}

http::Response setup_page(int status, std::string_view trouble, std::string_view token) {
  Page page;
  page.title = "Choose your password";
  page.own_script = true;
  if (!trouble.empty()) page.body = fmt::format("<p class=\"bad\" role=\"alert\">{}</p>", escape_html(trouble));
  page.body += fmt::format(
      "<form method=\"post\" action=\"/setup\">"
      "<label for=\"token\">Set-up code (behind the # of your link)</label>"
      "<input id=\"token\" name=\"token\" value=\"{}\" autocomplete=\"off\" required>"
      "<label for=\"password\">New password, at least {} characters</label>"
      "<input id=\"password\" name=\"password\" type=\"password\" minlength=\"{}\" autocomplete=\"new-password\" "
      "required><label for=\"again\">The same again</label>"
      "<input id=\"again\" name=\"again\" type=\"password\" autocomplete=\"new-password\" required>"
      "<button>Set password</button></form>",
      escape_html(token), kMinPassword, kMinPassword);
  return html_page(status, page);
}

Result<http::Response> show_setup(const Call&) {
  return setup_page(200, "", "");
}

// Takes the code out of the address, where it would stay in the history.
Result<http::Response> show_setup_script(const Call&) {
  http::Response response;
  response.headers = {{"Content-Type", "text/javascript; charset=utf-8"}};
  response.body =
      "const field = document.getElementById('token');\n"
      "if (field && location.hash.length > 1) {\n"
      "  field.value = decodeURIComponent(location.hash.slice(1));\n"
      "  history.replaceState(null, '', location.pathname);\n"
      "  document.getElementById('password').focus();\n"
      "}\n";
  return response;
}

Result<http::Response> use_setup_form(const Call& call) {
  TG_CHECK(check_same_origin(call.context, call.request));
  TG_TRY(http::Pairs form, http::parse_form(call.request.body, 8));
  const auto field = [&](std::string_view name) {
    const std::string* value = http::find_pair(form, name);
    return value != nullptr ? *value : std::string();
  };
  const std::string token = field("token");
  const Secret password(field("password"));
  const bool same = password == Secret(field("again"));
  for (auto& [name, value] : form)
    wipe(value);
  if (!same) return setup_page(422, "The two passwords are not the same.", token);
  const auto used = use_link(call, token, password);
  if (!used) {
    const Error& error = used.error();
    if (http_status(error.code) >= 500) return fail(error);
    return setup_page(http_status(error.code), fmt::format("{}. {}", error.message, error.next), token);
  }
  Page done;
  done.title = "Your password is set";
  if (!used->after.session) {
    done.body =
        "<p>Sign in with it, and with a code of your authenticator app.</p><p><a href=\"/login\">Sign in</a></p>";
    return html_page(200, done);
  }
  done.body = fmt::format("<p>You are signed in as {}.</p><p><a href=\"/app\">To your organizations</a></p>",
                          escape_html(used->user.username));
  http::Response response = html_page(200, done);
  response.headers.emplace_back("Set-Cookie", session_cookie(used->after.session->cookie));
  return response;
}

Result<http::Response> change_password(const Call& call) {
  TG_CHECK(require_recent_authentication(call));
  TG_TRY(const json::Value document, json::parse(call.request.body));
  TG_TRY(std::string text, json::Reader(document).text("password"));
  TG_TRY(const std::string hash, new_hash(call, Secret::take(std::move(text)), *call.principal.user));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(User user, again(tables.users(), call.principal.user, "user"));
    TG_CHECK(store_password(tables, call, std::move(user), hash, "user.password_changed", call.principal.session->id));
    return no_content();
  });
}

}  // namespace

Secret make_setup_link(Tables& tables, const Secret& token_key, RandomSource& random, std::string_view base_url,
                       std::string_view user_id, TimePoint now) {
  const Secret token = new_proof_text(kLetter, random);
  domain::OneTimeGrant grant;
  grant.hash = token_hash(token_key, token.reveal());
  grant.purpose = kPurpose;
  grant.user_id = user_id;
  grant.expires_at = now + kSetupLinkLife;
  tables.grants().insert(grant);
  return Secret::take(fmt::format("{}/setup#{}", base_url, token.reveal()));
}

Result<void> check_new_password(const Secret& password, const User& user) {
  const auto refuse = [](std::string text) {
    return fail(Error(Code::invalid, std::move(text)).because("password_too_weak").at("/password"));
  };
  if (password.size() < kMinPassword) return refuse(fmt::format("a password has at least {} characters", kMinPassword));
  if (password.size() > kMaxPassword) return refuse(fmt::format("a password has at most {} characters", kMaxPassword));
  const std::string_view text = password.reveal();
  if (text == user.username || text == user.email) return refuse("a password is not one's own name or address");
  if (text.find_first_not_of(text.front()) == std::string_view::npos) {
    return refuse("a password is more than one character many times");
  }
  return {};
}

Routes setup_routes() {
  return {
      {"GET", "/setup", Permission::anyone, show_setup, "The page of a set-up link"},
      {"GET", "/setup.js", Permission::anyone, show_setup_script, "Its script"},
      {"POST", "/setup", Permission::anyone, use_setup_form, "Its form: sets a first password", Body::form},
      {"POST", "/api/web/v1/setup", Permission::anyone, use_link_as_document,
       "Sets a first password by a set-up link, and signs in", Body::json},
      {"POST", "/api/web/v1/password", Permission::person, change_password,
       "Changes one's own password, after the old one was typed", Body::json},
  };
}

}  // namespace tollgate::api
