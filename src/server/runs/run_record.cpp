#include "server/runs/run_record.h"

#include "server/audit/audit.h"
#include "server/domain/ids.h"
#include "server/runs/mfa_gate.h"

namespace tollgate::runs {

using domain::WorkspaceLock;

void record(domain::Tables& tables, const domain::Run& run, RunChange change, const domain::Actor& actor,
            RandomSource& random, TimePoint now) {
  auto updated = tables.runs().update(run);
  if (!updated) throw std::logic_error(updated.error().text());
  domain::RunEvent event;
  event.id = domain::new_id(domain::id_prefix::kRunEvent, random);
  event.run_id = run.id;
  event.action = change.action;
  event.description = std::move(change.description);
  event.actor = actor.username;
  event.created_at = now;
  tables.runs().add_event(event);

  change.details.set("status", domain::to_text(run.status));
  if (!run.reason.empty()) change.details.set("reason", run.reason);
  audit::append(tables, actor, {run.organization_id, "run." + change.action, "run", run.id, std::move(change.details)},
                now);

  if (!domain::is_final(run.status)) return;
  tables.runs().set_inputs(run.id, Secret());
  tables.tokens().erase_of_run(run.id);
  tables.phase_sessions().erase_of_run(run.id);
  close_gates(tables, run);
  auto workspace = tables.workspaces().find(run.workspace_id);
  if (!workspace || workspace->lock.holder != WorkspaceLock::Holder::run || workspace->lock.holder_id != run.id) return;
  workspace->lock = {};
  workspace->updated_at = now;
  updated = tables.workspaces().update(*workspace);
  if (!updated) throw std::logic_error(updated.error().text());
}

Result<void> take_workspace(domain::Tables& tables, const domain::Run& run, TimePoint now) {
  auto workspace = tables.workspaces().find(run.workspace_id);
  if (!workspace) return fail(Code::not_found, fmt::format("workspace {} of run {} is gone", run.workspace_id, run.id));
  TG_CHECK(domain::lock_workspace(*workspace, WorkspaceLock::Holder::run, run.id, "a run is in progress", now));
  workspace->current_run_id = run.id;
  workspace->updated_at = now;
  return tables.workspaces().update(*workspace);
}

Event event_of(const domain::Run& run, std::string what) {
  return {run.organization_id, run.workspace_id, run.id, std::move(what), std::string(domain::to_text(run.status))};
}

}  // namespace tollgate::runs
