#include "server/api/permission.h"

namespace tollgate::api {

namespace {

using domain::Actor;

constexpr std::array<std::string_view, kPermissions.size()> kNames{"anyone",
                                                                   "signed_address",
                                                                   "authenticated",
                                                                   "person",
                                                                   "site_admin",
                                                                   "organization_visible",
                                                                   "organization_read",
                                                                   "organization_write",
                                                                   "organization_manage",
                                                                   "organization_own",
                                                                   "workspace_visible",
                                                                   "workspace_read",
                                                                   "workspace_queue",
                                                                   "workspace_apply",
                                                                   "workspace_update",
                                                                   "workspace_manage",
                                                                   "state_read",
                                                                   "state_write"};

bool of_workspace(Permission permission) {
  return permission >= Permission::workspace_visible;
}

bool of_organization(Permission permission) {
  return permission >= Permission::organization_visible && permission <= Permission::organization_own;
}

tl::unexpected<Error> forbidden(std::string_view what) {
  return fail(Error(Code::forbidden, std::string(what)).because("permission"));
}

// A run's token: its own workspace and what other workspaces of its organization share.
Result<void> authorize_run(const domain::Run& run, Permission permission, const Subject& subject) {
  if (of_organization(permission)) {
    if (!subject.organization || subject.organization->id != run.organization_id)
      return fail(not_found("organization"));
    if (permission == Permission::organization_visible) return {};
    return forbidden("a run's token reaches only the state of its workspace");
  }
  if (!subject.workspace || subject.workspace->organization_id != run.organization_id) {
    return fail(not_found("workspace"));
  }
  const bool own = subject.workspace->id == run.workspace_id;
  const bool shared = subject.workspace->global_remote_state;
  if (!own && !shared) return fail(not_found("workspace"));
  const bool reads = permission == Permission::workspace_visible || permission == Permission::state_read;
  if (reads || (own && permission == Permission::state_write)) return {};
  return forbidden("a run's token reaches only the state of its workspace");
}

Result<void> authorize_role(Role role, const Principal& principal, Permission permission) {
  switch (permission) {
    case Permission::organization_manage:
    case Permission::workspace_manage:
      if (role == Role::owner) return {};
      return forbidden("only owners of the organization may do this");
    case Permission::organization_own:
      if (role == Role::owner && principal.actor.person()) return {};
      return forbidden("only owners of the organization may do this, and in person: not with an organization's token");
    default:
      return {};
  }
}

}  // namespace

std::string_view to_text(Permission permission) {
  return kNames.at(static_cast<std::size_t>(permission));
}

Error not_found(std::string_view kind) {
  return Error(Code::not_found, fmt::format("{} not found, or you may not see it", kind)).because("not_found");
}

Role role_in(domain::Tables& tables, const Principal& principal, std::string_view organization_id) {
  if (principal.actor.kind == Actor::Kind::organization_token) {
    return principal.actor.organization_id == organization_id ? Role::owner : Role::none;
  }
  if (!principal.user) return Role::none;
  if (principal.user->site_admin) return Role::owner;
  const auto membership = tables.memberships().find_by_user(organization_id, principal.user->id);
  if (!membership) return Role::none;
  return membership->role == domain::MembershipRole::owner ? Role::owner : Role::member;
}

Result<void> authorize(domain::Tables& tables, const Principal& principal, Permission permission,
                       const Subject& subject) {
  if (permission == Permission::anyone || permission == Permission::signed_address) return {};
  if (!principal.authenticated) {
    return fail(Error(Code::unauthorized, "this needs a valid token or a session")
                    .because("unauthenticated")
                    .do_next("sign in, or run `terraform login`"));
  }
  switch (permission) {
    case Permission::authenticated:
      return {};
    case Permission::person:
      return principal.actor.person() ? Result<void>{}
                                      : forbidden("only people may do this, not an organization's or a run's token");
    case Permission::site_admin:
      return principal.user && principal.user->site_admin ? Result<void>{}
                                                          : forbidden("only administrators of the site may do this");
    default:
      break;
  }
  // Personal variables and identities exist for their owner alone, whatever the role.
  if (subject.variable && subject.variable->scope == domain::VariableScope::personal &&
      (!principal.user || subject.variable->user_id != principal.user->id)) {
    return fail(not_found("variable"));
  }
  if (subject.aws_identity && subject.aws_identity->kind == domain::IdentityKind::personal &&
      (!principal.user || subject.aws_identity->user_id != principal.user->id)) {
    return fail(not_found("AWS identity"));
  }
  if (principal.run) return authorize_run(*principal.run, permission, subject);
  const std::string& organization_id = of_workspace(permission) && subject.workspace
                                           ? subject.workspace->organization_id
                                       : subject.organization ? subject.organization->id
                                                              : std::string();
  const Role role = organization_id.empty() ? Role::none : role_in(tables, principal, organization_id);
  if (role == Role::none) return fail(not_found(of_workspace(permission) ? "workspace" : "organization"));
  if (of_workspace(permission) && !subject.workspace) return fail(not_found("workspace"));
  return authorize_role(role, principal, permission);
}

bool may(domain::Tables& tables, const Principal& principal, Permission permission, const Subject& subject) {
  return authorize(tables, principal, permission, subject).has_value();
}

}  // namespace tollgate::api
