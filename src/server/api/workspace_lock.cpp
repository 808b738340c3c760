// Locking a workspace by hand, as clients do around a change of state that they make themselves.
#include "server/api/routes.h"
#include "server/api/workspaces.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::Workspace;
using Holder = domain::WorkspaceLock::Holder;

// Who holds a lock that this actor takes: an organization's token stands for its organization.
const std::string& holder_id(const domain::Actor& actor) {
  return actor.person() ? actor.user_id : actor.organization_id;
}

template <class Change>
Result<http::Response> change(const Call& call, std::string_view event, Change apply) {
  return call.store().write([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(Workspace workspace, again(tables.workspaces(), call.subject.workspace, "workspace"));
    TG_CHECK(apply(tables, workspace));
    TG_CHECK(tables.workspaces().update(workspace));
    call.audit(tables, workspace.organization_id, event, "workspace", workspace.id);
    return document(200, workspace_resource(tables, call, workspace));
  });
}

Result<http::Response> lock(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse_optional(call.request.body, ""));
  TG_TRY(const auto reason, body.attributes().optional_text("reason"));
  return change(call, "workspace.locked", [&](Tables&, Workspace& workspace) {
    return domain::lock_workspace(workspace, Holder::user, holder_id(call.actor()), reason.value_or("").substr(0, 1024),
                                  call.now);
  });
}

Result<http::Response> unlock(const Call& call) {
  TG_TRY(http::Response response, change(call, "workspace.unlocked", [&](Tables&, Workspace& workspace) {
           return domain::unlock_workspace(workspace, Holder::user, holder_id(call.actor()), false);
         }));
  call.context.runs.look_again();  // a run may have waited for it
  return response;
}

// One's own lock needs no owner.
Result<http::Response> force_unlock(const Call& call) {
  TG_TRY(http::Response response,
         change(call, "workspace.force_unlocked", [&](Tables& tables, Workspace& workspace) -> Result<void> {
           if (workspace.lock.holder_id != holder_id(call.actor())) {
             TG_CHECK(authorize(tables, call.principal, Permission::workspace_manage, call.subject));
           }
           return domain::unlock_workspace(workspace, Holder::user, holder_id(call.actor()), true);
         }));
  call.context.runs.look_again();
  return response;
}

}  // namespace

Routes workspace_lock_routes() {
  return {
      {"POST", "/api/v2/workspaces/:workspace_id/actions/lock", Permission::workspace_update, lock, "Locks a workspace",
       Body::json},
      {"POST", "/api/v2/workspaces/:workspace_id/actions/unlock", Permission::workspace_update, unlock,
       "Gives one's own lock back", Body::json},
      {"POST", "/api/v2/workspaces/:workspace_id/actions/force-unlock", Permission::workspace_update, force_unlock,
       "Takes somebody's lock away", Body::json},
  };
}

}  // namespace tollgate::api
