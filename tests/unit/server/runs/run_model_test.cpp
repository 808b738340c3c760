// Runs through RunService, Scheduler and PhaseExecutor over a store in memory and a fake runner: single stories, and
// random ones with "kills" at every named step.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "common/crypto/sealed_box.h"
#include "server/audit/audit.h"
#include "server/runs/file_log_hub.h"
#include "server/runs/scheduler.h"
#include "server/runs/store_run_service.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/runs/fake_runner.h"
#include "tests/unit/server/runs/memory_store.h"

namespace tollgate::runs {
namespace {

using domain::PhaseKind;
using domain::PhaseStatus;

using domain::RunStatus;

struct OneVersion final : TerraformVersions {
  std::vector<std::string> installed() const override { return {"1.11.4"}; }
};

struct Killed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Server {
 public:
  explicit Server(unsigned seed = 0) : chance_(seed) {
    const auto done = store.write([&](domain::Tables& tables) -> Result<void> {
      domain::Organization organization;
      organization.id = "org-a";
      TG_CHECK(tables.organizations().insert(organization));
      for (int i = 0; i < 3; ++i) {
        domain::Workspace workspace;
        workspace.id = fmt::format("ws-{}", i);
        workspace.organization_id = "org-a";
        workspace.name = workspace.id;
        TG_CHECK(tables.workspaces().insert(workspace));
        for (const bool speculative : {false, true}) {
          domain::ConfigurationVersion configuration;
          configuration.id = fmt::format("cv-{}{}", i, speculative ? "s" : "");
          configuration.workspace_id = workspace.id;
          configuration.status = domain::ConfigurationStatus::uploaded;
          configuration.speculative = speculative;
          TG_CHECK(tables.configuration_versions().insert(configuration));
          blobs.put("configuration/" + configuration.id, "archive");
        }
      }
      return {};
    });
    if (!done) throw std::logic_error(done.error().text());
    boot();
  }

  void boot() {
    scheduler.reset();
    executor.reset();
    logs.reset();
    FileLogHubOptions options;
    options.directory = directory_.path();
    options.key = key_;
    logs = std::make_unique<FileLogHub>(std::move(options), random);
    executor = std::make_unique<PhaseExecutor>(ExecutorParts{store,
                                                             blobs,
                                                             *logs,
                                                             runner,
                                                             events,
                                                             clock,
                                                             random,
                                                             {},
                                                             [this](const std::string&) { ++errors; },
                                                             [this](std::string_view step) { at_step(step); }});
    scheduler = std::make_unique<Scheduler>(
        SchedulerParts{store, *logs, events, gate, *executor, runner, clock, random, {}}, SchedulerOptions{});
    service = std::make_unique<StoreRunService>(RunServiceParts{store, *logs, events, versions, clock, random, {}});
    scheduler->recover();
  }

  void at_step(std::string_view step) {
    bool kill = false;
    {
      const std::lock_guard lock(mutex_);
      steps.insert(std::string(step));
      kill = kill_at == step || (kill_chance > 0 && chance_() % 100 < kill_chance);
      if (kill) kill_at.clear();
    }
    if (kill) throw Killed(std::string(step));
  }

  domain::Run create(const std::string& workspace, const std::function<void(NewRun&)>& shape = {}) {
    NewRun wish;
    wish.workspace_id = workspace;
    wish.configuration_version_id = "cv-" + workspace.substr(3);
    if (shape) shape(wish);
    domain::Actor ana;
    ana.kind = domain::Actor::Kind::user_token;
    ana.user_id = "user-ana";
    ana.username = "ana";
    auto run = service->create(wish, ana);
    if (!run) throw std::logic_error(run.error().text());
    return *run;
  }
  domain::Run run(const std::string& id) {
    return *store.read([&](domain::Tables& tables) { return tables.runs().find(id); });
  }
  // The runner's child has started.
  std::shared_ptr<FakeSpool> child(const std::string& phase_id) {
    const auto owner = store.read([&](domain::Tables& tables) { return tables.runs().find_by_phase(phase_id); });
    while (true) {
      const bool supervised = executor->active().contains(owner->id);
      if (auto spool = runner.spool(phase_id)) return spool;
      if (!supervised) return nullptr;
      std::this_thread::yield();
    }
  }
  void end(const std::string& phase_id, PhaseStatus status, bool changes = true) {
    const auto spool = child(phase_id);
    if (!spool) return;
    spool->change([&](FakeSpool& s) {
      PhaseReport report;
      report.outcome.status = status;
      report.outcome.reason = status == PhaseStatus::errored ? "terraform_failed" : "";
      report.outcome.has_changes = changes;
      report.plan = "plan of " + phase_id;
      report.plan_json = report.plan_redacted = "{}";
      s.report = report;
    });
    wait_until_let_go(phase_id);
  }
  void wait_until_let_go(const std::string& phase_id) {
    const auto owner = store.read([&](domain::Tables& tables) { return tables.runs().find_by_phase(phase_id); });
    while (executor->active().contains(owner->id)) {
      std::this_thread::yield();
    }
  }
  static std::string state(std::int64_t serial) {
    return fmt::format(
        R"({{"version":4,"serial":{},"lineage":"l","terraform_version":"1.11.4","outputs":{{"name":{{"value":["a"],"type":["list","string"]}}}},"resources":[]}})",
        serial);
  }
  std::string log(const std::string& phase_id) { return logs->read(phase_id, 0, 1 << 20).bytes; }

  test::TemporaryDirectory directory_;
  SystemRandom random;
  Secret key_ = crypto::generate_seal_key(random);
  test::ManualClock clock;
  MemoryStore store;
  MemoryBlobs blobs;
  FakeRunner runner;
  EventBus events;
  ClosedGate gate;
  OneVersion versions;
  std::mutex mutex_;
  std::mt19937 chance_;
  std::string kill_at;
  unsigned kill_chance = 0;
  std::set<std::string> steps;
  std::atomic<int> errors{0};
  std::unique_ptr<FileLogHub> logs;
  std::unique_ptr<PhaseExecutor> executor;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<StoreRunService> service;
};

TEST(RunModel, PlanConfirmApply) {
  Server server;
  const domain::Run run = server.create("ws-0");
  server.scheduler->run_once();
  EXPECT_EQ(server.run(run.id).status, RunStatus::planning);
  server.child(run.plan.id)->change([](FakeSpool& spool) { spool.output = "planning\n"; });
  server.end(run.plan.id, PhaseStatus::finished);
  EXPECT_EQ(server.run(run.id).status, RunStatus::planned);
  EXPECT_EQ(server.log(run.plan.id), "\x02planning\n\x03");
  ASSERT_TRUE(server.service->confirm(run.id, "go", {}));
  server.scheduler->run_once();
  EXPECT_EQ(server.run(run.id).status, RunStatus::applying);
  server.child(run.apply.id)->change([](FakeSpool& spool) { spool.states = {Server::state(1), Server::state(2)}; });
  server.end(run.apply.id, PhaseStatus::finished);
  EXPECT_EQ(server.run(run.id).status, RunStatus::applied);
  const MemoryData data = server.store.data();
  ASSERT_EQ(data.states.size(), 2u);
  EXPECT_TRUE(data.states[0].intermediate);
  EXPECT_FALSE(data.states[1].intermediate);
  EXPECT_EQ(data.workspaces.at("ws-0").current_state_version_id, data.states[1].id);
  EXPECT_EQ(data.outputs.at(data.states[1].id).at(0).type, "array");
  EXPECT_FALSE(data.workspaces.at("ws-0").lock.held());
  EXPECT_TRUE(data.inputs.at(run.id).empty());
  EXPECT_TRUE(server.runner.present().empty());
  EXPECT_EQ(data.events.size(), data.audit.size());  // I9
}

TEST(RunModel, OneAtATimeInAWorkspace) {
  Server server;
  const domain::Run first = server.create("ws-0");
  const domain::Run second = server.create("ws-0");
  const domain::Run speculative = server.create("ws-0", [](NewRun& wish) { wish.configuration_version_id = "cv-0s"; });
  server.scheduler->run_once();
  EXPECT_EQ(server.run(first.id).status, RunStatus::planning);
  EXPECT_EQ(server.run(second.id).status, RunStatus::pending);
  EXPECT_EQ(server.run(speculative.id).status, RunStatus::planning);
  server.end(first.plan.id, PhaseStatus::finished);
  server.scheduler->run_once();
  EXPECT_EQ(server.run(second.id).status, RunStatus::pending);
  ASSERT_TRUE(server.service->discard(first.id, "", {}));
  server.scheduler->run_once();
  EXPECT_EQ(server.run(second.id).status, RunStatus::planning);
  server.end(speculative.plan.id, PhaseStatus::finished);
  EXPECT_EQ(server.run(speculative.id).status, RunStatus::planned_and_finished);
  server.end(second.plan.id, PhaseStatus::errored);
  EXPECT_EQ(server.run(second.id).reason, "terraform_failed");
}

TEST(RunModel, TheHeadOfTheQueueBehindAPersonsLockIsTheCurrentRun) {
  Server server;
  const auto set_lock = [&](bool held) {
    return server.store.write([&](domain::Tables& tables) {
      auto workspace = tables.workspaces().find("ws-0").value();
      workspace.lock = {};
      if (held) workspace.lock.holder = domain::WorkspaceLock::Holder::user;
      return tables.workspaces().update(workspace);
    });
  };
  ASSERT_TRUE(set_lock(true));
  const domain::Run head = server.create("ws-0");
  EXPECT_EQ(server.store.data().workspaces.at("ws-0").current_run_id, head.id);
  server.create("ws-0");
  server.scheduler->run_once();
  EXPECT_EQ(server.store.data().workspaces.at("ws-0").current_run_id, head.id);
  EXPECT_EQ(server.run(head.id).status, RunStatus::pending);
  ASSERT_TRUE(set_lock(false));
  int wakes = 0;
  StoreRunService service(RunServiceParts{server.store, *server.logs, server.events, server.versions, server.clock,
                                          server.random, [&] { ++wakes; }});
  service.look_again();
  EXPECT_EQ(wakes, 1);
  server.scheduler->run_once();
  EXPECT_EQ(server.run(head.id).status, RunStatus::planning);
}

TEST(RunModel, AGatedPhaseDoesNotStartWithoutAGate) {
  Server server;
  const auto raised = server.store.write([](domain::Tables& tables) -> Result<void> {
    auto organization = tables.organizations().find("org-a").value();
    organization.aws_mfa = domain::MfaLevel::applies_only;
    return tables.organizations().update(organization);
  });
  ASSERT_TRUE(raised);
  const domain::Run run = server.create("ws-0", [](NewRun& wish) { wish.auto_apply = true; });
  server.scheduler->run_once();
  server.end(run.plan.id, PhaseStatus::finished);
  server.scheduler->run_once();
  EXPECT_EQ(server.run(run.id).status, RunStatus::errored);
  EXPECT_EQ(server.run(run.id).reason, "mfa_not_configured");
  EXPECT_EQ(server.runner.spool(run.apply.id), nullptr);
  EXPECT_TRUE(server.log(run.apply.id).ends_with("\x03"));
}

TEST(RunModel, ReservedVariablesReachNoPhaseOfAGatedWorkspace) {
  Server server;
  const auto set_level = [&](domain::MfaLevel level) {
    return server.store.write([&](domain::Tables& tables) -> Result<void> {
      auto organization = tables.organizations().find("org-a").value();
      organization.aws_mfa = level;
      return tables.organizations().update(organization);
    });
  };
  const auto create = [&](const char* workspace) {
    domain::Run run = server.create(workspace);
    std::vector<domain::Variable> variables;
    for (const char* name : {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "REGION"}) {
      variables.emplace_back().key = name;
      variables.back().value = Secret("canary");
      variables.back().category = domain::VariableCategory::env;
    }
    const auto frozen = server.store.write([&](domain::Tables& tables) -> Result<void> {
      tables.runs().set_inputs(run.id, to_text(freeze(variables, {}, {}, {})));
      return {};
    });
    EXPECT_TRUE(frozen);
    return run;
  };
  const domain::Run free = create("ws-0");
  server.scheduler->run_once();
  EXPECT_EQ(server.child(free.plan.id)->variables,
            (std::vector<std::string>{"AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "REGION"}));
  EXPECT_EQ(server.log(free.plan.id), "\x02");
  // Set before the level was raised.
  ASSERT_TRUE(set_level(domain::MfaLevel::applies_only));
  const domain::Run gated = create("ws-1");
  server.scheduler->run_once();
  EXPECT_EQ(server.child(gated.plan.id)->variables, std::vector<std::string>{"REGION"});
  const std::string log = server.log(gated.plan.id);
  EXPECT_NE(log.find("AWS_ENDPOINT_URL_S3, AWS_PROFILE"), std::string::npos) << log;
  EXPECT_EQ(log.find("canary"), std::string::npos);
}

TEST(RunModel, LostRunnersAndLimitsAndCancelsAreTruthful) {
  Server server;
  const domain::Run lost = server.create("ws-0", [](NewRun& wish) { wish.auto_apply = true; });
  server.scheduler->run_once();
  server.end(lost.plan.id, PhaseStatus::finished);
  server.scheduler->run_once();
  server.child(lost.apply.id)->change([](FakeSpool& spool) {
    spool.states = {Server::state(7)};
    PhaseReport report;
    report.outcome.reason = "runner_lost";
    report.outcome.sentence = "the runner died";
    spool.report = report;
  });
  server.wait_until_let_go(lost.apply.id);
  EXPECT_EQ(server.run(lost.id).status, RunStatus::errored);
  EXPECT_EQ(server.run(lost.id).reason, "runner_lost");
  EXPECT_NE(server.run(lost.id).detail.find("serial 7"), std::string::npos);
  EXPECT_EQ(server.store.data().states.size(), 1u);

  const domain::Run slow = server.create("ws-0");
  server.scheduler->run_once();
  const auto spool = server.child(slow.plan.id);
  server.clock.advance(std::chrono::hours(2));
  server.scheduler->run_once();
  EXPECT_GE(spool->interrupts, 1);
  server.end(slow.plan.id, PhaseStatus::errored);
  EXPECT_EQ(server.run(slow.id).reason, "phase_time_limit");

  const domain::Run canceled = server.create("ws-0");
  server.scheduler->run_once();
  ASSERT_NE(server.child(canceled.plan.id), nullptr);
  ASSERT_TRUE(server.service->cancel(canceled.id, "", {}));
  server.scheduler->run_once();
  server.end(canceled.plan.id, PhaseStatus::errored);
  EXPECT_EQ(server.run(canceled.id).status, RunStatus::canceled);
}

class KilledAt : public testing::TestWithParam<std::string> {};

TEST_P(KilledAt, GoesOnAfterwards) {
  Server server;
  server.kill_at = GetParam();
  const domain::Run run = server.create("ws-0", [](NewRun& wish) { wish.auto_apply = true; });
  int boots = 0;
  for (int round = 0; round < 8 && !domain::is_final(server.run(run.id).status); ++round) {
    server.scheduler->run_once();
    for (const PhaseKind kind : {PhaseKind::plan, PhaseKind::apply}) {
      const domain::Phase phase = server.run(run.id).phase(kind);
      const std::string& id = phase.id;
      const auto spool = phase.status == PhaseStatus::running ? server.child(id) : nullptr;
      if (!spool) continue;
      spool->change([&](FakeSpool& s) {
        s.output = "some output\n";
        if (s.kind == PhaseKind::apply) s.states = {Server::state(1), Server::state(2)};
      });
      server.end(id, PhaseStatus::finished);
    }
    server.executor->join();
    if (server.errors.exchange(0) > 0) {
      ++boots;
      server.boot();
      server.executor->join();
    }
  }
  const domain::Run ended = server.run(run.id);
  EXPECT_EQ(boots, 1) << "the step was not reached";
  if (GetParam() == "start_committed") {
    EXPECT_EQ(ended.reason, "runner_lost");
  } else {
    EXPECT_EQ(ended.status, RunStatus::applied) << ended.detail;
    EXPECT_EQ(server.store.data().states.size(), 2u);
    EXPECT_NE(server.log(run.apply.id).find("some output\n"), std::string::npos);
  }
  EXPECT_EQ(server.log(run.plan.id).back(), '\x03');
  EXPECT_EQ(server.runner.violations(), 0);
  EXPECT_TRUE(server.runner.present().empty());
  EXPECT_FALSE(server.store.data().workspaces.at("ws-0").lock.held());
}

INSTANTIATE_TEST_SUITE_P(Steps, KilledAt,
                         testing::Values("start_committed", "child_started", "log_chunk_written", "state_seen",
                                         "state_row_committed", "phase_end_seen", "plan_uploaded", "end_committed",
                                         "log_closed", "session_wiped"));

// Random commands of people, ends of children and kills; then everything is brought to its end and looked at.
void play(unsigned seed, unsigned kills_in_hundred, std::set<std::string>& statuses) {
  Server server(seed);
  std::mt19937 random(seed);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  server.kill_chance = kills_in_hundred;
  std::vector<std::string> ids;
  std::map<std::string, std::vector<std::string>> written;  // workspace -> states in order
  std::int64_t serial = 0;
  const auto restart_if_killed = [&] {
    while (server.errors.exchange(0) > 0) {
      server.boot();
    }
  };
  const auto end_some_phase = [&](bool must) {
    for (const std::string& id : ids) {
      const domain::Run run = server.run(id);
      const bool planning = run.status == RunStatus::planning;
      if ((!planning && run.status != RunStatus::applying) || (!must && pick(2) == 0)) continue;
      const domain::Phase& phase = planning ? run.plan : run.apply;
      const auto spool = server.child(phase.id);
      if (!spool) continue;
      {
        // A child that has ended writes no more; its end is still being taken in after a kill.
        const std::lock_guard lock(spool->mutex);
        if (spool->report) continue;
      }
      spool->change([&](FakeSpool& s) {
        s.output += fmt::format("output {}\n", random());
        if (!planning) {
          s.states.push_back(Server::state(++serial));
          written[run.workspace_id].push_back(s.states.back());
        }
      });
      const auto status = std::array{PhaseStatus::finished, PhaseStatus::finished, PhaseStatus::errored}[pick(3)];
      server.end(phase.id, status, pick(4) != 0);
      return;
    }
  };
  const auto check = [&] {
    std::map<std::string, int> writers;
    for (const auto& [id, run] : server.store.data().runs) {
      if (domain::occupies_workspace(run)) ++writers[run.workspace_id];
    }
    for (const auto& [workspace, count] : writers) {
      EXPECT_LE(count, 1) << workspace;  // I6
    }
  };
  for (int step = 0; step < 40; ++step) {
    const std::string workspace = fmt::format("ws-{}", pick(3));
    const std::string id = ids.empty() ? "run-none" : ids[pick(ids.size())];
    switch (pick(9)) {
      case 0:
      case 1:
        ids.push_back(server
                          .create(workspace,
                                  [&](NewRun& wish) {
                                    wish.auto_apply = pick(2) == 0;
                                    wish.save_plan = pick(4) == 0;
                                    wish.plan_only = pick(4) == 0;
                                  })
                          .id);
        break;
      case 2:
        (void)server.service->confirm(id, "", {});
        break;
      case 3:
        (void)server.service->discard(id, "", {});
        break;
      case 4:
        (void)server.service->cancel(id, "", {});
        server.clock.advance(std::chrono::seconds(11));
        break;
      case 5:
        (void)server.service->force_cancel(id, "", {});
        break;
      case 6:
        server.boot();  // a restart in good order
        break;
      default:
        end_some_phase(false);
    }
    server.scheduler->run_once();
    restart_if_killed();
    check();
  }
  server.kill_chance = 0;
  const auto open_runs = [&] {
    return server.store.read([](domain::Tables& tables) { return tables.runs().unfinished(); });
  };
  for (int round = 0; round < 500 && !open_runs().empty(); ++round) {
    for (const domain::Run& run : open_runs()) {
      (void)server.service->discard(run.id, "", {});
    }
    server.scheduler->recover();
    server.scheduler->run_once();
    restart_if_killed();
    end_some_phase(true);
    check();
  }
  server.executor->join();
  server.scheduler->recover();
  EXPECT_TRUE(open_runs().empty()) << "seed " << seed;  // I7
  EXPECT_EQ(server.runner.violations(), 0) << "seed " << seed;
  EXPECT_TRUE(server.runner.present().empty());
  EXPECT_TRUE(server.logs->unfinished().empty());
  const MemoryData data = server.store.data();
  EXPECT_EQ(data.events.size(), data.audit.size());
  for (const auto& [id, workspace] : data.workspaces) {
    EXPECT_FALSE(workspace.lock.held()) << "seed " << seed;
    std::vector<std::string> kept;
    for (const domain::StateVersion& version : data.states) {
      if (version.workspace_id == id) kept.push_back(*server.blobs.get(state_blob_key(version.id)));
    }
    EXPECT_EQ(kept, written[id]) << "seed " << seed;  // I4
  }
  for (const auto& [id, run] : data.runs) {
    statuses.insert(std::string(domain::to_text(run.status)));
    if (run.status == RunStatus::errored) {
      EXPECT_FALSE(run.reason.empty());
    }
    // Who reads is never left waiting.
    EXPECT_EQ(server.log(run.plan.id).back(), '\x03') << "seed " << seed << " " << id;
  }
}

// How many seeds are played; TOLLGATE_SEEDS=1000 for a long look.
unsigned seeds() {
  const char* wanted = std::getenv("TOLLGATE_SEEDS");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 40;
}

TEST(RandomRuns, KeepTheInvariants) {
  std::set<std::string> statuses;
  for (unsigned seed = 1; seed <= seeds(); ++seed) {
    play(seed, 0, statuses);
    if (HasFailure()) return;
  }
  for (const char* status : {"applied", "errored", "canceled", "discarded", "planned_and_finished"}) {
    EXPECT_TRUE(statuses.contains(status)) << status;
  }
}

TEST(RandomRuns, KeepTheInvariantsWhenTheServerDiesAnywhere) {
  std::set<std::string> statuses;
  for (unsigned seed = 1; seed <= seeds(); ++seed) {
    play(seed, 8, statuses);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tollgate::runs
