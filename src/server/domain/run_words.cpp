#include "server/domain/run.h"

namespace tollgate::domain {

std::string_view to_text(RunStatus status) {
  switch (status) {
    case RunStatus::pending:
      return "pending";
    case RunStatus::plan_queued:
      return "plan_queued";
    case RunStatus::planning:
      return "planning";
    case RunStatus::planned:
      return "planned";
    case RunStatus::planned_and_saved:
      return "planned_and_saved";
    case RunStatus::planned_and_finished:
      return "planned_and_finished";
    case RunStatus::confirmed:
      return "confirmed";
    case RunStatus::apply_queued:
      return "apply_queued";
    case RunStatus::applying:
      return "applying";
    case RunStatus::applied:
      return "applied";
    case RunStatus::discarded:
      return "discarded";
    case RunStatus::canceled:
      return "canceled";
    case RunStatus::force_canceled:
      return "force_canceled";
    case RunStatus::errored:
      return "errored";
  }
  return "";
}

std::optional<RunStatus> parse_run_status(std::string_view text) {
  for (const RunStatus status : kRunStatuses) {
    if (to_text(status) == text) return status;
  }
  return std::nullopt;
}

bool is_final(RunStatus status) {
  switch (status) {
    case RunStatus::planned_and_finished:
    case RunStatus::applied:
    case RunStatus::discarded:
    case RunStatus::canceled:
    case RunStatus::force_canceled:
    case RunStatus::errored:
      return true;
    case RunStatus::pending:
    case RunStatus::plan_queued:
    case RunStatus::planning:
    case RunStatus::planned:
    case RunStatus::planned_and_saved:
    case RunStatus::confirmed:
    case RunStatus::apply_queued:
    case RunStatus::applying:
      return false;
  }
  return false;
}

std::string_view to_text(PhaseStatus status) {
  switch (status) {
    case PhaseStatus::pending:
      return "pending";
    case PhaseStatus::queued:
      return "queued";
    case PhaseStatus::mfa_waiting:
      return "mfa_waiting";
    case PhaseStatus::running:
      return "running";
    case PhaseStatus::finished:
      return "finished";
    case PhaseStatus::errored:
      return "errored";
    case PhaseStatus::canceled:
      return "canceled";
    case PhaseStatus::unreachable:
      return "unreachable";
  }
  return "";
}

std::optional<PhaseStatus> parse_phase_status(std::string_view text) {
  for (const PhaseStatus status : kPhaseStatuses) {
    if (to_text(status) == text) return status;
  }
  return std::nullopt;
}

bool is_final(PhaseStatus status) {
  return status == PhaseStatus::finished || status == PhaseStatus::errored || status == PhaseStatus::canceled ||
         status == PhaseStatus::unreachable;
}

}  // namespace tollgate::domain
