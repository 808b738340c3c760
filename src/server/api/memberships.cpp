// Who belongs to an organization, and as what.
#include "server/api/account.h"
#include "server/api/routes.h"
#include "server/domain/ids.h"

namespace tollgate::api {

namespace {

using domain::Membership;
using domain::MembershipRole;
using domain::Tables;

json::Value to_resource(Tables& tables, const Call& call, const Membership& membership) {
  const auto user = tables.users().find(membership.user_id);
  Resource resource("organization-memberships", membership.id);
  resource.attribute("status", "active")
      .attribute("role", membership.role == MembershipRole::owner ? "owner" : "member")
      .attribute("username", user ? user->username : "")
      .attribute("email", user ? user->email : "")
      .time("created-at", membership.created_at)
      .to_one("user", "users", membership.user_id)
      .to_one("organization", "organizations", call.subject.organization->name)
      .to_many("teams", "teams", {});
  return std::move(resource).build();
}

Result<void> read_role(const json::Reader& attributes, Membership& membership) {
  TG_TRY(const auto role, attributes.optional_text("role"));
  if (!role) return {};
  if (*role != "owner" && *role != "member") return fail(invalid_attribute("role", "must be owner or member"));
  membership.role = *role == "owner" ? MembershipRole::owner : MembershipRole::member;
  return {};
}

// An organization without an owner could never get one again.
Result<void> check_owner_remains(Tables& tables, const Membership& leaving) {
  if (leaving.role != MembershipRole::owner || tables.memberships().count_owners(leaving.organization_id) > 1) {
    return {};
  }
  return fail(Error(Code::conflict, "this is the last owner of the organization")
                  .because("last_owner")
                  .do_next("make somebody else an owner first"));
}

Result<http::Response> list_memberships(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto found = tables.memberships().list(call.subject.organization->id, page);
    json::Array rows;
    json::Array included;
    for (const Membership& membership : found.rows) {
      rows.push_back(to_resource(tables, call, membership));
      const auto user = tables.users().find(membership.user_id);
      if (user && call.query_text("include").find("user") != std::string::npos) {
        included.push_back(user_resource(*user, false));
      }
    }
    return list_document(std::move(rows), found.total, page, call.request, std::move(included));
  });
}

Result<http::Response> create_membership(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "organization-memberships"));
  TG_TRY(const std::string email, body.attributes().text("email"));
  Membership membership;
  membership.id = domain::new_id(domain::id_prefix::kMembership, call.context.random);
  membership.organization_id = call.subject.organization->id;
  membership.created_at = call.now;
  TG_CHECK(read_role(body.attributes(), membership));
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    const auto user = tables.users().find_by_email(email);
    if (!user) {
      return fail(Error(invalid_attribute("email", "is nobody's on this server"))
                      .do_next("let an administrator of the site create the user first"));
    }
    membership.user_id = user->id;
    if (!tables.memberships().insert(membership)) {
      return fail(invalid_attribute("email", "belongs to a member of this organization already"));
    }
    call.audit(tables, membership.organization_id, "membership.created", "membership", membership.id,
               json::Value::object({{"username", user->username}}));
    return document(201, to_resource(tables, call, membership));
  });
  call.access_changed();
  return answer;
}

Result<http::Response> show_membership(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    return document(200, to_resource(tables, call, *call.subject.membership));
  });
}

Result<http::Response> update_membership(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "organization-memberships"));
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(Membership membership, again(tables.memberships(), call.subject.membership, "organization membership"));
    const Membership before = membership;
    TG_CHECK(read_role(body.attributes(), membership));
    if (membership.role != before.role) TG_CHECK(check_owner_remains(tables, before));
    TG_CHECK(tables.memberships().update(membership));
    call.audit(tables, membership.organization_id, "membership.updated", "membership", membership.id);
    return document(200, to_resource(tables, call, membership));
  });
}

// With the personal variables that the user has there: nobody else could see or delete them.
Result<http::Response> delete_membership(const Call& call) {
  auto answer = call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const Membership membership,
           again(tables.memberships(), call.subject.membership, "organization membership"));
    TG_CHECK(check_owner_remains(tables, membership));
    for (const auto& variable : tables.variables().of_user(membership.organization_id, membership.user_id)) {
      tables.variables().erase(variable.id);
    }
    tables.memberships().erase(membership.id);
    call.audit(tables, membership.organization_id, "membership.deleted", "membership", membership.id);
    return no_content();
  });
  call.access_changed();
  return answer;
}

}  // namespace

Routes membership_routes() {
  constexpr std::string_view kList = "/api/v2/organizations/:organization/organization-memberships";
  constexpr std::string_view kOne = "/api/v2/organization-memberships/:membership_id";
  return {
      {"GET", kList, Permission::organization_read, list_memberships, "Members of an organization"},
      {"POST", kList, Permission::organization_own, create_membership, "Takes a user in", Body::json},
      {"GET", kOne, Permission::organization_read, show_membership, "A membership"},
      {"PATCH", kOne, Permission::organization_own, update_membership, "Makes an owner or a member", Body::json},
      {"DELETE", kOne, Permission::organization_own, delete_membership, "Ends a membership"},
  };
}

}  // namespace tollgate::api
