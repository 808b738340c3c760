#include "server/runs/start_phase.h"

#include "server/runs/run_record.h"
#include "server/runs/scheduling.h"

namespace tollgate::runs {

namespace {

using domain::PhaseKind;

tl::unexpected<Error> never(const domain::Run& run, std::string_view reason, std::string_view why) {
  return fail(Error(Code::conflict, fmt::format("run {} cannot start: {}", run.id, why)).because(std::string(reason)));
}

Result<void> check_gate(const domain::Run& run, PhaseKind phase, const PhaseProof& proof, domain::MfaLevel level) {
  if (proof.run_id() != run.id || proof.phase() != phase) {
    return never(run, "gate_not_passed", "the proof is another phase's");
  }
  if (!domain::gated(level, phase)) return {};
  if (proof.kind() != PhaseProof::Kind::mfa_passed || proof.record_id().empty() || !gate_passed(run, phase)) {
    return never(run, "gate_not_passed", "no code was accepted for this phase");
  }
  return {};
}

Result<void> check_workspace(const domain::Run& run, PhaseKind phase, const domain::Workspace& workspace,
                             const FrozenInputs& inputs) {
  const bool needs_lock = !run.plan_only && !(run.save_plan && phase == PhaseKind::plan);
  const bool has_lock =
      workspace.lock.holder == domain::WorkspaceLock::Holder::run && workspace.lock.holder_id == run.id;
  if (needs_lock && !has_lock) return never(run, "workspace_lost", "it does not hold its workspace's lock");
  if (phase == PhaseKind::apply && inputs.base_state_version_id != workspace.current_state_version_id) {
    return never(run, "plan_stale", "the state has changed since the plan was made");
  }
  return {};
}

}  // namespace

Result<StartedPhase> start_phase(domain::Tables& tables, const PhaseProof& proof, std::string_view run_id,
                                 PhaseKind phase, RandomSource& random, TimePoint now) {
  auto run = tables.runs().find(run_id);
  if (!run) return fail(Error(Code::conflict, fmt::format("run {} is gone", run_id)).because("run_status"));
  const auto workspace = tables.workspaces().find(run->workspace_id);
  const auto organization = tables.organizations().find(run->organization_id);
  if (!workspace || !organization) return never(*run, "workspace_lost", "its workspace is gone");
  StartedPhase started;
  // The transition comes first, on our copy: a run whose turn it is not is told so, whatever else is wrong.
  TG_CHECK(phase == PhaseKind::plan ? domain::start_plan(*run, now) : domain::start_apply(*run, now));
  const auto level = level_in_force(*run, *organization, *workspace);
  TG_CHECK(check_gate(*run, phase, proof, level));
  const auto text = tables.runs().inputs(run_id);
  if (!text || text->empty()) return never(*run, "inputs_lost", "its frozen variables are gone");
  TG_TRY(started.inputs, parse_frozen_inputs(*text));
  TG_CHECK(check_workspace(*run, phase, *workspace, started.inputs));

  if (phase == PhaseKind::plan) {
    started.inputs.base_state_version_id = workspace->current_state_version_id;
    tables.runs().set_inputs(run_id, to_text(started.inputs));
  }
  // After the inputs were stored: what counts is the level at the start of each phase.
  if (level != domain::MfaLevel::never) started.left_out = take_reserved(started.inputs);
  started.phase = phase;
  started.state_version_id = workspace->current_state_version_id;
  started.limit = phase == PhaseKind::plan ? organization->plan_limit : organization->apply_limit;
  RunChange change;
  change.action = phase == PhaseKind::plan ? "planning" : "applying";
  if (!proof.record_id().empty()) change.details.set("mfa-record", proof.record_id());
  record(tables, *run, std::move(change), {}, random, now);
  started.run = std::move(*run);
  return started;
}

}  // namespace tollgate::runs
