// The account of whoever asks.
#include "server/api/account.h"

#include "server/api/routes.h"

namespace tollgate::api {

json::Value user_resource(const domain::User& user, bool own) {
  Resource resource("users", user.id);
  resource.attribute("username", user.username)
      .attribute("is-service-account", false)
      .attribute("avatar-url", json::Value())
      .attribute("v2-only", true)
      .attribute("auth-method", "tfc");
  if (own) {
    resource.attribute("email", user.email)
        .attribute("unconfirmed-email", json::Value())
        .attribute("is-site-admin", user.site_admin)
        .attribute("has-password", !user.password_hash.empty());
  }
  resource.attribute("permissions", json::Value::object({{"can-create-organizations", user.site_admin},
                                                         {"can-change-email", own},
                                                         {"can-change-username", false}}));
  return std::move(resource).build();
}

namespace {

Result<http::Response> show_account(const Call& call) {
  if (call.principal.user) return document(200, user_resource(*call.principal.user, true));
  // Clients ask for an account's name also with tokens that no person has.
  const bool run = call.principal.run.has_value();
  const std::string name = run ? call.principal.run->id : call.actor().organization_id;
  Resource resource("users", name);
  resource.attribute("username", name).attribute("is-service-account", true).attribute("v2-only", true);
  return document(200, std::move(resource).build());
}

Result<http::Response> show_user(const Call& call) {
  const std::string& id = call.parameter("user_id");
  const auto user = call.store().read([&](domain::Tables& tables) -> std::optional<domain::User> {
    if (call.principal.user && (call.principal.user->id == id || call.principal.user->site_admin)) {
      return tables.users().find(id);
    }
    // Others are visible where they are members too.
    std::vector<domain::Organization> shared;
    if (call.principal.user) {
      shared = tables.organizations().list("", call.principal.user->id, {1, 100}).rows;
    } else if (auto organization = tables.organizations().find(call.actor().organization_id)) {
      shared.push_back(*organization);
    }
    for (const auto& organization : shared) {
      if (tables.memberships().find_by_user(organization.id, id)) return tables.users().find(id);
    }
    return std::nullopt;
  });
  if (!user) return fail(not_found("user"));
  return document(200, user_resource(*user, call.principal.user && call.principal.user->id == id));
}

}  // namespace

Routes account_routes() {
  return {
      {"GET", "/api/v2/account/details", Permission::authenticated, show_account, "Who the token belongs to"},
      {"GET", "/api/v2/users/:user_id", Permission::authenticated, show_user, "A user of an own organization"},
  };
}

}  // namespace tollgate::api
