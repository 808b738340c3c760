#include "server/runs/store_run_service.h"

#include <algorithm>

#include "server/domain/ids.h"
#include "server/runs/frozen_inputs.h"
#include "server/runs/run_record.h"
#include "server/runs/scheduling.h"

namespace tollgate::runs {

namespace {

using domain::Actor;
using domain::Run;
using domain::Tables;

tl::unexpected<Error> invalid(std::string message, std::string place, std::string next = "") {
  return fail(Error(Code::invalid, std::move(message)).at(std::move(place)).do_next(std::move(next)));
}

// HCL's identifiers: anything else would become code in a file of variables.
bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

Result<void> check_wish(const NewRun& wish, const domain::Workspace& workspace) {
  if (workspace.execution_mode != domain::ExecutionMode::remote) {
    return invalid(fmt::format("workspace {} executes locally, so it has no runs", workspace.name),
                   "/data/relationships/workspace", "set its execution mode to remote");
  }
  if (wish.is_destroy && !workspace.allow_destroy_plan) {
    return invalid(fmt::format("workspace {} does not allow destroy plans", workspace.name),
                   "/data/attributes/is-destroy");
  }
  if (wish.is_destroy && wish.refresh_only) {
    return invalid("a run cannot be destroy and refresh-only at once", "/data/attributes/refresh-only");
  }
  if (wish.refresh_only && !wish.refresh) {
    return invalid("a refresh-only run has to refresh", "/data/attributes/refresh");
  }
  for (std::size_t i = 0; i < wish.variables.size(); ++i) {
    if (!is_identifier(wish.variables[i].key)) {
      return invalid("the name of a terraform variable is letters, digits, '_' and '-'",
                     fmt::format("/data/attributes/variables/{}/key", i));
    }
  }
  return {};
}

Result<domain::ConfigurationVersion> find_configuration(Tables& tables, const NewRun& wish) {
  constexpr std::string_view kPlace = "/data/relationships/configuration-version";
  auto found = wish.configuration_version_id ? tables.configuration_versions().find(*wish.configuration_version_id)
                                             : tables.configuration_versions().latest_uploaded(wish.workspace_id);
  if (!found && !wish.configuration_version_id) {
    return invalid("the workspace has no configuration yet", std::string(kPlace), "upload one first");
  }
  if (!found || found->workspace_id != wish.workspace_id) {
    return fail(Error(Code::not_found, "there is no such configuration version").at(std::string(kPlace)));
  }
  if (found->status != domain::ConfigurationStatus::uploaded) {
    return invalid(fmt::format("configuration version {} is not uploaded", found->id), std::string(kPlace));
  }
  return std::move(*found);
}

// Stock clients print the description of an event with this action as a warning right under the address of the run.
void announce_gates(Tables& tables, const Run& run, RandomSource& random, TimePoint now) {
  const bool plan = domain::gated(run.aws_mfa_at_creation, domain::PhaseKind::plan);
  const bool apply = domain::gated(run.aws_mfa_at_creation, domain::PhaseKind::apply) && !run.plan_only;
  if (!plan && !apply) return;
  domain::RunEvent event;
  event.id = domain::new_id(domain::id_prefix::kRunEvent, random);
  event.run_id = run.id;
  event.action = "changed_task_enforcements";
  event.description = fmt::format("AWS MFA: this run waits for a one-time code {}.",
                                  plan && apply ? "before its plan, and for another one before its apply"
                                  : plan        ? "before its plan"
                                                : "before its apply");
  event.created_at = now;
  tables.runs().add_event(event);
}

Run run_of(const NewRun& wish, const domain::Workspace& workspace, const domain::ConfigurationVersion& configuration) {
  Run run;
  run.organization_id = workspace.organization_id;
  run.workspace_id = workspace.id;
  run.configuration_version_id = configuration.id;
  run.message = wish.message;
  run.source = wish.source;
  run.is_destroy = wish.is_destroy;
  run.refresh = wish.refresh;
  run.refresh_only = wish.refresh_only;
  // What came from a speculative upload may never be applied.
  run.plan_only = wish.plan_only.value_or(false) || configuration.speculative;
  run.save_plan = wish.save_plan && !run.plan_only;
  run.auto_apply = wish.auto_apply.value_or(workspace.auto_apply);
  run.allow_empty_apply = wish.allow_empty_apply;
  run.allow_config_generation = wish.allow_config_generation;
  run.target_addrs = wish.target_addrs;
  run.replace_addrs = wish.replace_addrs;
  run.variables = wish.variables;
  run.working_directory = workspace.working_directory;
  run.structured_output = workspace.structured_run_output;
  return run;
}

// Behind a person's lock the head of the queue is the workspace's current run from the start: stock clients ask once in
// half a minute what they wait for, and tell by that.
Result<void> show_behind_a_lock(Tables& tables, const Run& run, domain::Workspace workspace) {
  if (run.plan_only || run.save_plan || workspace.lock.holder != domain::WorkspaceLock::Holder::user) return {};
  for (const Run& other : tables.runs().unfinished_of(run.workspace_id)) {
    if (other.id != run.id && !other.plan_only && !other.save_plan) return {};
  }
  workspace.current_run_id = run.id;
  return tables.workspaces().update(workspace);
}

}  // namespace

void close_logs(LogHub& logs, const Run& run, std::string_view line) {
  for (const auto* phase : {&run.plan, &run.apply}) {
    if (!domain::is_final(phase->status)) continue;
    // An apply that never began has no reader, unless a code was refused for it; a plan may have one from the first
    // moment.
    if (phase == &run.plan || phase->status != domain::PhaseStatus::unreachable) logs.open(phase->id);
    if (!line.empty()) logs.append_system(phase->id, line, run.structured_output);
    logs.close(phase->id);
  }
}

Result<Run> StoreRunService::create(const NewRun& wish, const Actor& actor) {
  const TimePoint now = parts_.clock.now();
  const auto installed = parts_.versions.installed();
  auto created = parts_.store.write([&](Tables& tables) -> Result<Run> {
    const auto workspace = tables.workspaces().find(wish.workspace_id);
    const auto organization =
        workspace ? tables.organizations().find(workspace->organization_id) : std::optional<domain::Organization>();
    if (!organization) {
      return fail(Error(Code::not_found, "there is no such workspace").at("/data/relationships/workspace"));
    }
    TG_CHECK(check_wish(wish, *workspace));
    TG_TRY(const auto configuration, find_configuration(tables, wish));
    Run run = run_of(wish, *workspace, configuration);
    const std::string& version = wish.terraform_version.empty() ? workspace->terraform_version : wish.terraform_version;
    auto chosen = choose_terraform_version(version, installed);
    if (!chosen) return fail(std::move(chosen.error()).at("/data/attributes/terraform-version"));
    run.terraform_version = std::move(*chosen);
    run.id = domain::new_id(domain::id_prefix::kRun, parts_.random);
    run.plan.id = domain::new_id(domain::id_prefix::kPlan, parts_.random);
    run.apply.id = domain::new_id(domain::id_prefix::kApply, parts_.random);
    run.created_by = actor.user_id;
    run.created_at = now;
    run.timestamps["pending-at"] = now;
    run.aws_mfa_at_creation = domain::stricter(organization->aws_mfa, workspace->aws_mfa);
    TG_CHECK(tables.runs().insert(run));
    TG_CHECK(show_behind_a_lock(tables, run, *workspace));
    const auto personal = actor.user_id.empty() ? std::vector<domain::Variable>()
                                                : tables.variables().of_user(run.organization_id, actor.user_id);
    tables.runs().set_inputs(run.id, to_text(freeze(tables.variables().of_organization(run.organization_id), personal,
                                                    tables.variables().of_workspace(run.workspace_id), run.variables)));
    run = tables.runs().find(run.id).value();  // with its place in the order
    RunChange change;
    change.action = "created";
    change.details.set("workspace", run.workspace_id);
    change.details.set("configuration", run.configuration_version_id);
    record(tables, run, std::move(change), actor, parts_.random, now);
    announce_gates(tables, run, parts_.random, now);
    return run;
  });
  if (created) announce(*created, "created", actor);
  return created;
}

Result<Run> StoreRunService::change(std::string_view run_id, std::string action, const Actor& actor, const Step& step) {
  const TimePoint now = parts_.clock.now();
  auto changed = parts_.store.write([&](Tables& tables) -> Result<Run> {
    auto run = tables.runs().find(run_id);
    if (!run) return fail(Code::not_found, "there is no such run");
    TG_CHECK(step(tables, *run, now));
    RunChange change;
    change.action = action;
    change.description = run->comment;
    record(tables, *run, std::move(change), actor, parts_.random, now);
    return std::move(*run);
  });
  if (changed) announce(*changed, action, actor);
  return changed;
}

void StoreRunService::announce(const Run& run, const std::string& action, const Actor& actor) {
  if (domain::is_final(run.status)) {
    close_logs(parts_.logs, run,
               actor.username.empty() ? fmt::format("Run {}.", domain::to_text(run.status))
                                      : fmt::format("Run {} by {}.", domain::to_text(run.status), actor.username));
  }
  parts_.events.publish(event_of(run, action));
  if (parts_.wake) parts_.wake();
}

Result<void> confirm_run(Tables& tables, Run& run, std::string comment, const Actor& actor, TimePoint now) {
  TG_CHECK(domain::confirm(run, actor.user_id, std::move(comment), now));
  if (!run.save_plan) return {};
  // A saved plan was made beside the queue; from here on it is the workspace's writer.
  const auto text = tables.runs().inputs(run.id);
  const auto workspace = tables.workspaces().find(run.workspace_id);
  if (text && workspace) {
    TG_TRY(const FrozenInputs inputs, parse_frozen_inputs(*text));
    if (inputs.base_state_version_id != workspace->current_state_version_id) {
      return fail(Error(Code::conflict, "the state has changed since this plan was saved")
                      .because("plan_stale")
                      .do_next("make a new plan"));
    }
  }
  return take_workspace(tables, run, now);
}

Result<Run> StoreRunService::confirm(std::string_view run_id, std::string comment, const Actor& actor) {
  return change(run_id, "confirmed", actor,
                [&](Tables& tables, Run& run, TimePoint now) { return confirm_run(tables, run, comment, actor, now); });
}

Result<Run> StoreRunService::discard(std::string_view run_id, std::string comment, const Actor& actor) {
  return change(run_id, "discarded", actor,
                [&](Tables&, Run& run, TimePoint now) { return domain::discard(run, comment, now); });
}

Result<Run> StoreRunService::cancel(std::string_view run_id, std::string comment, const Actor& actor) {
  return change(run_id, "canceled", actor, [&](Tables&, Run& run, TimePoint now) {
    return domain::request_cancel(run, actor.user_id, comment, now);
  });
}

Result<Run> StoreRunService::force_cancel(std::string_view run_id, std::string comment, const Actor& actor) {
  return change(run_id, "force_canceled", actor,
                [&](Tables&, Run& run, TimePoint now) { return domain::request_force_cancel(run, comment, now); });
}

void StoreRunService::look_again() {
  if (parts_.wake) parts_.wake();
}

}  // namespace tollgate::runs
