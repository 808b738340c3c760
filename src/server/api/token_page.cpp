// A page for tokens without the web UI: where `terraform login` sends people who paste one.
#include "server/api/sign_in_page.h"
#include "server/api/tokens.h"

namespace tollgate::api {

namespace {

using domain::Tables;

constexpr std::string_view kWhy = "Sign in to make a token for Terraform.";
constexpr std::size_t kMaxDescription = 256;

http::Response token_page(const Call& call, const Visitor& visitor, const Secret& made) {
  Page page;
  page.title = "Your API tokens";
  if (!made.empty()) {
    page.body = fmt::format("<p>Your new token, shown this once:</p><pre id=\"token\">{}</pre>", made.reveal());
  }
  page.body += fmt::format(
      "<form method=\"post\">{}<label for=\"description\">What the token is for</label>"
      "<input id=\"description\" name=\"description\" value=\"terraform\" maxlength=\"{}\" required>"
      "<button name=\"action\" value=\"create\">Make a token</button></form>",
      csrf_field(visitor), kMaxDescription);
  const auto tokens = call.store().read([&](Tables& tables) { return tables.tokens().of_user(visitor.user.id); });
  if (!tokens.empty()) page.body += "<table><tr><th>For</th><th>Made</th><td></td></tr>";
  for (const domain::Token& token : tokens) {
    page.body += fmt::format(
        "<tr><td>{}</td><td>{}</td><td><form method=\"post\">{}<input type=\"hidden\" name=\"token\" value=\"{}\">"
        "<button class=\"plain\" name=\"action\" value=\"delete\">Take back</button></form></td></tr>",
        escape_html(token.description), format_iso8601(token.created_at).substr(0, 10), csrf_field(visitor), token.id);
  }
  if (!tokens.empty()) page.body += "</table>";
  return html_page(200, page);
}

Result<http::Response> show_tokens(const Call& call) {
  const auto visitor = visitor_of(call);
  return visitor ? token_page(call, *visitor, Secret()) : sign_in_page(200, kWhy);
}

Result<http::Response> change_tokens(const Call& call) {
  TG_TRY(const http::Pairs form, read_form(call));
  const auto visitor = visitor_of(call);
  if (!visitor) return sign_in_by_form(call, form, kWhy);
  const std::string action = form_field(form, "action");
  if (action.empty()) return see_other(own_address(call));
  TG_CHECK(check_form(form, *visitor));
  const Call theirs = as_visitor(call, *visitor);
  if (action == "create") {
    std::string description = form_field(form, "description").substr(0, kMaxDescription);
    TG_TRY(const Secret made,
           call.store().write([&](Tables& tables) { return add_user_token(tables, theirs, description); }));
    return token_page(call, *visitor, made);
  }
  TG_CHECK(call.store().write([&](Tables& tables) -> Result<void> {
    const auto token = tables.tokens().find(form_field(form, "token"));
    if (!token || token->kind != domain::TokenKind::user || token->user_id != visitor->user.id) return {};
    tables.tokens().erase(token->id);
    theirs.audit(tables, "", "user_token.deleted", "token", token->id);
    return {};
  }));
  return see_other(own_address(call));
}

}  // namespace

Routes token_page_routes() {
  constexpr std::string_view kPage = "/app/settings/tokens";
  return {
      {"GET", kPage, Permission::anyone, show_tokens, "A page with one's tokens"},
      {"POST", kPage, Permission::anyone, change_tokens, "Its forms", Body::form},
  };
}

}  // namespace tollgate::api
