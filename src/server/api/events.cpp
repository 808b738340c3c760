// The event stream of a browser.
#include "server/api/event_feed.h"
#include "server/api/routes.h"

namespace tollgate::api {

namespace {

Result<http::Response> stream_events(const Call& call) {
  if (call.context.events == nullptr) return fail(not_found("event stream"));
  const std::string* last = call.request.header("Last-Event-ID");
  TG_TRY(auto stream, call.context.events->open(call.principal, last != nullptr ? *last : std::string_view()));
  return http::event_stream(std::move(stream));
}

}  // namespace

Routes event_routes() {
  return {
      {"GET", "/api/web/v1/events", Permission::authenticated, stream_events,
       "What happens, as text/event-stream, for who looks at it"},
  };
}

}  // namespace tollgate::api
