#include "server/runs/mfa_view.h"

#include <algorithm>

#include "server/runs/scheduling.h"

namespace tollgate::runs {

namespace {

using domain::GateRecord;
using domain::GateState;
using domain::MfaLevel;
using domain::PhaseKind;
using domain::Run;
using domain::RunStatus;
using domain::Tables;

MfaLevel level_of(Tables& tables, const Run& run) {
  if (domain::is_final(run.status)) return run.aws_mfa_at_creation;
  const auto workspace = tables.workspaces().find(run.workspace_id);
  const auto organization = tables.organizations().find(run.organization_id);
  if (!workspace || !organization) return run.aws_mfa_at_creation;
  return level_in_force(run, *organization, *workspace);
}

struct Phases {
  bool plan = false;  // gated, now or when it was passed
  bool apply = false;
};

// The phase that the card is about: the open gate's, else the last one passed, else the next one.
PhaseKind phase_of(const Run& run, const Phases& gated, const std::vector<GateRecord>& gates) {
  const auto open = std::find_if(gates.begin(), gates.end(), [](const GateRecord& gate) {
    return gate.state == GateState::open || gate.state == GateState::checking;
  });
  if (open != gates.end()) return open->binding.phase;
  if (gated.apply && gate_can_be_passed(run, PhaseKind::apply)) return PhaseKind::apply;
  if (gated.plan && gate_can_be_passed(run, PhaseKind::plan)) return PhaseKind::plan;
  if (!gates.empty()) return gates.back().binding.phase;
  return gated.plan ? PhaseKind::plan : PhaseKind::apply;
}

std::string state_of(Tables& tables, const Run& run, PhaseKind phase, const std::optional<GateRecord>& gate,
                     TimePoint now) {
  if (gate && gate->state == GateState::passed) return "passed";
  if (gate && gate->state == GateState::expired) return "expired";
  if ((gate && gate->state == GateState::closed) || domain::is_final(run.status)) return "closed";
  if (gate && is_checking(*gate, now)) return "checking";
  if (refusals_of_run(tables, run.id) >= kRefusalsOfARun) return "locked";
  if (gate && !gate->refusal.reason.empty()) return "refused";
  // A planned run's gate is opened by the code itself, which confirms too.
  return gate || (phase == PhaseKind::apply && domain::is_confirmable(run)) ? "waiting" : "not-yet";
}

void look_at_viewer(Tables& tables, const Run& run, const MfaViewer& viewer, TimePoint now, MfaView& view) {
  if (viewer.user_id.empty()) {
    view.reason = "only people pass a gate: sign in, or use a user's token";
    return;
  }
  const auto chosen =
      choose_identity(identity_options(tables, run.organization_id, viewer.user_id), run, *view.phase, viewer.user_id);
  if (chosen) {
    view.serial = chosen->serial;
    view.identity = chosen->identity;
    if (chosen->identity.kind == domain::IdentityKind::personal) {
      if (const auto owner = tables.users().find(chosen->identity.user_id)) view.identity_owner = owner->username;
    }
  }
  if (!viewer.may_apply) {
    view.reason = "you may not apply runs of this workspace; ask somebody who may";
  } else if (!chosen) {
    view.reason = fmt::format("{}: {}", chosen.error().message, chosen.error().next);
  } else if (view.state == "locked") {
    view.reason = "too many codes were refused: an owner of the organization can lift this";
  } else {
    view.can = view.state == "waiting" || view.state == "refused";
    const auto attempts = tables.gates().attempts(chosen->serial, now - kCodeStep);
    const bool used = std::any_of(attempts.begin(), attempts.end(), [&](const domain::MfaAttempt& attempt) {
      return unix_seconds(attempt.at) / kCodeStep.count() == unix_seconds(now) / kCodeStep.count();
    });
    if (view.can && used) view.next_code_in = next_code_in(now);
  }
}

std::optional<MfaView> look(Tables& tables, const Run& run, TimePoint now) {
  MfaView view;
  view.level = level_of(tables, run);
  const auto gates = tables.gates().of_run(run.id);
  const auto has = [&](PhaseKind phase) {
    return std::any_of(gates.begin(), gates.end(), [&](const GateRecord& gate) { return gate.binding.phase == phase; });
  };
  Phases gated;
  gated.plan = domain::gated(view.level, PhaseKind::plan) || has(PhaseKind::plan);
  gated.apply = (domain::gated(view.level, PhaseKind::apply) && !run.plan_only) || has(PhaseKind::apply);
  if (!gated.plan && !gated.apply) return std::nullopt;
  const PhaseKind phase = phase_of(run, gated, gates);
  view.phase = phase;
  for (const GateRecord& gate : gates) {
    if (gate.binding.phase == phase) view.gate = gate;
  }
  view.state = state_of(tables, run, phase, view.gate, now);
  view.tries_left = std::max<std::int64_t>(0, kRefusalsOfARun - refusals_of_run(tables, run.id));
  if (view.gate) {
    view.gate_id = view.gate->id;
    view.since = view.gate->opened_at;
  } else if (view.state == "waiting") {
    if (const auto binding = current_binding(tables, run, phase)) view.gate_id = gate_id(*binding);
  }
  if (const auto organization = tables.organizations().find(run.organization_id)) {
    view.deadline = gate_deadline(run, phase, *organization);
  }
  return view;
}

}  // namespace

std::optional<MfaView> mfa_view(Tables& tables, const Run& run, const MfaViewer& viewer, TimePoint now) {
  auto view = look(tables, run, now);
  if (view) look_at_viewer(tables, run, viewer, now, *view);
  return view;
}

std::string mfa_state(Tables& tables, const Run& run, TimePoint now) {
  const auto view = look(tables, run, now);
  return view ? view->state : "";
}

std::vector<GateRecord> mfa_history(Tables& tables, const Run& run) {
  auto gates = tables.gates().of_run(run.id);
  std::erase_if(gates, [](const GateRecord& gate) { return gate.state != GateState::passed; });
  return gates;
}

}  // namespace tollgate::runs
