#include "server/runs/mfa_gate.h"

#include <algorithm>

namespace tollgate::runs {

namespace {

using domain::GateRecord;
using domain::GateState;
using domain::PhaseKind;
using domain::PhaseStatus;
using domain::Run;
using domain::RunStatus;
using domain::Tables;

constexpr std::chrono::seconds kLongestCall{90};

bool anybody_could_pass(Tables& tables, const Run& run) {
  const auto identities = tables.aws_identities().of_organization(run.organization_id);
  const auto policy = tables.gate_settings().of(run.organization_id).identity_policy;
  return std::any_of(identities.begin(), identities.end(), [&](const domain::AwsIdentity& identity) {
    return policy == domain::IdentityPolicy::personal_then_organization ||
           (policy == domain::IdentityPolicy::personal) == (identity.kind == domain::IdentityKind::personal);
  });
}

}  // namespace

Result<std::optional<PhaseProof>> MfaGate::check(Tables& tables, const Run& run, PhaseKind phase,
                                                 domain::MfaLevel level, TimePoint now) {
  if (!domain::gated(level, phase)) return std::optional(no_gate_needed(run, phase));
  TG_TRY(const domain::GateBinding binding, current_binding(tables, run, phase));
  const auto known = tables.gates().of_phase(run.id, phase);
  if (known && known->binding != binding) {
    return fail(Error(Code::conflict,
                      fmt::format("what the gate of the {} was opened for has changed since", domain::to_text(phase)))
                    .because("gate_binding_changed")
                    .do_next("start a new run"));
  }
  if (known && known->state == GateState::passed) return std::optional(mfa_passed(run, phase, known->id));
  if (!anybody_could_pass(tables, run)) {
    return fail(Error(Code::conflict, fmt::format("the {} waits for a one-time code (AWS MFA: {}), and no AWS identity "
                                                  "is set up that a code could be checked with",
                                                  domain::to_text(phase), domain::to_text(level)))
                    .because("mfa_not_configured")
                    .do_next("an owner of the organization sets up an AWS identity with an MFA device"));
  }
  if (!known) {
    GateRecord gate;
    gate.id = gate_id(binding);
    gate.organization_id = run.organization_id;
    gate.binding = binding;
    gate.opened_at = now;
    TG_CHECK(tables.gates().insert(gate));
  }
  return std::optional<PhaseProof>();
}

std::string MfaGate::waiting_line(Tables& tables, const Run& run, PhaseKind phase) {
  const auto chosen =
      choose_identity(identity_options(tables, run.organization_id, run.created_by), run, phase, run.created_by);
  return fmt::format("Waiting for an AWS MFA code{}{}. Enter it at {} or run: tollgate authenticate {}",
                     chosen ? " for device " : "", chosen ? chosen->serial : "", run_url_(tables, run), run.id);
}

Result<domain::GateBinding> current_binding(Tables& tables, const Run& run, PhaseKind phase) {
  const auto inputs = tables.runs().inputs(run.id);
  if (!inputs || inputs->empty()) {
    return fail(
        Error(Code::conflict, fmt::format("the frozen variables of run {} are gone", run.id)).because("inputs_lost"));
  }
  return gate_binding(run, phase, *inputs);
}

bool gate_can_be_passed(const Run& run, PhaseKind phase) {
  const PhaseStatus status = run.phase(phase).status;
  const bool at_hand = status == PhaseStatus::queued || status == PhaseStatus::mfa_waiting;
  if (phase == PhaseKind::plan) return run.status == RunStatus::plan_queued && at_hand;
  return domain::is_confirmable(run) || run.status == RunStatus::confirmed ||
         (run.status == RunStatus::apply_queued && at_hand);
}

IdentityOptions identity_options(Tables& tables, std::string_view organization_id, std::string_view user_id) {
  IdentityOptions options;
  options.policy = tables.gate_settings().of(organization_id).identity_policy;
  options.organization = tables.aws_identities().of_organization_itself(organization_id);
  if (user_id.empty()) return options;
  options.personal = tables.aws_identities().of_user(organization_id, user_id);
  if (options.organization) options.device = tables.identity_devices().of_user(options.organization->id, user_id);
  return options;
}

std::vector<std::string> allowed_accounts(Tables& tables, std::string_view organization_id) {
  auto accounts = tables.gate_settings().of(organization_id).accounts;
  if (!accounts.empty()) return accounts;
  const auto identity = tables.aws_identities().of_organization_itself(organization_id);
  if (identity && !identity->account.empty()) accounts.push_back(identity->account);
  return accounts;
}

bool is_checking(const GateRecord& gate, TimePoint now) {
  return gate.state == GateState::checking && gate.checking_since && *gate.checking_since + kLongestCall > now;
}

std::int64_t refusals_of_run(Tables& tables, std::string_view run_id) {
  std::int64_t all = 0;
  for (const GateRecord& gate : tables.gates().of_run(run_id))
    all += gate.refusals;
  return all;
}

void close_gates(Tables& tables, const Run& run) {
  for (GateRecord gate : tables.gates().of_run(run.id)) {
    if (gate.state != GateState::open && gate.state != GateState::checking) continue;
    gate.state = run.reason == "mfa_timeout" ? GateState::expired : GateState::closed;
    const auto updated = tables.gates().update(gate);
    if (!updated) throw std::logic_error(updated.error().text());
  }
}

}  // namespace tollgate::runs
