#include "server/runs/start_phase.h"

#include <algorithm>

#include "server/runs/mfa_gate.h"
#include "server/runs/run_record.h"
#include "server/runs/scheduling.h"

namespace tollgate::runs {

namespace {

using domain::PhaseKind;

tl::unexpected<Error> never(const domain::Run& run, std::string_view reason, std::string_view why) {
  return fail(Error(Code::conflict, fmt::format("run {} cannot start: {}", run.id, why)).because(std::string(reason)));
}

bool gated(const StartQuestion& question) {
  return domain::gated(question.level, question.phase);
}

std::optional<domain::GateRecord> gate_of(const StartQuestion& question) {
  return gated(question) ? question.tables.gates().of_phase(question.run.id, question.phase) : std::nullopt;
}

Result<void> check_proof(const StartQuestion& question) {
  if (question.proof.run_id() == question.run.id && question.proof.phase() == question.phase) return {};
  return never(question.run, "gate_not_passed", "the proof is another phase's");
}

// I1: a committed record says that STS accepted a code for this run and this phase, by this person.
Result<void> check_passed(const StartQuestion& question) {
  if (!gated(question)) return {};
  const auto gate = gate_of(question);
  const bool passed = question.proof.kind() == PhaseProof::Kind::mfa_passed && gate &&
                      gate->id == question.proof.record_id() && gate->state == domain::GateState::passed &&
                      !gate->accepted_by.empty() && gate_passed(question.run, question.phase);
  return passed ? Result<void>{} : never(question.run, "gate_not_passed", "no code was accepted for this phase");
}

// ... for this plan, configuration, variables and terraform.
Result<void> check_binding(const StartQuestion& question) {
  const auto gate = gate_of(question);
  if (!gate || gate->binding == gate_binding(question.run, question.phase, question.inputs_text)) return {};
  return never(question.run, "gate_binding_changed", "what its gate was passed for has changed since");
}

// ... for an account on the organization's list, as it is now.
Result<void> check_account(const StartQuestion& question) {
  const auto gate = gate_of(question);
  if (!gate) return {};
  const auto accounts = allowed_accounts(question.tables, question.run.organization_id);
  if (std::find(accounts.begin(), accounts.end(), gate->account) != accounts.end()) return {};
  return never(question.run, "account_not_listed",
               fmt::format("AWS account {} does not open the gates of this organization any more", gate->account));
}

Result<void> check_session(const StartQuestion& question) {
  if (!gated(question)) return {};
  const auto session = question.tables.phase_sessions().find(question.run.phase(question.phase).id);
  if (session && session->expires_at > question.now) return {};
  return never(question.run, "session_expired", "the AWS session of its gate is over");
}

// I6: one writer.
Result<void> check_lock(const StartQuestion& question) {
  const domain::Run& run = question.run;
  const auto& lock = question.workspace.lock;
  const bool needs_lock = !run.plan_only && !(run.save_plan && question.phase == PhaseKind::plan);
  const bool has_lock = lock.holder == domain::WorkspaceLock::Holder::run && lock.holder_id == run.id;
  if (needs_lock && !has_lock) return never(run, "workspace_lost", "it does not hold its workspace's lock");
  return {};
}

Result<void> check_base(const StartQuestion& question) {
  if (question.phase != PhaseKind::apply ||
      question.inputs.base_state_version_id == question.workspace.current_state_version_id) {
    return {};
  }
  return never(question.run, "plan_stale", "the state has changed since the plan was made");
}

constexpr StartCheck kChecks[] = {{"proof", check_proof},     {"passed", check_passed},   {"binding", check_binding},
                                  {"account", check_account}, {"session", check_session}, {"lock", check_lock},
                                  {"base", check_base}};

}  // namespace

std::span<const StartCheck> start_checks() {
  return kChecks;
}

Result<StartedPhase> start_phase(domain::Tables& tables, const PhaseProof& proof, std::string_view run_id,
                                 PhaseKind phase, RandomSource& random, TimePoint now,
                                 std::span<const StartCheck> checks) {
  auto run = tables.runs().find(run_id);
  if (!run) return fail(Error(Code::conflict, fmt::format("run {} is gone", run_id)).because("run_status"));
  const auto workspace = tables.workspaces().find(run->workspace_id);
  const auto organization = tables.organizations().find(run->organization_id);
  if (!workspace || !organization) return never(*run, "workspace_lost", "its workspace is gone");
  StartedPhase started;
  // The transition comes first, on our copy: a run whose turn it is not is told so, whatever else is wrong.
  TG_CHECK(phase == PhaseKind::plan ? domain::start_plan(*run, now) : domain::start_apply(*run, now));
  const auto level = level_in_force(*run, *organization, *workspace);
  const auto text = tables.runs().inputs(run_id);
  if (!text || text->empty()) return never(*run, "inputs_lost", "its frozen variables are gone");
  TG_TRY(started.inputs, parse_frozen_inputs(*text));
  const StartQuestion question{tables, *run, phase, proof, level, *workspace, *text, started.inputs, now};
  for (const StartCheck& check : checks)
    TG_CHECK(check.holds(question));

  if (phase == PhaseKind::plan) {
    started.inputs.base_state_version_id = workspace->current_state_version_id;
    tables.runs().set_inputs(run_id, to_text(started.inputs));
  }
  // After the inputs were stored: what counts is the level at the start of each phase.
  if (level != domain::MfaLevel::never) started.left_out = take_reserved(started.inputs);
  started.phase = phase;
  started.level = level;
  if (const auto gate = gate_of(question)) started.authenticated_by = gate->accepted_by_name;
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
