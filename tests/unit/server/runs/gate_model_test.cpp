// Random lives of gated runs: people who type right, wrong, used and foreign codes, owners who change levels and lists,
// hands that edit what is stored, a gate that lies, kills and restarts; against a small model of what may start. With
// every check of a phase's start in its place nothing starts that may not; without some of them something does
// (start_phase_test.cpp has each alone).
// TOLLGATE_MODEL_SEQUENCES says how many lives, TOLLGATE_MODEL_FIRST where their seeds begin (`scripts/soak model`
// lives a million). By default a build without sanitizers lives the first 9,000, and the one with them, which is
// slower, another 1,000.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "server/runs/scheduler.h"
#include "server/runs/store_run_service.h"
#include "tests/unit/server/runs/fake_runner.h"
#include "tests/unit/server/runs/mfa_world.h"

namespace tollgate::runs {
namespace {

using domain::MfaLevel;
using domain::PhaseKind;
using domain::PhaseStatus;
using domain::Run;
using domain::RunStatus;
using domain::Tables;
using test::MfaWorld;
using test::person;
using test::serial_of;

struct OneVersion final : TerraformVersions {
  std::vector<std::string> installed() const override { return {"1.11.4"}; }
};

struct Killed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The gate as it is, but for times at which it claims that a phase may start.
class LyingGate final : public Gate {
 public:
  explicit LyingGate(Gate& honest) : honest_(honest) {}
  Result<std::optional<PhaseProof>> check(Tables& tables, const Run& run, PhaseKind phase, MfaLevel level,
                                          TimePoint now) override {
    if (!lies) return honest_.check(tables, run, phase, level, now);
    const auto gate = tables.gates().of_phase(run.id, phase);
    return std::optional(mfa_passed(run, phase, gate ? gate->id : "gate-none"));
  }
  std::string waiting_line(Tables& tables, const Run& run, PhaseKind phase) override {
    return honest_.waiting_line(tables, run, phase);
  }
  bool lies = false;

 private:
  Gate& honest_;
};

class GatedServer : public MfaWorld {
 public:
  GatedServer(unsigned seed, std::span<const StartCheck> checks) : checks_(checks), chance_(seed) {
    write([&](Tables& tables) {
      domain::ConfigurationVersion configuration;
      configuration.id = "cv-1";
      configuration.workspace_id = "ws-0";
      configuration.status = domain::ConfigurationStatus::uploaded;
      must(tables.configuration_versions().insert(configuration));
      auto settings = tables.gate_settings().of("org-a");
      settings.accounts = {std::string(test::kAccount)};
      tables.gate_settings().set(settings);
    });
    for (const char* id : {"cv-1", "cv-1x"})
      blobs_.put(std::string("configuration/") + id, "archive");
    at_step = [this](std::string_view name) { maybe_die(name); };
    runner.on_start = [this](const PhaseSpec& spec) { look_at_start(spec); };
    boot();
  }
  ~GatedServer() { executor_->stop(); }

  void boot() {
    scheduler.reset();
    executor_.reset();
    executor_ = std::make_unique<PhaseExecutor>(ExecutorParts{store,
                                                              blobs_,
                                                              logs,
                                                              runner,
                                                              events,
                                                              clock,
                                                              random,
                                                              {},
                                                              [this](const std::string&) { ++errors; },
                                                              [this](std::string_view name) { maybe_die(name); },
                                                              &credentials_});
    SchedulerOptions options;
    options.checks = checks_;
    scheduler = std::make_unique<Scheduler>(
        SchedulerParts{store, logs, events, lying, *executor_, runner, clock, random, {}}, options);
    scheduler->recover();
  }

  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(chance_() % n); }
  bool one_in(std::size_t n) { return pick(n) == 0; }

  // Everything that is due happens; dead servers come back.
  void settle() {
    scheduler->run_once();
    for (const std::string& id : ids) {
      const Run run = this->run(id);
      for (const PhaseKind phase : {PhaseKind::plan, PhaseKind::apply}) {
        if (run.phase(phase).status == PhaseStatus::running) (void)child(run, phase);
      }
    }
    while (errors.exchange(0) > 0)
      boot();
  }

  std::shared_ptr<FakeSpool> child(const Run& run, PhaseKind phase) {
    while (true) {
      const bool supervised = executor_->active().contains(run.id);
      if (auto spool = runner.spool(run.phase(phase).id)) return spool;
      if (!supervised) return nullptr;
      std::this_thread::yield();
    }
  }

  void end_phase(const std::string& id) {
    const Run run = this->run(id);
    const bool planning = run.status == RunStatus::planning;
    if (!planning && run.status != RunStatus::applying) return;
    const domain::Phase& phase = planning ? run.plan : run.apply;
    const auto spool = child(run, planning ? PhaseKind::plan : PhaseKind::apply);
    if (!spool) return;
    {
      const std::lock_guard lock(spool->mutex);
      if (spool->report) return;
    }
    spool->change([&](FakeSpool& s) {
      PhaseReport report;
      report.outcome.status = one_in(5) ? PhaseStatus::errored : PhaseStatus::finished;
      report.outcome.reason = report.outcome.status == PhaseStatus::errored ? "terraform_failed" : "";
      report.outcome.has_changes = true;
      report.outcome.plan_sha256 = "sha of " + phase.id;
      report.plan = "plan of " + phase.id;
      report.plan_json = report.plan_redacted = "{}";
      s.report = report;
    });
    while (executor_->active().contains(id))
      std::this_thread::yield();
  }

  // --- what people and hands do ---
  void create() {
    NewRun wish;
    wish.workspace_id = "ws-0";
    wish.configuration_version_id = "cv-1";
    wish.auto_apply = one_in(3);
    wish.plan_only = one_in(6);
    wish.save_plan = one_in(6);
    const auto made = service_.create(wish, person(one_in(3) ? "bob" : "ana"));
    must(made);
    ids.push_back(made->id);
  }

  void authenticate(const std::string& id) {
    if (one_in(2)) clock.advance(kCodeStep);  // so that the device shows another code
    const Run run = this->run(id);
    const PhaseKind phase =
        domain::is_confirmable(run) || run.apply.status != PhaseStatus::pending ? PhaseKind::apply : PhaseKind::plan;
    const std::string name = one_in(4) ? "bob" : run.created_by.substr(5);
    const auto binding = store.read([&](Tables& tables) { return current_binding(tables, run, phase); });
    std::string gate = binding ? gate_id(*binding) : "gate-none";
    if (one_in(12)) gate = "gate-of-another";
    std::string typed = sts.code(serial_of(name));
    if (one_in(6)) typed = wrong_code(name);
    if (one_in(10) && last_used_at_ + kCodeMemory > clock.now()) typed = last_used_;
    last_used_ = typed;
    last_used_at_ = clock.now();
    AuthenticateAnswer answer;
    answer.status = AuthenticateStatus::unknown;
    const int accepted = sts.accepted();
    try {
      answer = authenticator.authenticate({id, phase, gate, Secret(typed)}, person(name));
    } catch (const Killed&) {
      boot();
    }
    // The model's own word for it: AWS accepted a code during this call, for what was shown.
    if (sts.accepted() > accepted && binding && gate == gate_id(*binding)) {
      proven_[{id, phase}] = *binding;
      EXPECT_NE(answer.status, AuthenticateStatus::refused);
    } else {
      EXPECT_NE(answer.status, AuthenticateStatus::accepted);
    }
  }

  void set_level() {
    write([&](Tables& tables) {
      auto changed = tables.organizations().find("org-a").value();
      changed.aws_mfa = std::array{MfaLevel::never, MfaLevel::applies_only, MfaLevel::plans_and_applies}[pick(3)];
      must(tables.organizations().update(changed));
    });
  }
  void set_accounts() {
    change_settings(
        [&](auto& settings) { settings.accounts = {one_in(2) ? std::string(test::kAccount) : "444455556666"}; });
  }
  void edit_run(const std::string& id) {
    write([&](Tables& tables) {
      auto run = tables.runs().find(id).value();
      if (domain::is_final(run.status)) return;
      switch (pick(4)) {
        case 0:
          run.plan.plan_sha256 = fmt::format("edited {}", pick(1000));
          break;
        case 1:
          if (run.status == RunStatus::planning || run.status == RunStatus::applying) return;
          {
            auto inputs = parse_frozen_inputs(tables.runs().inputs(id).value()).value();
            inputs.variables.emplace_back().key = fmt::format("edited_{}", pick(1000));
            tables.runs().set_inputs(id, to_text(inputs));
          }
          return;
        case 2:
          run.configuration_version_id = "cv-1" + std::string(pick(2), 'x');
          break;
        default:
          // Somewhere a bug says that the gate was passed.
          for (const PhaseKind phase : {PhaseKind::plan, PhaseKind::apply}) {
            if (run.phase(phase).status == PhaseStatus::mfa_waiting) must(domain::pass_mfa(run, phase, clock.now()));
          }
      }
      must(tables.runs().update(run));
    });
  }
  void edit_workspace() {
    write([&](Tables& tables) {
      auto at = tables.workspaces().find("ws-0").value();
      if (one_in(2)) {
        at.current_state_version_id = fmt::format("sv-{}", pick(1000));
        blobs_.put(state_blob_key(at.current_state_version_id), "a state");
      } else if (at.lock.holder == domain::WorkspaceLock::Holder::run) {
        at.lock.holder_id = "run-of-nobody";
        stolen = true;
      }
      must(tables.workspaces().update(at));
    });
  }
  void give_lock_back() {
    if (!stolen) return;
    write([&](Tables& tables) {
      auto at = tables.workspaces().find("ws-0").value();
      at.lock = {};
      for (const Run& run : tables.runs().unfinished_of("ws-0")) {
        if (domain::occupies_workspace(run)) at.lock = {domain::WorkspaceLock::Holder::run, run.id, "", clock.now()};
      }
      must(tables.workspaces().update(at));
    });
    stolen = false;
  }

  // Mostly the one that is under way.
  std::string some_run() {
    if (ids.empty()) return "";
    if (!one_in(4)) {
      for (const Run& run : store.read([](Tables& tables) { return tables.runs().unfinished(); })) {
        if (run.status != RunStatus::pending) return run.id;
      }
    }
    return ids[pick(ids.size())];
  }

  void step() {
    const std::string id = some_run();
    lying.lies = one_in(3);
    die_in_hundred = one_in(6) ? 10 : 0;
    switch (pick(ids.empty() ? 1 : 16)) {
      case 0:
      case 1:
        create();
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        authenticate(id);
        if (one_in(4)) edit_run(id);
        break;
      case 7:
        (void)service_.confirm(id, "", person("ana"));
        break;
      case 8:
        if (one_in(3)) (void)service_.cancel(id, "", person("ana"));
        if (one_in(3)) (void)service_.discard(id, "", person("ana"));
        break;
      case 9:
        clock.advance(std::array{std::chrono::seconds(30), std::chrono::seconds(120), std::chrono::seconds(16 * 60),
                                 std::chrono::seconds(5 * 3600), std::chrono::seconds(25 * 3600)}[pick(9) % 5]);
        break;
      case 10:
        set_level();
        break;
      case 11:
        set_accounts();
        break;
      case 12:
        edit_run(id);
        break;
      case 13:
        edit_workspace();
        break;
      default:
        end_phase(id);
    }
    // Much can happen before the scheduler looks.
    if (!one_in(3)) settle();
    check_now();
  }

  void finish() {
    die_in_hundred = 0;
    lying.lies = false;
    const auto open_runs = [&] { return store.read([](Tables& tables) { return tables.runs().unfinished(); }); };
    for (int round = 0; round < 200 && !open_runs().empty(); ++round) {
      give_lock_back();
      for (const Run& run : open_runs()) {
        (void)service_.discard(run.id, "", person("ana"));
        end_phase(run.id);
        (void)service_.cancel(run.id, "", person("ana"));
      }
      scheduler->recover();
      settle();
    }
    executor_->join();
    if (!open_runs().empty()) violations.push_back("I7: a run has no end");
    const MemoryData data = store.data();
    if (!data.aws_mfa.sessions.empty()) violations.push_back("I3: a session outlives its phase");
    for (const auto& [id, run] : data.runs) {
      if (run.status == RunStatus::errored && run.reason.empty()) violations.push_back("I7: an end without a reason");
    }
    if (runner.violations() > 0) violations.push_back("I6: two writers, or a phase that was started twice");
    if (sts.sent_twice() > 0) violations.push_back("I2: a code was sent twice");
  }

  std::vector<std::string> violations;
  std::set<std::string> ends;
  std::vector<std::string> ids;
  std::atomic<int> errors{0};
  unsigned die_in_hundred = 0;
  bool stolen = false;
  int gated_starts = 0;
  FakeRunner runner;
  LyingGate lying{mfa_gate};
  std::unique_ptr<Scheduler> scheduler;

 private:
  void maybe_die(std::string_view name) {
    const std::lock_guard lock(chance_mutex_);
    if (die_in_hundred > 0 && death_() % 100 < die_in_hundred) throw Killed(std::string(name));
  }

  // Seen by the runner before anything of a phase runs: may it?
  void look_at_start(const PhaseSpec& spec) {
    const Run& run = *spec.run;
    store.read([&](Tables& tables) {
      const auto at = tables.workspaces().find("ws-0").value();
      const auto now_level = tables.organizations().find("org-a")->aws_mfa;
      const MfaLevel level = std::max(now_level, run.aws_mfa_at_creation);
      const bool needs_lock = !run.plan_only && !(run.save_plan && spec.phase == PhaseKind::plan);
      if (needs_lock && at.lock.holder_id != run.id) violations.push_back("I6: without its workspace");
      if (spec.phase == PhaseKind::apply &&
          parse_frozen_inputs(tables.runs().inputs(run.id).value())->base_state_version_id !=
              at.current_state_version_id) {
        violations.push_back("a stale plan is applied");
      }
      if (!domain::gated(level, spec.phase)) return 0;
      ++gated_starts;
      const auto proven = proven_.find({run.id, spec.phase});
      if (proven == proven_.end()) {
        violations.push_back("I1: without a code");
        return 0;
      }
      if (spec.phase == PhaseKind::apply &&
          proven->second != gate_binding(run, spec.phase, tables.runs().inputs(run.id).value())) {
        violations.push_back("I1: with a code for something else");
      }
      if (spec.phase == PhaseKind::plan && proven->second.configuration_version_id != run.configuration_version_id) {
        violations.push_back("I1: with a code for another configuration");
      }
      if (tables.gate_settings().of("org-a").accounts != std::vector<std::string>{std::string(test::kAccount)}) {
        violations.push_back("I1: with an account that is not on the list");
      }
      const auto session = tables.phase_sessions().find(spec.phase_id);
      if (!session || session->expires_at <= clock.now()) violations.push_back("with a session that is over");
      if (!spec.aws || spec.aws->credentials.access_key_id.starts_with("AKIA")) {
        violations.push_back("a long-term key behind a gate, or none");
      }
      return 0;
    });
  }

  void check_now() {
    const auto writers = store.read([](Tables& tables) {
      const auto runs = tables.runs().unfinished();
      return std::count_if(runs.begin(), runs.end(), domain::occupies_workspace);
    });
    if (writers > 1) violations.push_back("I6: two runs hold the workspace");
  }

  std::span<const StartCheck> checks_;
  std::mt19937 chance_;
  std::mutex chance_mutex_;
  std::mt19937 death_{chance_()};
  MemoryBlobs blobs_;
  OneVersion versions_;
  MfaCredentials credentials_{store, sts, clock};
  StoreRunService service_{RunServiceParts{store, logs, events, versions_, clock, random, {}}};
  std::unique_ptr<PhaseExecutor> executor_;
  std::map<std::pair<std::string, PhaseKind>, domain::GateBinding> proven_;
  std::string last_used_ = "000000";
  TimePoint last_used_at_{};
};

// One life; what went wrong in it.
std::vector<std::string> live(unsigned seed, std::span<const StartCheck> checks, int& gated_starts) {
  GatedServer server(seed, checks);
  const std::size_t steps = 12 + server.pick(24);
  for (std::size_t i = 0; i < steps && server.violations.empty(); ++i)
    server.step();
  server.finish();
  gated_starts += server.gated_starts;
  return server.violations;
}

#ifdef __SANITIZE_ADDRESS__
constexpr unsigned kLives = 1'000;
constexpr unsigned kFirst = 9'001;
#else
constexpr unsigned kLives = 9'000;
constexpr unsigned kFirst = 1;
#endif

unsigned number(const char* variable, unsigned otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

TEST(GateModel, NothingStartsThatMayNot) {
  int gated_starts = 0;
  const unsigned count = number("TOLLGATE_MODEL_SEQUENCES", kLives);
  const unsigned first = number("TOLLGATE_MODEL_FIRST", kFirst);
  for (unsigned seed = first; seed < first + count; ++seed) {
    const auto violations = live(seed, start_checks(), gated_starts);
    ASSERT_TRUE(violations.empty()) << "seed " << seed << ": " << violations.front();
  }
  // Phases behind gates did start, or nothing was shown.
  EXPECT_GT(gated_starts, static_cast<int>(count / 10));
}

// What was never passed has neither account nor session, so three checks notice it: start_phase_test.cpp has each
// alone.
class WithoutACheck : public testing::TestWithParam<std::string> {};

TEST_P(WithoutACheck, SomethingStartsThatMayNot) {
  std::vector<StartCheck> others;
  for (const StartCheck& check : start_checks()) {
    if (GetParam().find(check.name) == std::string::npos) others.push_back(check);
  }
  int gated_starts = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    if (!live(seed, others, gated_starts).empty()) return;
  }
  FAIL() << "nobody noticed that the check is missing";
}

INSTANTIATE_TEST_SUITE_P(Checks, WithoutACheck,
                         testing::Values("passed_account_session", "binding", "account", "session", "lock", "base"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace tollgate::runs
