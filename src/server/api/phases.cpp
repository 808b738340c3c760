// Plans and applies of runs: their state, their logs, the plan as JSON.
#include "server/api/phases.h"

#include <charconv>

#include "server/api/routes.h"
#include "server/api/signed_url.h"

namespace tollgate::api {

namespace {

constexpr std::uint64_t kLogLimit = 64U << 10;
constexpr std::uint64_t kMaxLogLimit = 1U << 20;

json::Value phase_resource(const Call& call, std::string_view type, const domain::Phase& phase) {
  json::Value timestamps = json::Value::object();
  const auto stamp = [&](std::string_view name, std::optional<TimePoint> at) {
    if (at) timestamps.set(std::string(name), format_iso8601(*at));
  };
  stamp("queued-at", phase.queued_at);
  stamp("started-at", phase.started_at);
  stamp(fmt::format("{}-at", domain::to_text(phase.status)), phase.ended_at);
  Resource resource(type, phase.id);
  resource.attribute("status", domain::to_text(phase.status))
      .attribute("status-timestamps", std::move(timestamps))
      .attribute("log-read-url", signed_url(call.context, url_purpose::kLog, phase.id))
      .attribute("resource-additions", phase.resources.additions)
      .attribute("resource-changes", phase.resources.changes)
      .attribute("resource-destructions", phase.resources.destructions)
      .attribute("resource-imports", phase.resources.imports);
  if (type == "plans") {
    resource.attribute("has-changes", phase.has_changes)
        .attribute("generated-configuration", phase.generated_configuration)
        .link("json-output", fmt::format("/api/v2/plans/{}/json-output", phase.id));
  }
  resource.link("self", fmt::format("/api/v2/{}/{}", type, phase.id));
  return std::move(resource).build();
}

Result<http::Response> show_plan(const Call& call) {
  return document(200, plan_resource(call, *call.subject.run));
}

Result<http::Response> show_apply(const Call& call) {
  return document(200, apply_resource(call, *call.subject.run));
}

Result<http::Response> stored_json(const Call& call, const std::string& key) {
  auto bytes = call.context.blobs.get(key);
  if (!bytes) return fail(not_found("plan"));
  http::Response response;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = std::move(*bytes);
  return response;
}

Result<http::Response> show_json_output(const Call& call) {
  return stored_json(call, blob_key::json_plan(call.subject.run->plan.id));
}

Result<http::Response> show_redacted_output(const Call& call) {
  return stored_json(call, blob_key::redacted_plan(call.subject.run->plan.id));
}

Result<std::uint64_t> read_number(const Call& call, std::string_view name, std::uint64_t otherwise) {
  const std::string* text = call.query_value(name);
  if (text == nullptr) return otherwise;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) {
    return fail(Error(Code::usage, fmt::format("{} is not a number", name)).at(std::string(name)));
  }
  return value;
}

// Raw bytes. Never 404 for a phase that has not begun: stock clients abort on that.
Result<http::Response> read_log(const Call& call) {
  const std::string& id = call.parameter("signed_id");
  TG_CHECK(check_signed_url(call.context, url_purpose::kLog, id, call.parameter("expiry"), call.parameter("hash")));
  TG_TRY(const std::uint64_t offset, read_number(call, "offset", 0));
  TG_TRY(const std::uint64_t limit, read_number(call, "limit", kLogLimit));
  http::Response response;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.body = call.context.logs.read(id, offset, std::min(limit, kMaxLogLimit)).bytes;
  return response;
}

}  // namespace

json::Value plan_resource(const Call& call, const domain::Run& run) {
  return phase_resource(call, "plans", run.plan);
}

json::Value apply_resource(const Call& call, const domain::Run& run) {
  return phase_resource(call, "applies", run.apply);
}

Routes phase_routes() {
  return {
      {"GET", "/api/v2/plans/:plan_id", Permission::workspace_read, show_plan, "A plan"},
      // Holds the values of sensitive variables and attributes in clear.
      {"GET", "/api/v2/plans/:plan_id/json-output", Permission::workspace_manage, show_json_output,
       "A plan as JSON, with its secrets"},
      {"GET", "/api/v2/plans/:plan_id/json-output-redacted", Permission::workspace_read, show_redacted_output,
       "A plan as JSON, without secrets"},
      {"GET", "/api/v2/applies/:apply_id", Permission::workspace_read, show_apply, "An apply"},
      {"GET", "/api/v2/signed/log/:signed_id/:expiry/:hash", Permission::signed_address, read_log,
       "Bytes of the log of a plan or an apply"},
  };
}

}  // namespace tollgate::api
