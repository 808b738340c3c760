// Runs: create, read, list, and the queue of an organization.
#include "server/api/runs.h"

#include <algorithm>

#include "server/api/account.h"
#include "server/api/mfa.h"
#include "server/api/phases.h"
#include "server/api/routes.h"
#include "server/api/workspaces.h"

namespace tollgate::api {

namespace {

using domain::Run;
using domain::RunStatus;
using domain::Tables;

json::Value texts(const std::vector<std::string>& values) {
  json::Array array;
  for (const std::string& value : values)
    array.emplace_back(value);
  return array;
}

json::Value timestamps(const Run& run) {
  json::Value stamps = json::Value::object({{"plan-queueable-at", format_iso8601(run.created_at)}});
  for (const auto& [name, at] : run.timestamps)
    stamps.set(name, format_iso8601(at));
  return stamps;
}

bool may_apply(Tables& tables, const Call& call, const Run& run) {
  Subject subject;
  subject.workspace = tables.workspaces().find(run.workspace_id);
  return may(tables, call.principal, Permission::workspace_apply, subject);
}

json::Value permissions(bool apply) {
  return json::Value::object({{"can-apply", apply},
                              {"can-cancel", apply},
                              {"can-discard", apply},
                              {"can-comment", apply},
                              {"can-force-cancel", apply},
                              {"can-force-execute", false},
                              {"can-override-policy-check", false}});
}

// Values of run variables are the creator's own input; they are shown as they were sent.
json::Value variables(const Run& run) {
  json::Array array;
  for (const auto& variable : run.variables) {
    array.push_back(json::Value::object({{"key", variable.key}, {"value", variable.value}}));
  }
  return array;
}

}  // namespace

json::Value run_resource(Tables& tables, const Call& call, const Run& run) {
  const bool apply = may_apply(tables, call, run);
  Resource resource("runs", run.id);
  resource.attribute("status", domain::to_text(run.status))
      .attribute("status-timestamps", timestamps(run))
      .attribute("actions", json::Value::object({{"is-cancelable", domain::is_cancelable(run)},
                                                 {"is-confirmable", domain::is_confirmable(run)},
                                                 {"is-discardable", domain::is_discardable(run)},
                                                 {"is-force-cancelable", domain::is_force_cancelable(run, call.now)}}))
      .attribute("permissions", permissions(apply))
      .attribute("has-changes", run.plan.has_changes)
      .attribute("is-destroy", run.is_destroy)
      .attribute("message", run.message)
      .attribute("plan-only", run.plan_only)
      .attribute("refresh", run.refresh)
      .attribute("refresh-only", run.refresh_only)
      .attribute("save-plan", run.save_plan)
      .attribute("auto-apply", run.auto_apply)
      .attribute("allow-empty-apply", run.allow_empty_apply)
      .attribute("allow-config-generation", run.allow_config_generation)
      .attribute("source", run.source)
      .attribute("trigger-reason", "manual")
      .attribute("target-addrs", texts(run.target_addrs))
      .attribute("replace-addrs", texts(run.replace_addrs))
      .attribute("terraform-version", run.terraform_version)
      .attribute("variables", variables(run))
      .attribute("error-reason", run.reason.empty() ? json::Value() : json::Value(run.reason))
      .attribute("error-detail", run.detail.empty() ? json::Value() : json::Value(run.detail))
      .attribute("mfa", mfa_attribute(tables, call, run, apply))
      .attribute("mfa-history", mfa_history_attribute(tables, run))
      .time("canceled-at", run.cancel_requested_at)
      .time("created-at", run.created_at)
      .to_one("workspace", "workspaces", run.workspace_id)
      .to_one("configuration-version", "configuration-versions", run.configuration_version_id)
      .to_one("plan", "plans", run.plan.id)
      .to_one("apply", "applies", run.apply.id)
      .to_one("created-by", "users", run.created_by)
      .to_one("confirmed-by", "users", run.confirmed_by)
      .to_one("cost-estimate", "cost-estimates", "")
      .to_many("policy-checks", "policy-checks", {})
      .to_many("task-stages", "task-stages", {})
      .related("run-events", fmt::format("/api/v2/runs/{}/run-events", run.id))
      .link("self", "/api/v2/runs/" + run.id);
  return std::move(resource).build();
}

namespace {

Result<void> include_with_run(Tables& tables, const Call& call, const Run& run, json::Array& included) {
  for (const std::string& name : included_names(call.query)) {
    if (name == "plan") {
      included.push_back(plan_resource(call, run));
    } else if (name == "apply") {
      included.push_back(apply_resource(call, run));
    } else if (name == "workspace") {
      if (const auto workspace = tables.workspaces().find(run.workspace_id)) {
        included.push_back(workspace_resource(tables, call, *workspace));
      }
    } else if (name == "created_by") {
      if (const auto user = tables.users().find(run.created_by)) included.push_back(user_resource(*user, false));
    } else if (name != "task_stages" && name != "cost_estimate" && name != "configuration_version" &&
               name != "run_events" && name != "policy_checks") {
      return fail(invalid_include(name));
    }
  }
  return {};
}

Result<http::Response> list_runs(const Call& call, domain::RunFilter filter) {
  TG_TRY(const domain::Page page, read_page(call.query));
  for (const std::string& word : split_list(call.query_text("filter[status]"))) {
    // A word of a status that runs here never have matches nothing, as in the original.
    if (const auto status = domain::parse_run_status(word)) filter.status.push_back(*status);
  }
  filter.source = split_list(call.query_text("filter[source]"));
  filter.search_user = call.query_text("search[user]");
  filter.search_message = call.query_text("search[basic]");
  const std::string operation = call.query_text("filter[operation]");
  if (operation == "plan_only") filter.plan_only = true;
  if (operation == "plan_and_apply") filter.plan_only = false;
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    const auto found = tables.runs().list(filter, page);
    json::Array rows;
    json::Array included;
    for (const Run& run : found.rows) {
      rows.push_back(run_resource(tables, call, run));
      TG_CHECK(include_with_run(tables, call, run, included));
    }
    return list_document(std::move(rows), found.total, page, call.request, std::move(included));
  });
}

Result<http::Response> list_workspace_runs(const Call& call) {
  domain::RunFilter filter;
  filter.workspace_id = call.subject.workspace->id;
  return list_runs(call, std::move(filter));
}

Result<http::Response> list_organization_runs(const Call& call) {
  domain::RunFilter filter;
  filter.organization_id = call.subject.organization->id;
  return list_runs(call, std::move(filter));
}

// What runs, then what waits for a runner, then what waits for its workspace. Nothing where a person is waited for.
std::optional<int> rank_in_queue(const Run& run) {
  switch (run.status) {
    case RunStatus::planning:
    case RunStatus::applying:
      return 0;
    case RunStatus::plan_queued:
    case RunStatus::confirmed:
    case RunStatus::apply_queued: {
      const bool at_gate =
          run.plan.status == domain::PhaseStatus::mfa_waiting || run.apply.status == domain::PhaseStatus::mfa_waiting;
      return at_gate ? std::nullopt : std::optional(1);
    }
    case RunStatus::pending:
      return 2;
    default:
      return std::nullopt;
  }
}

// Stock clients look up the position of their own run, take off how many run (`capacity`), and tell the rest as the
// number of runs that come first: what runs has to stand in front, or that number is negative.
Result<http::Response> show_queue(const Call& call) {
  TG_TRY(const domain::Page page, read_page(call.query));
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    std::vector<Run> queue = tables.runs().unfinished();
    std::erase_if(queue, [&](const Run& run) {
      return run.organization_id != call.subject.organization->id || !rank_in_queue(run);
    });
    std::stable_sort(queue.begin(), queue.end(),
                     [](const Run& a, const Run& b) { return rank_in_queue(a) < rank_in_queue(b); });
    const auto part = cut_page(queue, page);
    json::Array rows;
    std::int64_t position = (page.number - 1) * page.size;
    for (const Run& run : part.rows) {
      json::Value row = run_resource(tables, call, run);
      row.find("attributes")->set("position-in-queue", position++);
      rows.push_back(std::move(row));
    }
    return list_document(std::move(rows), part.total, page, call.request);
  });
}

Result<http::Response> show_run(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    json::Array included;
    TG_CHECK(include_with_run(tables, call, *call.subject.run, included));
    return document(200, run_resource(tables, call, *call.subject.run), std::move(included));
  });
}

Result<std::vector<std::string>> read_texts(const json::Reader& attributes, std::string_view name) {
  std::vector<std::string> values;
  TG_TRY(const json::Reader list, attributes.optional_member(name));
  if (list.value().is_null()) return values;
  TG_TRY(const auto items, list.items());
  for (const json::Reader& item : items) {
    const std::string* text = item.value().if_string();
    if (text == nullptr || text->empty() || text->size() > 4096) {
      return fail(item.error("must be an address of at most 4096 bytes"));
    }
    values.push_back(*text);
  }
  return values;
}

Result<std::vector<domain::RunVariable>> read_variables(const json::Reader& attributes) {
  std::vector<domain::RunVariable> variables;
  TG_TRY(const json::Reader list, attributes.optional_member("variables"));
  if (list.value().is_null()) return variables;
  TG_TRY(const auto items, list.items());
  for (const json::Reader& item : items) {
    TG_TRY(std::string key, item.text("key"));
    TG_TRY(std::string value, item.text("value"));
    variables.push_back({std::move(key), std::move(value)});
  }
  return variables;
}

Result<void> read_modes(const json::Reader& attributes, runs::NewRun& run) {
  const auto flag = [&](std::string_view name, bool& place) -> Result<void> {
    TG_TRY(const auto sent, attributes.optional_boolean(name));
    if (sent) place = *sent;
    return {};
  };
  TG_CHECK(flag("is-destroy", run.is_destroy));
  TG_CHECK(flag("refresh", run.refresh));
  TG_CHECK(flag("refresh-only", run.refresh_only));
  TG_CHECK(flag("save-plan", run.save_plan));
  TG_CHECK(flag("allow-empty-apply", run.allow_empty_apply));
  TG_CHECK(flag("allow-config-generation", run.allow_config_generation));
  TG_TRY(run.plan_only, attributes.optional_boolean("plan-only"));
  TG_TRY(run.auto_apply, attributes.optional_boolean("auto-apply"));
  return {};
}

Result<http::Response> create_run(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse(call.request.body, "runs"));
  const json::Reader attributes = body.attributes();
  runs::NewRun wish;
  wish.workspace_id = call.subject.workspace->id;
  // The page's runs are known by how they came in; a client's own word for it is not asked.
  if (call.principal.actor.kind == domain::Actor::Kind::web_session) wish.source = "tfe-ui";
  TG_TRY(wish.configuration_version_id, body.relationship("configuration-version"));
  TG_TRY(const auto message, attributes.optional_text("message"));
  wish.message = message.value_or("");
  if (wish.message.size() > 4096) return fail(invalid_attribute("message", "must be at most 4096 bytes"));
  TG_TRY(const auto version, attributes.optional_text("terraform-version"));
  wish.terraform_version = version.value_or("");
  TG_CHECK(read_modes(attributes, wish));
  TG_TRY(wish.target_addrs, read_texts(attributes, "target-addrs"));
  TG_TRY(wish.replace_addrs, read_texts(attributes, "replace-addrs"));
  TG_TRY(wish.variables, read_variables(attributes));
  TG_TRY(const Run run, call.context.runs.create(wish, call.actor()));
  return call.store().read(
      [&](Tables& tables) -> Result<http::Response> { return document(201, run_resource(tables, call, run)); });
}

Result<http::Response> list_events(const Call& call) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    json::Array rows;
    for (const auto& event : tables.runs().events(call.subject.run->id)) {
      Resource resource("run-events", event.id);
      resource.attribute("action", event.action)
          .attribute("description", event.description)
          .attribute("actor-name", event.actor)
          .time("created-at", event.created_at);
      rows.push_back(std::move(resource).build());
    }
    return document(200, std::move(rows));
  });
}

}  // namespace

Routes run_routes() {
  return {
      {"POST", "/api/v2/runs", Permission::workspace_queue, create_run, "A new run", Body::json, "workspace"},
      {"GET", "/api/v2/runs/:run_id", Permission::workspace_read, show_run, "A run"},
      {"GET", "/api/v2/runs/:run_id/run-events", Permission::workspace_read, list_events, "What happened to a run"},
      {"GET", "/api/v2/workspaces/:workspace_id/runs", Permission::workspace_read, list_workspace_runs,
       "Runs of a workspace, newest first"},
      {"GET", "/api/v2/organizations/:organization/runs", Permission::organization_read, list_organization_runs,
       "Runs of an organization, newest first"},
      {"GET", "/api/v2/organizations/:organization/runs/queue", Permission::organization_read, show_queue,
       "Runs that run, and those that wait in the order of their turn"},
  };
}

}  // namespace tollgate::api
