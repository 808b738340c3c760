#include "server/runs/mfa_preparation.h"

#include "server/runs/frozen_inputs.h"
#include "server/runs/run_record.h"
#include "server/runs/scheduling.h"

namespace tollgate::runs {

namespace {

using domain::GateState;
using domain::PhaseKind;
using domain::Tables;
using Status = AuthenticateStatus;

// Empty where it does not matter: a plan that had no credentials, or both phases have roles of the owners.
std::string account_of_plan(Tables& tables, const std::string& run_id, const domain::GateSettings& settings) {
  const auto gate = tables.gates().of_phase(run_id, PhaseKind::plan);
  const bool gated = gate && gate->state == GateState::passed;
  const auto& role = gated ? settings.plan_role : settings.read_only_plan_role;
  if (!role.arn.empty() && !settings.apply_role.arn.empty()) return "";
  if (gated) return account_of_arn(gate->arn);
  const auto text = tables.runs().inputs(run_id);
  if (!text) return "";
  const auto inputs = parse_frozen_inputs(*text);
  return inputs ? inputs->plan_account : "";
}

void read_settings(Tables& tables, PhaseKind phase, PreparedAttempt& found) {
  found.accounts = allowed_accounts(tables, found.organization.id);
  if (found.accounts.empty())
    found.account_authority = tables.aws_identities().of_organization_itself(found.organization.id);
  const auto settings = tables.gate_settings().of(found.organization.id);
  found.role = phase == PhaseKind::plan ? settings.plan_role : settings.apply_role;
  if (phase == PhaseKind::apply) found.plan_account = account_of_plan(tables, found.run.id, settings);
}

tl::unexpected<AuthenticateAnswer> back_off(const Wait& wait) {
  auto given = refuse_attempt(
      Status::too_soon,
      wait.device
          ? gate_error(Code::throttled, "device_limit", "too many codes of this device were refused within an hour",
                       "wait, or an owner of the organization lifts this")
          : gate_error(Code::throttled, "back_off", "several codes in a row were refused", "wait for a while"));
  given.value().retry_after = wait.seconds;
  return given;
}

tl::expected<void, AuthenticateAnswer> check_gate(Tables& tables, const AuthenticateRequest& request,
                                                  PreparedAttempt& found, TimePoint now) {
  if (!gate_can_be_passed(found.run, request.phase)) {
    return no_gate("no_gate", fmt::format("run {} is {}: there is no open gate of its {}", found.run.id,
                                          domain::to_text(found.run.status), domain::to_text(request.phase)));
  }
  auto binding = current_binding(tables, found.run, request.phase);
  if (!binding) return refuse_attempt(Status::no_such_gate, std::move(binding.error()));
  found.binding = std::move(*binding);
  found.gate = tables.gates().of_phase(found.run.id, request.phase);
  if (request.gate_id != gate_id(found.binding) || (found.gate && found.gate->binding != found.binding)) {
    return no_gate("stale_gate",
                   "this code was typed for another gate: the plan, its configuration or its variables "
                   "are not the ones shown");
  }
  if (found.gate && found.gate->state == GateState::passed) {
    return no_gate("already_passed", fmt::format("{} has just authenticated", found.gate->accepted_by_name));
  }
  if (found.gate && found.gate->state != GateState::open && found.gate->state != GateState::checking) {
    return no_gate("no_gate", "this gate is closed");
  }
  const auto deadline = gate_deadline(found.run, request.phase, found.organization);
  if (deadline && *deadline <= now) return no_gate("mfa_timeout", "this gate has expired");
  if (found.gate && is_checking(*found.gate, now)) {
    auto busy = refuse_attempt(Status::too_soon,
                               gate_error(Code::throttled, "checking", "another code is at AWS for this gate"));
    busy.value().retry_after = std::chrono::seconds(2);
    return busy;
  }
  found.refusals = refusals_of_run(tables, found.run.id);
  if (found.refusals >= kRefusalsOfARun) {
    return refuse_attempt(Status::locked,
                          gate_error(Code::locked, "mfa_locked",
                                     fmt::format("{} codes were refused at the gates of this run", found.refusals),
                                     "an owner of the organization can lift this"));
  }
  return {};
}

}  // namespace

tl::unexpected<AuthenticateAnswer> refuse_attempt(AuthenticateStatus status, Error error) {
  AuthenticateAnswer made;
  made.status = status;
  made.error = std::move(error);
  return tl::unexpected(std::move(made));
}

Error gate_error(Code code, std::string_view reason, std::string text, std::string next) {
  return Error(code, std::move(text)).because(std::string(reason)).do_next(std::move(next));
}

tl::unexpected<AuthenticateAnswer> no_gate(std::string_view reason, std::string why) {
  return refuse_attempt(Status::no_such_gate, gate_error(Code::conflict, reason, std::move(why),
                                                         "look at the run again and use the gate it shows"));
}

tl::expected<PreparedAttempt, AuthenticateAnswer> prepare_attempt(Tables& tables, const AuthenticateRequest& request,
                                                                  const domain::Actor& actor, TimePoint now) {
  PreparedAttempt found;
  auto run = tables.runs().find(request.run_id);
  const auto workspace = run ? tables.workspaces().find(run->workspace_id) : std::nullopt;
  auto organization = run ? tables.organizations().find(run->organization_id) : std::nullopt;
  if (!workspace || !organization) return no_gate("no_run", "there is no such run");
  found.run = std::move(*run);
  found.organization = std::move(*organization);
  if (!domain::gated(level_in_force(found.run, found.organization, *workspace), request.phase)) {
    return no_gate("not_gated", fmt::format("the {} of this run waits for no code", domain::to_text(request.phase)));
  }
  if (auto checked = check_gate(tables, request, found, now); !checked)
    return tl::unexpected(std::move(checked.error()));
  auto chosen = choose_identity(identity_options(tables, found.organization.id, actor.user_id), found.run,
                                request.phase, actor.user_id);
  if (!chosen) return refuse_attempt(Status::forbidden, std::move(chosen.error()));
  found.chosen = std::move(*chosen);
  const auto wait =
      wait_before_next_try(tables.gates().attempts(found.chosen.serial, now - kAttemptWindow), actor.user_id, now);
  if (wait.seconds.count() > 0) return back_off(wait);
  read_settings(tables, request.phase, found);
  return found;
}

}  // namespace tollgate::runs
