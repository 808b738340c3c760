// Tokens of people and of organizations. Their text stands in the answer that creates them and nowhere else.
#include "server/api/tokens.h"

#include "server/api/authentication.h"
#include "server/api/routes.h"
#include "server/domain/ids.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::Token;
using domain::TokenKind;

json::Value to_resource(const Token& token, const Secret* text) {
  Resource resource("authentication-tokens", token.id);
  resource.attribute("description", token.description)
      .attribute("token", text != nullptr ? json::Value(text->reveal()) : json::Value())
      .time("created-at", token.created_at)
      .time("last-used-at", token.last_used_at)
      .time("expired-at", token.expires_at);
  return std::move(resource).build();
}

struct NewToken {
  Token row;
  Secret text;
};

void complete(const Call& call, NewToken& made, TokenKind kind) {
  made.text = new_token_text(kind, call.context.random);
  made.row.kind = kind;
  made.row.id = domain::new_id(domain::id_prefix::kToken, call.context.random);
  made.row.hash = token_hash(call.context.token_key, made.text.reveal());
  made.row.created_at = call.now;
}

Result<NewToken> make_token(const Call& call, TokenKind kind) {
  TG_TRY(const RequestDocument body, RequestDocument::parse_optional(call.request.body, "authentication-tokens"));
  NewToken made;
  TG_TRY(const auto description, body.attributes().optional_text("description"));
  made.row.description = description.value_or("");
  if (made.row.description.size() > 256) return fail(invalid_attribute("description", "must be at most 256 bytes"));
  TG_TRY(const auto expiry, body.attributes().optional_text("expired-at"));
  if (expiry) {
    made.row.expires_at = parse_iso8601(*expiry);
    if (!made.row.expires_at || *made.row.expires_at <= call.now) {
      return fail(invalid_attribute("expired-at", "must be a time in the future, such as 2030-01-31T00:00:00Z"));
    }
  }
  complete(call, made, kind);
  return made;
}

// Replaces the one that there is: an organization has one.
Result<http::Response> create_organization_token(const Call& call) {
  TG_TRY(NewToken made, make_token(call, TokenKind::organization));
  made.row.organization_id = call.subject.organization->id;
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    if (const auto before = tables.tokens().of_organization(made.row.organization_id)) {
      tables.tokens().erase(before->id);
    }
    TG_CHECK(tables.tokens().insert(made.row));
    call.audit(tables, made.row.organization_id, "organization_token.created", "token", made.row.id);
    return document(201, to_resource(made.row, &made.text));
  });
  call.access_changed();
  return answer;
}

Result<http::Response> show_organization_token(const Call& call) {
  const auto token =
      call.store().read([&](Tables& tables) { return tables.tokens().of_organization(call.subject.organization->id); });
  if (!token) return fail(not_found("token"));
  return document(200, to_resource(*token, nullptr));
}

Result<http::Response> delete_organization_token(const Call& call) {
  const std::string& organization = call.subject.organization->id;
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    const auto token = tables.tokens().of_organization(organization);
    if (!token) return fail(not_found("token"));
    tables.tokens().erase(token->id);
    call.audit(tables, organization, "organization_token.deleted", "token", token->id);
    return no_content();
  });
  call.access_changed();
  return answer;
}

// Tokens of others are nobody's business, also not an administrator's.
Result<void> check_own(const Call& call) {
  if (call.parameter("user_id") != call.actor().user_id) return fail(not_found("user"));
  return {};
}

Result<http::Response> create_user_token(const Call& call) {
  TG_CHECK(check_own(call));
  TG_TRY(NewToken made, make_token(call, TokenKind::user));
  made.row.user_id = call.actor().user_id;
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_CHECK(tables.tokens().insert(made.row));
    call.audit(tables, "", "user_token.created", "token", made.row.id);
    return document(201, to_resource(made.row, &made.text));
  });
}

Result<http::Response> list_user_tokens(const Call& call) {
  TG_CHECK(check_own(call));
  TG_TRY(const domain::Page page, read_page(call.query));
  const auto tokens = call.store().read([&](Tables& tables) { return tables.tokens().of_user(call.actor().user_id); });
  const auto part = cut_page(tokens, page);
  json::Array rows;
  for (const Token& token : part.rows)
    rows.push_back(to_resource(token, nullptr));
  return list_document(std::move(rows), part.total, page, call.request);
}

Result<Token> own_token(const Call& call, Tables& tables) {
  auto token = tables.tokens().find(call.parameter("token_id"));
  if (!token || token->kind != TokenKind::user || token->user_id != call.actor().user_id) {
    return fail(not_found("token"));
  }
  return std::move(*token);
}

Result<http::Response> show_user_token(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Token token, own_token(call, tables));
    return document(200, to_resource(token, nullptr));
  });
}

Result<http::Response> delete_user_token(const Call& call) {
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Token token, own_token(call, tables));
    tables.tokens().erase(token.id);
    call.audit(tables, "", "user_token.deleted", "token", token.id);
    return no_content();
  });
  call.access_changed();
  return answer;
}

}  // namespace

Result<Secret> add_user_token(Tables& tables, const Call& call, std::string_view description) {
  NewToken made;
  complete(call, made, TokenKind::user);
  made.row.user_id = call.actor().user_id;
  made.row.description = description;
  TG_CHECK(tables.tokens().insert(made.row));
  call.audit(tables, "", "user_token.created", "token", made.row.id);
  return std::move(made.text);
}

Routes token_routes() {
  constexpr std::string_view kOrganization = "/api/v2/organizations/:organization/authentication-token";
  constexpr std::string_view kUser = "/api/v2/users/:user_id/authentication-tokens";
  constexpr std::string_view kOne = "/api/v2/authentication-tokens/:token_id";
  return {
      {"POST", kOrganization, Permission::organization_own, create_organization_token,
       "A new token of the organization, in place of the one there is", Body::json},
      {"GET", kOrganization, Permission::organization_own, show_organization_token, "The organization's token"},
      {"DELETE", kOrganization, Permission::organization_own, delete_organization_token,
       "Takes the organization's token back"},
      {"POST", kUser, Permission::person, create_user_token, "A new token of one's own", Body::json},
      {"GET", kUser, Permission::person, list_user_tokens, "One's own tokens"},
      {"GET", kOne, Permission::person, show_user_token, "A token of one's own"},
      {"DELETE", kOne, Permission::person, delete_user_token, "Takes a token of one's own back"},
  };
}

}  // namespace tollgate::api
