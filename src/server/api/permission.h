// Who may do what. Every route states one Permission; the framework finds what the path speaks of (Subject), compares,
// and only then calls the handler. What an actor may not see does not exist for it: 404. What it sees but may not do
// is 403. Roles are few: the site's administrators are owners everywhere; owners run their organization; members work
// in all its workspaces; an organization's token does what an owner does through the API except what needs a person; a
// run's token sees its own workspace and its state, until its phase ends.
// Functions run inside the caller's read transaction.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "server/domain/store.h"

namespace tollgate::api {

enum class Permission {
  anyone,                // no proof needed
  signed_address,        // the path itself is the proof (signed_url.h)
  authenticated,         // any valid token or session
  person,                // a user's token or session: what belongs to oneself
  site_admin,            // a person who administers the site
  organization_visible,  // that it exists: members, its token, tokens of its runs
  organization_read,     // members and its token
  organization_write,    // the same: what members may create, such as workspaces
  organization_manage,   // owners and its token
  organization_own,      // owners, in person: tokens, memberships, audit
  workspace_visible,     // that it exists, and its settings: also its run's token
  workspace_read,        // members and the organization's token
  workspace_queue,       // start a run
  workspace_apply,       // confirm, discard or cancel one
  workspace_update,      // settings, variables, lock
  workspace_manage,      // owners and the organization's token: delete, force
  state_read,            // also its run's token, and those of workspaces that it shares its state with
  state_write,           // also its run's token
};
inline constexpr std::array kPermissions{Permission::anyone,
                                         Permission::signed_address,
                                         Permission::authenticated,
                                         Permission::person,
                                         Permission::site_admin,
                                         Permission::organization_visible,
                                         Permission::organization_read,
                                         Permission::organization_write,
                                         Permission::organization_manage,
                                         Permission::organization_own,
                                         Permission::workspace_visible,
                                         Permission::workspace_read,
                                         Permission::workspace_queue,
                                         Permission::workspace_apply,
                                         Permission::workspace_update,
                                         Permission::workspace_manage,
                                         Permission::state_read,
                                         Permission::state_write};

std::string_view to_text(Permission permission);  // "workspace_read"

// What a request speaks of, as found by the parameters of its path.
struct Subject {
  std::optional<domain::Organization> organization;
  std::optional<domain::Workspace> workspace;
  std::optional<domain::Project> project;
  std::optional<domain::Run> run;
  std::optional<domain::ConfigurationVersion> configuration_version;
  std::optional<domain::StateVersion> state_version;
  std::optional<domain::StateVersionOutput> state_version_output;
  std::optional<domain::Variable> variable;
  std::optional<domain::Membership> membership;
  std::optional<domain::AwsIdentity> aws_identity;
};

// Who asks, with what authentication already looked up.
struct Principal {
  domain::Actor actor;
  bool authenticated = false;
  std::optional<domain::User> user;           // of a user's token or a web session
  std::optional<domain::WebSession> session;  // of a web session
  std::optional<domain::Run> run;             // of a run's token
};

enum class Role { none, member, owner };
// Of a person or an organization's token; a run's token has none.
Role role_in(domain::Tables& tables, const Principal& principal, std::string_view organization_id);

// Whether `principal` may do what `permission` says to `subject`. Errors: Code::unauthorized without proof,
// Code::not_found where it may not even see, Code::forbidden.
Result<void> authorize(domain::Tables& tables, const Principal& principal, Permission permission,
                       const Subject& subject);
// The same as a question, for the `permissions` of a resource.
bool may(domain::Tables& tables, const Principal& principal, Permission permission, const Subject& subject);

Error not_found(std::string_view kind);  // the one text for what is absent and what is foreign

}  // namespace tollgate::api
