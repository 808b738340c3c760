#include "server/api/terraform_login.h"

#include <charconv>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "server/api/authentication.h"
#include "server/api/sign_in_page.h"
#include "server/api/tokens.h"

namespace tollgate::api {

namespace {

using domain::Tables;

constexpr std::string_view kClient = "terraform-cli";
constexpr std::string_view kPurpose = "oauth-code";
constexpr std::string_view kWhy = "Terraform on this computer asks for a token. Sign in to decide.";
constexpr char kLetter = 'c';
constexpr std::chrono::seconds kCodeLife{60};
// In place of a code: stock terraform takes an answer without one for a mistake, and waits on, deaf to Ctrl-C.
constexpr std::string_view kRefused = "refused";
constexpr std::size_t kMaxState = 1024;

// What terraform asks for, checked: no part of it leads anywhere but to the machine of whoever looks at the page.
struct Wish {
  std::string redirect;  // http://localhost:10000/login
  std::string origin;    // http://localhost:10000
  std::string state;
  std::string challenge;
};

std::optional<std::string> login_origin(std::string_view redirect) {
  constexpr std::string_view kBefore = "http://localhost:";
  constexpr std::string_view kBehind = "/login";
  if (!redirect.starts_with(kBefore) || !redirect.ends_with(kBehind)) return std::nullopt;
  const std::string_view digits = redirect.substr(kBefore.size(), redirect.size() - kBefore.size() - kBehind.size());
  std::int64_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || std::to_string(port) != digits ||
      port < kFirstLoginPort || port > kLastLoginPort) {
    return std::nullopt;
  }
  return std::string(redirect.substr(0, redirect.size() - kBehind.size()));
}

Result<Wish> read_wish(const Call& call) {
  const auto refuse = [](std::string_view what) {
    return fail(Error(Code::usage, fmt::format("this is not a sign-in of terraform: {}", what))
                    .because("bad_login_request")
                    .do_next("start again with terraform login"));
  };
  Wish wish;
  if (call.query_text("client_id") != kClient) return refuse("the client_id is another one");
  if (call.query_text("response_type") != "code") return refuse("the response_type is not code");
  wish.redirect = call.query_text("redirect_uri");
  const auto origin = login_origin(wish.redirect);
  if (!origin) {
    return refuse(fmt::format("the redirect_uri is not http://localhost:PORT/login with a port from {} to {}",
                              kFirstLoginPort, kLastLoginPort));
  }
  wish.origin = *origin;
  wish.challenge = call.query_text("code_challenge");
  const auto digest = base64url_decode(wish.challenge);
  if (call.query_text("code_challenge_method") != "S256" || !digest || digest->size() != 32) {
    return refuse("there is no code_challenge of the method S256");
  }
  wish.state = call.query_text("state");
  if (wish.state.empty() || wish.state.size() > kMaxState) return refuse("the state is missing or too long");
  return wish;
}

http::Response trouble_page(const Error& error) {
  Page page;
  page.title = "This cannot be done";
  page.body = fmt::format("<p class=\"bad\" role=\"alert\">{}</p><p>{}</p>", escape_html(error.message),
                          escape_html(error.next));
  return html_page(http_status(error.code), page);
}

http::Response consent_page(const Wish& wish, const Visitor& visitor) {
  Page page;
  page.title = "Terraform asks for a token";
  page.form_target = wish.origin;
  page.body = fmt::format(
      "<p>A program on this computer, which waits at <code>{}</code>, wants to act as <b>{}</b> on this server: to "
      "start runs, read state and change workspaces. Go on only if you have just run <code>terraform login</code>.</p>"
      "<form method=\"post\">{}<button name=\"decision\" value=\"allow\">Give it a token</button> "
      "<button class=\"plain\" name=\"decision\" value=\"deny\">No</button> "
      "<button class=\"plain\" name=\"decision\" value=\"other\">I am not {}</button></form>",
      escape_html(wish.origin), escape_html(visitor.user.username), csrf_field(visitor),
      escape_html(visitor.user.username));
  return html_page(200, page);
}

Result<http::Response> show_authorize(const Call& call) {
  const auto wish = read_wish(call);
  if (!wish) return trouble_page(wish.error());
  const auto visitor = visitor_of(call);
  return visitor ? consent_page(*wish, *visitor) : sign_in_page(200, kWhy);
}

http::Response back_to_terraform(const Wish& wish, std::string_view code) {
  return see_other(fmt::format("{}?code={}&state={}", wish.redirect, percent_encode(code), percent_encode(wish.state)));
}

Result<http::Response> allow(const Call& call, const Wish& wish, const Visitor& visitor) {
  const Secret code = new_proof_text(kLetter, call.context.random);
  domain::OneTimeGrant grant;
  grant.hash = token_hash(call.context.token_key, code.reveal());
  grant.purpose = kPurpose;
  grant.user_id = visitor.user.id;
  grant.data = json::to_text(json::Value::object({{"challenge", wish.challenge}, {"redirect", wish.redirect}}));
  grant.expires_at = call.now + kCodeLife;
  const Call theirs = as_visitor(call, visitor);
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    tables.grants().insert(grant);
    theirs.audit(tables, "", "terraform_login.allowed", "user", visitor.user.id);
    return {};
  }));
  return back_to_terraform(wish, code.reveal());
}

Result<http::Response> decide(const Call& call) {
  const auto wish = read_wish(call);
  if (!wish) return trouble_page(wish.error());
  TG_TRY(const http::Pairs form, read_form(call));
  const auto visitor = visitor_of(call);
  if (!visitor) return sign_in_by_form(call, form, kWhy);
  const std::string decision = form_field(form, "decision");
  // A sign-in form that another tab has overtaken.
  if (decision.empty()) return see_other(own_address(call));
  TG_CHECK(check_form(form, *visitor));
  if (decision == "allow") return allow(call, *wish, *visitor);
  if (decision == "deny") return back_to_terraform(*wish, kRefused);
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    tables.web_sessions().erase(visitor->session.id);
    as_visitor(call, *visitor).audit(tables, "", "session.ended", "session", visitor->session.id);
    return {};
  }));
  return see_other(own_address(call));
}

http::Response oauth_error(std::string_view code, std::string_view sentence) {
  return plain_json(400, json::Value::object({{"error", code}, {"error_description", sentence}}));
}

// A public client says who it is in the body, or as the user of a Basic header without a password.
std::string client_of(const http::Request& request, const http::Pairs& form) {
  const std::string* header = request.header("Authorization");
  constexpr std::string_view kBasic = "Basic ";
  if (header != nullptr && header->starts_with(kBasic)) {
    const std::string pair = base64_decode(header->substr(kBasic.size())).value_or("");
    return pair.substr(0, pair.find(':'));
  }
  return form_field(form, "client_id");
}

bool proves(const domain::OneTimeGrant& grant, const std::string& verifier, const std::string& redirect) {
  const auto data = json::parse(grant.data);
  if (!data || verifier.size() < 43 || verifier.size() > 128) return false;
  const auto challenge = json::Reader(*data).text("challenge");
  const auto bound = json::Reader(*data).text("redirect");
  return challenge && bound && *bound == redirect &&
         crypto::constant_time_equal(base64url_encode(crypto::sha256(verifier)), *challenge);
}

Result<http::Response> exchange(const Call& call) {
  TG_TRY(const http::Pairs form, http::parse_form(call.request.body, 32));
  if (form_field(form, "grant_type") != "authorization_code") {
    return oauth_error("unsupported_grant_type", "only authorization_code is known");
  }
  if (client_of(call.request, form) != kClient) return oauth_error("invalid_client", "the client_id is another one");
  if (form_field(form, "code") == kRefused) return oauth_error("access_denied", "it was refused in the browser");
  const std::string hash = token_hash(call.context.token_key, form_field(form, "code"));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    // Used up by the first who shows it, right or wrong.
    const auto grant = tables.grants().take(kPurpose, hash, call.now);
    const auto user = grant ? tables.users().find(grant->user_id) : std::nullopt;
    if (!user || !proves(*grant, form_field(form, "code_verifier"), form_field(form, "redirect_uri"))) {
      return oauth_error("invalid_grant", "the code was used already, is older than a minute, or is another's");
    }
    Call theirs = call;
    theirs.principal.actor.kind = domain::Actor::Kind::user_token;
    theirs.principal.actor.user_id = user->id;
    theirs.principal.actor.username = user->username;
    TG_TRY(const Secret token, add_user_token(tables, theirs, "terraform login"));
    return plain_json(200, json::Value::object({{"access_token", token.reveal()}, {"token_type", "bearer"}}));
  });
}

}  // namespace

json::Value login_service() {
  return json::Value::object({{"client", kClient},
                              {"grant_types", json::Value::array({"authz_code"})},
                              {"authz", "/oauth/authorize"},
                              {"token", "/oauth/token"},
                              {"ports", json::Value::array({kFirstLoginPort, kLastLoginPort})}});
}

Routes terraform_login_routes() {
  constexpr std::string_view kAuthorize = "/oauth/authorize";
  return {
      {"GET", kAuthorize, Permission::anyone, show_authorize, "The page of terraform login: signing in and consent"},
      {"POST", kAuthorize, Permission::anyone, decide, "Its forms", Body::form},
      {"POST", "/oauth/token", Permission::anyone, exchange, "A token for the code of terraform login", Body::form},
  };
}

}  // namespace tollgate::api
