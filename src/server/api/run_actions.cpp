// What people do to a run. All answer 202: what follows happens later.
#include "server/api/routes.h"

namespace tollgate::api {

namespace {

using Action = Result<domain::Run> (runs::RunService::*)(std::string_view, std::string, const domain::Actor&);

Result<http::Response> act(const Call& call, Action action) {
  TG_TRY(const RequestDocument body, RequestDocument::parse_optional(call.request.body, ""));
  TG_TRY(const auto comment, body.attributes().optional_text("comment"));
  TG_CHECK((call.context.runs.*action)(call.subject.run->id, comment.value_or("").substr(0, 4096), call.actor()));
  http::Response response;
  response.status = 202;
  return response;
}

Result<http::Response> confirm(const Call& call) {
  return act(call, &runs::RunService::confirm);
}

Result<http::Response> discard(const Call& call) {
  return act(call, &runs::RunService::discard);
}

Result<http::Response> cancel(const Call& call) {
  return act(call, &runs::RunService::cancel);
}

Result<http::Response> force_cancel(const Call& call) {
  return act(call, &runs::RunService::force_cancel);
}

}  // namespace

Routes run_action_routes() {
  return {
      {"POST", "/api/v2/runs/:run_id/actions/apply", Permission::workspace_apply, confirm, "Confirms a planned run",
       Body::json},
      {"POST", "/api/v2/runs/:run_id/actions/discard", Permission::workspace_apply, discard, "Discards a run",
       Body::json},
      {"POST", "/api/v2/runs/:run_id/actions/cancel", Permission::workspace_apply, cancel, "Cancels a run", Body::json},
      {"POST", "/api/v2/runs/:run_id/actions/force-cancel", Permission::workspace_apply, force_cancel,
       "Kills a run that a cancel did not end", Body::json},
  };
}

}  // namespace tollgate::api
