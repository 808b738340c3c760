// What owners are told: notices of changes to what guards the credentials of all.
#include "server/api/event_feed.h"
#include "server/api/owners.h"
#include "server/api/routes.h"
#include "server/api/web_sessions.h"
#include "server/runs/mfa_setup.h"

namespace tollgate::api {

using domain::Tables;

Result<void> require_owner_now(Tables& tables, const Call& call, std::string_view organization_id) {
  if (role_in(tables, call.principal, organization_id) != Role::owner) {
    return fail(Error(Code::forbidden, "only owners of the organization may do this").because("permission"));
  }
  return require_recent_authentication(call);
}

void tell_owners(Tables& tables, const Call& call, std::string_view organization_id, std::string_view kind,
                 std::string_view done) {
  runs::tell_owners(tables,
                    {std::string(organization_id), std::string(kind), call.actor().username,
                     fmt::format("{} {}.", runs::who(call.actor()), done)},
                    call.context.random, call.now);
}

void show_owners(const Call& call, const domain::Organization& organization) {
  if (call.context.events == nullptr) return;
  FeedEvent event;
  event.about = "notice/" + organization.id;
  event.organization_id = organization.id;
  event.owners_only = true;
  event.name = "notice";
  event.data = json::to_text(json::Value::object({{"organization", organization.name}}));
  call.context.events->tell(std::move(event));
}

namespace {

Result<http::Response> list_notices(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto found = tables.notices().list(call.subject.organization->id, page);
    json::Array rows;
    for (const domain::Notice& notice : found.rows) {
      Resource resource("notices", notice.id);
      resource.attribute("kind", notice.kind)
          .attribute("sentence", notice.sentence)
          .attribute("by", notice.actor.empty() ? json::Value() : json::Value(notice.actor))
          .time("created-at", notice.created_at);
      rows.push_back(std::move(resource).build());
    }
    return list_document(std::move(rows), found.total, page, call.request);
  });
}

}  // namespace

Routes notice_routes() {
  return {
      {"GET", "/api/v2/organizations/:organization/notices", Permission::organization_own, list_notices,
       "What owners are told: who changed what guards the gate"},
  };
}

}  // namespace tollgate::api
