#include "server/runs/scheduler.h"

#include "server/runs/mfa_gate.h"
#include "server/runs/run_record.h"
#include "server/runs/store_run_service.h"

namespace tollgate::runs {

namespace {

using domain::PhaseKind;
using domain::PhaseStatus;
using domain::Run;
using domain::RunStatus;
using domain::Tables;

bool has_process(const Run& run) {
  return run.status == RunStatus::planning || run.status == RunStatus::applying;
}

bool not_its_turn(const Error& error) {
  return error.reason == "run_status";
}

Result<void> queue_plan(Tables& tables, Run& run, TimePoint now) {
  TG_CHECK(domain::queue_plan(run, now));
  if (run.plan_only || run.save_plan) return {};
  // FIFO and one at a time, whatever the snapshot said.
  for (const Run& other : tables.runs().unfinished_of(run.workspace_id)) {
    if (other.id == run.id || other.plan_only || other.save_plan) continue;
    if (domain::occupies_workspace(other) || other.sequence < run.sequence) {
      return fail(Error(Code::conflict, "another run comes first").because("run_status"));
    }
  }
  return take_workspace(tables, run, now);
}

Result<void> expire_gate(Tables& tables, Run& run, PhaseKind phase, TimePoint now) {
  const auto organization = tables.organizations().find(run.organization_id);
  const auto deadline = organization ? gate_deadline(run, phase, *organization) : std::nullopt;
  if (run.phase(phase).status != PhaseStatus::mfa_waiting || !deadline || *deadline > now) {
    return fail(Error(Code::conflict, "the gate has not expired").because("run_status"));
  }
  // AWS is looking at a code that came in time; what it says wakes the scheduler.
  if (const auto gate = tables.gates().of_phase(run.id, phase); gate && is_checking(*gate, now)) {
    return fail(Error(Code::conflict, "a code is being checked").because("run_status"));
  }
  return domain::fail_run(
      run, "mfa_timeout",
      fmt::format("no one-time code came for the {} by {}", domain::to_text(phase), format_iso8601(*deadline)), now);
}

Result<void> discard_stale(Tables& tables, Run& run, TimePoint now) {
  const auto workspace = tables.workspaces().find(run.workspace_id);
  const auto text = tables.runs().inputs(run.id);
  if (!workspace || !text || text->empty() || run.status != RunStatus::planned_and_saved) {
    return fail(Error(Code::conflict, "it is no saved plan").because("run_status"));
  }
  TG_TRY(const FrozenInputs inputs, parse_frozen_inputs(*text));
  if (inputs.base_state_version_id == workspace->current_state_version_id) {
    return fail(Error(Code::conflict, "its state is the current one").because("run_status"));
  }
  return domain::discard(run, "the state has changed since this plan was saved", now);
}

Result<void> make_current(Tables& tables, const Run& run, TimePoint now) {
  auto workspace = tables.workspaces().find(run.workspace_id);
  if (!workspace || run.status != RunStatus::pending || workspace->lock.holder == domain::WorkspaceLock::Holder::run) {
    return fail(Error(Code::conflict, "it does not wait for a person's lock").because("run_status"));
  }
  workspace->current_run_id = run.id;
  workspace->updated_at = now;
  return tables.workspaces().update(*workspace);
}

std::string action_of(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::queue_plan:
      return "plan_queued";
    case Decision::Kind::queue_apply:
      return "apply_queued";
    case Decision::Kind::expire_gate:
      return "mfa_timeout";
    case Decision::Kind::discard_stale:
      return "discarded";
    default:
      return "queued";
  }
}

}  // namespace

Snapshot Scheduler::look() {
  Snapshot snapshot = parts_.store.read([](Tables& tables) {
    Snapshot seen;
    seen.runs = tables.runs().unfinished();
    for (const Run& run : seen.runs) {
      if (!seen.workspaces.contains(run.workspace_id)) {
        if (auto workspace = tables.workspaces().find(run.workspace_id)) seen.workspaces[run.workspace_id] = *workspace;
      }
      if (!seen.organizations.contains(run.organization_id)) {
        if (auto found = tables.organizations().find(run.organization_id)) {
          seen.organizations[run.organization_id] = *found;
        }
      }
      if (run.status != RunStatus::planned_and_saved) continue;
      const auto text = tables.runs().inputs(run.id);
      const auto inputs = text ? parse_frozen_inputs(*text) : Result<FrozenInputs>(fail(Code::not_found, ""));
      if (inputs) seen.saved_plan_bases[run.id] = inputs->base_state_version_id;
    }
    return seen;
  });
  snapshot.active = parts_.executor.active();
  snapshot.concurrency = options_.concurrency;
  return snapshot;
}

std::size_t Scheduler::run_once() {
  std::size_t done = 0;
  while (true) {
    const Decisions decisions = decide(look(), parts_.clock.now());
    look_again_ = decisions.look_again;
    std::size_t progress = 0;
    for (const Decision& decision : decisions.now) {
      if (act(decision)) ++progress;
    }
    if (progress == 0) return done;
    done += progress;
  }
}

bool Scheduler::act(const Decision& decision) {
  switch (decision.kind) {
    case Decision::Kind::open_gate:
    case Decision::Kind::start_phase:
      return try_to_start(decision);
    // Neither changes what is stored: they are repeated without harm, and are no progress.
    case Decision::Kind::stop_phase:
    case Decision::Kind::end_phase:
      parts_.executor.interrupt(decision.run_id);
      return false;
    case Decision::Kind::kill_phase:
      parts_.executor.kill(decision.run_id);
      return false;
    default:
      return transition(decision);
  }
}

bool Scheduler::transition(const Decision& decision) {
  const TimePoint now = parts_.clock.now();
  const auto changed = parts_.store.write([&](Tables& tables) -> Result<Run> {
    auto run = tables.runs().find(decision.run_id);
    if (!run) return fail(Error(Code::conflict, "the run is gone").because("run_status"));
    Result<void> done;
    switch (decision.kind) {
      case Decision::Kind::make_current:
        TG_CHECK(make_current(tables, *run, now));
        return std::move(*run);  // shown, not done: no event of the run
      case Decision::Kind::queue_plan:
        done = queue_plan(tables, *run, now);
        break;
      case Decision::Kind::queue_apply:
        done = domain::queue_apply(*run, now);
        break;
      case Decision::Kind::expire_gate:
        done = expire_gate(tables, *run, decision.phase, now);
        break;
      default:
        done = discard_stale(tables, *run, now);
        break;
    }
    TG_CHECK(std::move(done));
    RunChange change;
    change.action = action_of(decision.kind);
    change.description = run->detail;
    record(tables, *run, std::move(change), {}, parts_.random, now);
    return std::move(*run);
  });
  if (!changed) return false;
  published(*changed, action_of(decision.kind));
  return true;
}

bool Scheduler::try_to_start(const Decision& decision) {
  const TimePoint now = parts_.clock.now();
  std::optional<StartedPhase> started;
  std::string waiting_line;
  const auto changed = parts_.store.write([&](Tables& tables) -> Result<Run> {
    started.reset();
    auto run = tables.runs().find(decision.run_id);
    const auto workspace = run ? tables.workspaces().find(run->workspace_id) : std::nullopt;
    const auto organization = run ? tables.organizations().find(run->organization_id) : std::nullopt;
    if (!run || !workspace || !organization || run->phase(decision.phase).status != PhaseStatus::queued) {
      return fail(Error(Code::conflict, "the phase is not queued").because("run_status"));
    }
    const auto refuse = [&](const Error& error) -> Result<Run> {
      if (not_its_turn(error)) return fail(error);
      TG_CHECK(domain::fail_run(*run, error.reason.empty() ? "start_failed" : error.reason, error.message, now));
      RunChange change;
      change.action = "errored";
      change.description = run->detail;
      record(tables, *run, std::move(change), {}, parts_.random, now);
      return *run;
    };
    const auto level = level_in_force(*run, *organization, *workspace);
    auto proof = parts_.gate.check(tables, *run, decision.phase, level, now);
    if (!proof) return refuse(proof.error());
    if (!*proof) {
      TG_CHECK(domain::wait_for_mfa(*run, decision.phase, now));
      RunChange change;
      change.action = "mfa_waiting";
      change.details.set("phase", domain::to_text(decision.phase));
      record(tables, *run, std::move(change), {}, parts_.random, now);
      waiting_line = parts_.gate.waiting_line(tables, *run, decision.phase);
      return *run;
    }
    // A gate that is open already costs no slot; whether there is one is the next look's question.
    if (decision.kind == Decision::Kind::open_gate) {
      return fail(Error(Code::conflict, "nobody has to pass this gate").because("run_status"));
    }
    auto result = start_phase(tables, **proof, run->id, decision.phase, parts_.random, now, options_.checks);
    if (!result) return refuse(result.error());
    started = std::move(*result);
    return started->run;
  });
  if (!changed) return false;
  if (changed->phase(decision.phase).status == PhaseStatus::mfa_waiting) {
    announce_gate(*changed, decision.phase, waiting_line);
    parts_.events.publish(event_of(*changed, "mfa_waiting"));
    return true;
  }
  published(*changed, std::string(domain::to_text(changed->status)));
  if (started) parts_.executor.start(std::move(*started));
  return true;
}

void Scheduler::published(const Run& run, const std::string& what) {
  if (domain::is_final(run.status)) {
    close_logs(parts_.logs, run,
               run.detail.empty() ? fmt::format("Run {}.", domain::to_text(run.status))
                                  : fmt::format("Error: {} ({})", run.detail, run.reason));
  }
  parts_.events.publish(event_of(run, what));
}

void Scheduler::announce_gate(const Run& run, PhaseKind phase, const std::string& line) {
  const std::string& log = run.phase(phase).id;
  parts_.logs.open(log);
  parts_.logs.append_system(log, line, run.structured_output);
}

// A gate that was opened by a process that died before it said so.
void Scheduler::recover_gate(const Run& run, PhaseKind phase) {
  // Codes that were refused before, while the run was planned, may stand above it.
  constexpr std::uint64_t kAnnouncement = 64 * 1024;
  const std::string known = parts_.logs.read(run.phase(phase).id, 0, kAnnouncement).bytes;
  if (known.find("Waiting for an AWS MFA code") != known.npos) return;
  const std::string line =
      parts_.store.read([&](Tables& tables) { return parts_.gate.waiting_line(tables, run, phase); });
  announce_gate(run, phase, line);
}

void Scheduler::recover() {
  const auto unfinished = parts_.store.read([](Tables& tables) { return tables.runs().unfinished(); });
  for (const Run& run : unfinished) {
    if (has_process(run)) parts_.executor.attach(run);
    for (const PhaseKind phase : {PhaseKind::plan, PhaseKind::apply}) {
      if (run.phase(phase).status == PhaseStatus::mfa_waiting) recover_gate(run, phase);
    }
  }
  const auto owner_of = [&](const std::string& phase_id) {
    return parts_.store.read([&](Tables& tables) { return tables.runs().find_by_phase(phase_id); });
  };
  // A phase is over when it has ended itself, also where its run goes on.
  const auto over = [](const std::optional<Run>& run, const std::string& phase_id) {
    return !run || domain::is_final((run->plan.id == phase_id ? run->plan : run->apply).status);
  };
  for (const std::string& phase_id : parts_.logs.unfinished()) {
    if (over(owner_of(phase_id), phase_id)) parts_.logs.close(phase_id);
  }
  for (const std::string& phase_id : parts_.runner.present()) {
    const auto run = owner_of(phase_id);
    if (over(run, phase_id) && !(run && parts_.executor.active().contains(run->id))) parts_.runner.wipe(phase_id);
  }
}

void Scheduler::start() {
  recover();
  thread_ = std::thread([this] { loop(); });
}

void Scheduler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Scheduler::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Scheduler::loop() {
  bool look_for_lost = false;
  while (true) {
    try {
      if (look_for_lost) recover();
      run_once();
    } catch (const std::exception& error) {
      if (parts_.on_error) parts_.on_error(fmt::format("scheduler: {}", error.what()));
    }
    std::unique_lock lock(mutex_);
    // Steady time: a clock that is set must not delay a round.
    Duration pause = std::chrono::duration_cast<Duration>(options_.safety_interval);
    if (look_again_) pause = std::clamp(*look_again_ - parts_.clock.now(), Duration(1), pause);
    look_for_lost = !changed_.wait_for(lock, pause, [&] { return woken_ || stopping_; });
    if (stopping_) return;
    woken_ = false;
  }
}

}  // namespace tollgate::runs
