#include "broker/cli/run_shared.h"

#include <algorithm>

#include "broker/remote/document_fields.h"
#include "common/base/encoding.h"

namespace tollgate::cli {
namespace {

json::Value text_or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

json::Value time_or_null(const std::optional<TimePoint>& time) {
  return time ? json::Value(format_iso8601(*time)) : json::Value();
}

json::Value gate_json(const std::optional<remote::GateView>& gate) {
  if (!gate) return {};
  return json::Value::object({{"phase", text_or_null(gate->phase)},
                              {"state", gate->state},
                              {"gate_id", text_or_null(gate->gate_id)},
                              {"deadline", time_or_null(gate->deadline)},
                              {"passed_by", text_or_null(gate->passed_by)},
                              {"session_expires", time_or_null(gate->session_expires)},
                              {"refusal", text_or_null(gate->refusal)},
                              {"you_can", gate->you_can},
                              {"your_device", text_or_null(gate->your_serial)}});
}

json::Value phase_json(const remote::PhaseView& phase) {
  return json::Value::object({{"id", text_or_null(phase.id)},
                              {"status", text_or_null(phase.status)},
                              {"additions", phase.counts.additions},
                              {"changes", phase.counts.changes},
                              {"destructions", phase.counts.destructions},
                              {"imports", phase.counts.imports}});
}

std::string related_run(const json::Value& workspace, std::string_view relationship) {
  const json::Value& links = remote::member(remote::member(workspace, "data"), "relationships");
  return remote::text(remote::member(remote::member(links, relationship), "data"), "id");
}

}  // namespace

std::vector<Option> place_options(RunInput& input) {
  return {{"--host", "HOST", "The server. Default: the folder's cloud block, TF_CLOUD_HOSTNAME, the only login.",
           &input.place.host},
          {"--organization", "NAME", "Default: the folder's cloud block, else TF_CLOUD_ORGANIZATION.",
           &input.place.organization},
          {"--workspace", "NAME", "Default: TF_WORKSPACE, else the folder's cloud block.", &input.place.workspace}};
}

Positional run_positional(RunInput& input) {
  return {"RUN", "Its id (run-...) or its address. Default: the workspace's current run.", &input.run, false};
}

Result<OpenedServer> open_server(App& app, const RunInput& input) {
  OpenedServer server;
  TG_TRY(server.run, remote::parse_run_reference(input.run));
  TG_TRY(const remote::TerraformSettings settings, remote::TerraformSettings::read(app.environment()));
  TG_TRY(server.place, remote::choose_place(input.place, server.run, ".", app.environment(), settings));
  net::Client& network = app.server_network();
  TG_TRY(std::string base, remote::find_api(network, server.place.host, settings));
  server.api =
      std::make_unique<remote::ApiClient>(network, server.place.host, std::move(base), std::move(server.place.token));
  return server;
}

Result<json::Value> read_workspace(OpenedServer& server) {
  const remote::RunPlace& place = server.place;
  auto workspace = server.api->get(fmt::format("organizations/{}/workspaces/{}", percent_encode(place.organization),
                                               percent_encode(place.workspace)));
  if (!workspace && workspace.error().code == Code::not_found) {
    workspace.error().message = fmt::format("{} has no workspace {} in the organization {}, or you may not see it",
                                            place.host, place.workspace, place.organization);
  }
  return workspace;
}

Result<std::string> meant_run(OpenedServer& server, Unnamed unnamed) {
  if (!server.run.id.empty()) return server.run.id;
  const remote::RunPlace& place = server.place;
  if (place.organization.empty() || place.workspace.empty()) {
    return fail(Error(Code::usage, fmt::format("no run is named, and nothing says which {} is meant",
                                               place.organization.empty() ? "organization" : "workspace"))
                    .do_next("name a run, or give --organization and --workspace, or work in a folder where `terraform "
                             "init` has set up a cloud block"));
  }
  TG_TRY(const json::Value workspace, read_workspace(server));
  std::string id = related_run(workspace, "current-run");
  if (id.empty() && unnamed == Unnamed::latest) id = related_run(workspace, "latest-run");
  if (!id.empty()) return id;
  return fail(Error(Code::not_found, fmt::format("the workspace {} has no {}run", place.workspace,
                                                 unnamed == Unnamed::current ? "current " : ""))
                  .do_next("`tollgate run list` shows its runs"));
}

Result<remote::RunView> read_run(OpenedServer& server, const std::string& id) {
  auto document = server.api->get(fmt::format("runs/{}?include={}", id, remote::kRunIncludes));
  if (!document) {
    if (document.error().code == Code::not_found) {
      document.error().message = fmt::format("{} has no run {}, or you may not see it", server.place.host, id);
    }
    return fail(std::move(document).error());
  }
  return remote::parse_run(*document);
}

std::string run_address(const OpenedServer& server, const remote::RunView& run) {
  if (run.workspace.empty() || run.organization.empty()) return "";
  return fmt::format("https://{}/app/{}/{}/runs/{}", server.place.host, run.organization, run.workspace, run.id);
}

std::string ago(TimePoint then, TimePoint now) {
  const auto passed = std::chrono::floor<std::chrono::seconds>(std::max(now - then, Duration(0)));
  return fmt::format("{} ago", format_duration(passed));
}

json::Value run_json(const OpenedServer& server, const remote::RunView& run) {
  return json::Value::object({{"id", run.id},
                              {"url", text_or_null(run_address(server, run))},
                              {"organization", text_or_null(run.organization)},
                              {"workspace", text_or_null(run.workspace)},
                              {"status", run.status},
                              {"since", time_or_null(run.since)},
                              {"created", format_iso8601(run.created_at)},
                              {"created_by", text_or_null(run.created_by)},
                              {"message", run.message},
                              {"has_changes", run.has_changes},
                              {"is_destroy", run.is_destroy},
                              {"plan_only", run.plan_only},
                              {"confirmable", run.is_confirmable},
                              {"cancelable", run.is_cancelable},
                              {"may_apply", run.may_apply},
                              {"error_reason", text_or_null(run.error_reason)},
                              {"error_detail", text_or_null(run.error_detail)},
                              {"mfa", gate_json(run.gate)},
                              {"plan", phase_json(run.plan)},
                              {"apply", phase_json(run.apply)}});
}

}  // namespace tollgate::cli
