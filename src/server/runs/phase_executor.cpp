#include "server/runs/phase_executor.h"

#include <algorithm>

#include "server/runs/run_record.h"
#include "server/runs/store_run_service.h"

namespace tollgate::runs {

namespace {

using domain::PhaseKind;
using domain::PhaseStatus;
using domain::Run;
using domain::Tables;

constexpr std::size_t kCopyBytes = 64 * 1024;

PhaseReport errored(std::string reason, std::string sentence) {
  PhaseReport report;
  report.outcome.status = PhaseStatus::errored;
  report.outcome.reason = std::move(reason);
  report.outcome.sentence = std::move(sentence);
  return report;
}

// What the child said, seen with what people asked for. Nothing of this makes a success of a failure.
void judge(domain::PhaseOutcome& outcome, const Run& run, PhaseKind kind, const domain::Organization& organization,
           TimePoint now) {
  if (outcome.status == PhaseStatus::finished) return;
  if (run.force_cancel_requested || (run.cancel_requested_at && outcome.reason != "runner_lost")) {
    outcome.status = PhaseStatus::canceled;
    return;
  }
  const auto limit = kind == PhaseKind::plan ? organization.plan_limit : organization.apply_limit;
  const auto& started = run.phase(kind).started_at;
  const bool own_reason = outcome.reason == "runner_lost" || outcome.reason == "credentials_expired";
  if (!own_reason && started && now >= *started + limit) {
    outcome.status = PhaseStatus::errored;
    outcome.reason = "phase_time_limit";
    outcome.sentence = fmt::format("the {} ran longer than {}, the organization's limit", domain::to_text(kind),
                                   format_duration(limit));
  }
}

}  // namespace

void PhaseExecutor::start(StartedPhase started) {
  const std::string run_id = started.run.id;
  launch(run_id, [this, started = std::move(started)](Supervised& self) { prepare_and_watch(self, started); });
}

void PhaseExecutor::attach(const Run& run) {
  const PhaseKind kind = run.status == domain::RunStatus::planning ? PhaseKind::plan : PhaseKind::apply;
  launch(run.id, [this, run, kind](Supervised& self) {
    parts_.logs.open(run.phase(kind).id);
    std::shared_ptr<ActivePhase> phase = parts_.runner.attach(run.phase(kind).id);
    if (!phase) {
      // Nothing was prepared or all of it is gone: nothing can be running, and what ran cannot be known.
      const StateIntake states(parts_.store, parts_.blobs, run, parts_.random);
      finish(run.id, kind, errored("runner_lost", "the server stopped while this phase was being started"),
             states.last_serial());
      return;
    }
    watch(self, std::move(phase), run, kind);
  });
}

void PhaseExecutor::launch(const std::string& run_id, Supervise body) {
  reap();
  const std::lock_guard lock(mutex_);
  if (stopping_ || supervised_.contains(run_id)) return;  // start() is not asked for a run that is supervised
  auto self = std::make_shared<Supervised>();
  supervised_[run_id] = self;
  self->thread = std::thread([this, run_id, self, body = std::move(body)] {
    try {
      body(*self);
    } catch (const std::exception& error) {
      // The run stays as it is stored; the next look of the scheduler attaches to it again.
      if (parts_.on_error) parts_.on_error(fmt::format("run {}: {}", run_id, error.what()));
    }
    {
      const std::lock_guard self_lock(self->mutex);
      self->phase.reset();
    }
    {
      const std::lock_guard all(mutex_);
      supervised_.erase(run_id);
      ended_.push_back(self);
      idle_.notify_all();
    }
    if (parts_.wake) parts_.wake();
  });
}

// Also says in the log who opened the gate, above terraform's first byte, where nothing that terraform writes can be
// taken for it.
Result<void> PhaseExecutor::give_credentials(const StartedPhase& started, PhaseSpec& spec) {
  const auto say = [&](const std::string& line) {
    parts_.logs.append_system(spec.phase_id, line, started.run.structured_output);
  };
  if (!started.authenticated_by.empty()) say(fmt::format("Authenticated with MFA by {}", started.authenticated_by));
  if (parts_.credentials == nullptr) return {};
  TG_TRY(PhaseEnvironment environment, parts_.credentials->obtain(started));
  for (const std::string& notice : environment.notices)
    say(notice);
  spec.aws = std::move(environment.aws);
  if (environment.account.empty()) return {};
  // Whose resources this plan sees: its apply is held to that.
  return parts_.store.write([&](Tables& tables) -> Result<void> {
    const auto text = tables.runs().inputs(started.run.id);
    if (!text) return fail(Error(Code::conflict, "the run's frozen variables are gone").because("inputs_lost"));
    TG_TRY(FrozenInputs inputs, parse_frozen_inputs(*text));
    inputs.plan_account = environment.account;
    tables.runs().set_inputs(started.run.id, to_text(inputs));
    return {};
  });
}

void PhaseExecutor::prepare_and_watch(Supervised& self, const StartedPhase& started) {
  const Run& run = started.run;
  parts_.logs.open(run.phase(started.phase).id);
  step("start_committed");
  if (!started.left_out.empty()) {
    parts_.logs.append_system(
        run.phase(started.phase).id,
        fmt::format("Warning: not set in this phase, because they are reserved where AWS MFA is "
                    "required: {}. Owners set identities and roles in the organization's settings.",
                    fmt::join(started.left_out, ", ")),
        run.structured_output);
  }
  PhaseSpec spec;
  spec.phase_id = run.phase(started.phase).id;
  spec.phase = started.phase;
  spec.run = &run;
  spec.variables = &started.inputs.variables;
  spec.limit = started.limit;
  const auto refuse = [&](std::string sentence, std::string reason = "start_failed") {
    finish(run.id, started.phase, errored(std::move(reason), std::move(sentence)), std::nullopt);
  };
  if (const auto given = give_credentials(started, spec); !given) {
    return refuse(given.error().text(), given.error().reason.empty() ? "start_failed" : given.error().reason);
  }
  auto configuration = parts_.blobs.get("configuration/" + run.configuration_version_id);
  if (!configuration) return refuse("the uploaded configuration is gone");
  spec.configuration = std::move(*configuration);
  if (!started.state_version_id.empty()) {
    spec.state = parts_.blobs.get(state_blob_key(started.state_version_id));
    if (!spec.state) return refuse("the content of the current state is gone");
  }
  if (started.phase == PhaseKind::apply) {
    auto plan = parts_.blobs.get(plan_key(run.plan.id));
    if (!plan) return refuse("the saved plan is gone");
    spec.plan = std::move(*plan);
  }
  auto phase = parts_.runner.start(spec);
  if (!phase) return refuse(phase.error().text());
  step("child_started");
  watch(self, std::move(*phase), run, started.phase);
}

void PhaseExecutor::watch(Supervised& self, std::shared_ptr<ActivePhase> phase, const Run& run, PhaseKind kind) {
  {
    const std::lock_guard lock(self.mutex);
    self.phase = phase;
    if (self.interrupt) phase->interrupt();
    if (self.kill) phase->kill();
  }
  StateIntake states(parts_.store, parts_.blobs, run, parts_.random);
  while (!stopping_) {
    // Asked for before the copying: what is there once it is set is all there will be.
    auto report = phase->report();
    while (copy(*phase, run, kind, states)) {
    }
    if (report) {
      step("phase_end_seen");
      finish(run.id, kind, std::move(*report), states.last_serial());
      return;
    }
    phase->wait();
  }
}

bool PhaseExecutor::copy(ActivePhase& phase, const Run& run, PhaseKind kind, StateIntake& states) {
  const std::string& phase_id = run.phase(kind).id;
  const std::uint64_t offset = parts_.logs.output_size(phase_id);
  const std::string bytes = phase.read_output(offset, kCopyBytes);
  if (!bytes.empty()) {
    parts_.logs.append_output(phase_id, offset, bytes);
    step("log_chunk_written");
  }
  const auto state = phase.next_state();
  if (state && kind == PhaseKind::apply) {
    step("state_seen");
    const auto taken = states.take(*state, parts_.clock.now());
    step("state_row_committed");
    if (taken) {
      Event event = event_of(run, "state");
      event.status = "applying";
      parts_.events.publish(event);
    } else if (parts_.on_error) {
      parts_.on_error(fmt::format("run {}: a state was not taken in: {}", run.id, taken.error().text()));
    }
  }
  return !bytes.empty() || state;
}

void PhaseExecutor::finish(const std::string& run_id, PhaseKind kind, PhaseReport report,
                           std::optional<std::int64_t> serial) {
  const TimePoint now = parts_.clock.now();
  if (report.outcome.reason == "runner_lost") {
    report.outcome.sentence += serial ? fmt::format("; last state serial {}", *serial) : "; it wrote no state";
  }
  const auto known = parts_.store.read([&](Tables& tables) { return tables.runs().find(run_id); });
  if (!known) return;
  if (kind == PhaseKind::plan && report.outcome.status == PhaseStatus::finished) {
    parts_.blobs.put(plan_key(known->plan.id), report.plan);
    parts_.blobs.put(plan_json_key(known->plan.id), report.plan_json);
    parts_.blobs.put(plan_redacted_key(known->plan.id), report.plan_redacted);
    step("plan_uploaded");
  }
  auto finished = parts_.store.write([&](Tables& tables) -> Result<Run> {
    auto run = tables.runs().find(run_id);
    if (!run) return fail(Code::not_found, "the run is gone");
    const auto organization = tables.organizations().find(run->organization_id);
    domain::PhaseOutcome outcome = report.outcome;
    if (organization) judge(outcome, *run, kind, *organization, now);
    const auto status = run->status;
    const auto expected = kind == PhaseKind::plan ? domain::RunStatus::planning : domain::RunStatus::applying;
    if (status != expected) return std::move(*run);  // taken in before a crash
    TG_CHECK(kind == PhaseKind::plan ? domain::finish_plan(*run, outcome, now)
                                     : domain::finish_apply(*run, outcome, now));
    settle_state(tables, *run);
    tables.phase_sessions().erase(run->phase(kind).id);
    RunChange change;
    change.action = std::string(domain::to_text(run->status));
    change.description = run->detail;
    record(tables, *run, std::move(change), {}, parts_.random, now);
    return std::move(*run);
  });
  if (!finished) throw std::runtime_error(finished.error().text());
  step("end_committed");
  const Run& run = *finished;
  const std::string& phase_id = run.phase(kind).id;
  const auto status = run.phase(kind).status;
  if (status == PhaseStatus::errored && !run.detail.empty()) {
    parts_.logs.append_system(phase_id, fmt::format("Error: {} ({})", run.detail, run.reason), run.structured_output);
  } else if (status == PhaseStatus::canceled) {
    parts_.logs.append_system(phase_id, "The run was canceled.", run.structured_output);
  }
  parts_.logs.close(phase_id);
  step("log_closed");
  parts_.runner.wipe(phase_id);
  step("session_wiped");
  parts_.events.publish(event_of(run, std::string(domain::to_text(run.status))));
}

std::shared_ptr<PhaseExecutor::Supervised> PhaseExecutor::supervised(const std::string& run_id) {
  const std::lock_guard lock(mutex_);
  const auto at = supervised_.find(run_id);
  return at == supervised_.end() ? nullptr : at->second;
}

void PhaseExecutor::interrupt(const std::string& run_id) {
  const std::shared_ptr<Supervised> self = supervised(run_id);
  if (!self) return;
  const std::lock_guard lock(self->mutex);
  self->interrupt = true;
  if (self->phase) self->phase->interrupt();
}

void PhaseExecutor::kill(const std::string& run_id) {
  const std::shared_ptr<Supervised> self = supervised(run_id);
  if (!self) return;
  const std::lock_guard lock(self->mutex);
  self->kill = true;
  if (self->phase) self->phase->kill();
}

std::set<std::string> PhaseExecutor::active() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> ids;
  for (const auto& [run_id, self] : supervised_) {
    ids.insert(run_id);
  }
  return ids;
}

void PhaseExecutor::reap() {
  std::vector<std::shared_ptr<Supervised>> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
  }
  for (const auto& self : ended) {
    if (self->thread.joinable() && self->thread.get_id() != std::this_thread::get_id()) self->thread.join();
  }
}

void PhaseExecutor::join() {
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return supervised_.empty(); });
  }
  reap();
}

void PhaseExecutor::stop() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [run_id, self] : supervised_) {
      const std::lock_guard self_lock(self->mutex);
      if (self->phase) self->phase->wake();
    }
  }
  join();
}

}  // namespace tollgate::runs
