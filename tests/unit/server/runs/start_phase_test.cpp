// Each check of a phase's start on its own: a case that this check alone refuses, and that starts where the check is
// left out. What is not shown here to be needed would not be noticed missing.
#include "server/runs/start_phase.h"

#include <gtest/gtest.h>

#include "tests/unit/server/runs/mfa_world.h"

namespace tollgate::runs {
namespace {

using domain::PhaseKind;
using domain::PhaseStatus;
using domain::RunStatus;
using domain::Tables;
using test::MfaWorld;
using test::person;

// Says what a test wants said.
class SayingGate final : public Gate {
 public:
  Result<std::optional<PhaseProof>> check(Tables&, const domain::Run& run, PhaseKind phase, domain::MfaLevel,
                                          TimePoint) override {
    return std::optional(mfa_passed(run, phase, record_id));
  }
  PhaseProof none(const domain::Run& run, PhaseKind phase) { return no_gate_needed(run, phase); }
  PhaseProof passed(const domain::Run& run, PhaseKind phase, std::string id) {
    return mfa_passed(run, phase, std::move(id));
  }
  std::string record_id;
};

struct Case {
  std::string check;   // the one that refuses
  std::string reason;  // with this
  std::function<void(MfaWorld&, Tables&, domain::Run&)> spoil;
  std::function<PhaseProof(SayingGate&, const domain::Run&, const std::string&)> proof = {};
};
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.check;
}

class StartPhase : public testing::TestWithParam<Case>, protected MfaWorld {
 protected:
  // An apply whose gate bob has passed, that may start.
  domain::Run ready() {
    domain::Run run = planned_run();
    write([&](Tables& tables) {
      FrozenInputs inputs;
      inputs.base_state_version_id = "sv-1";
      tables.runs().set_inputs(run.id, to_text(inputs));
      auto at = tables.workspaces().find("ws-0").value();
      at.current_state_version_id = "sv-1";
      at.lock = {domain::WorkspaceLock::Holder::run, run.id, "", clock.now()};
      must(tables.workspaces().update(at));
    });
    const auto answer = enter(run, PhaseKind::apply, code("bob"), person("bob"));
    if (answer.status != AuthenticateStatus::accepted) throw std::logic_error(answer.error.text());
    return this->run(run.id);
  }
  Result<StartedPhase> start(const domain::Run& run, const PhaseProof& proof, std::span<const StartCheck> checks) {
    return store.write([&](Tables& tables) {
      return start_phase(tables, proof, run.id, PhaseKind::apply, random, clock.now(), checks);
    });
  }
};

class AllChecks : public StartPhase {};

TEST_F(AllChecks, LetAPassedGateStart) {
  const auto run = ready();
  SayingGate gate;
  const auto started =
      start(run, gate.passed(run, PhaseKind::apply, record(run, PhaseKind::apply)->id), start_checks());
  ASSERT_TRUE(started) << started.error().text();
  EXPECT_EQ(started->authenticated_by, "bob");
  EXPECT_EQ(started->level, domain::MfaLevel::plans_and_applies);
  EXPECT_EQ(this->run(run.id).status, RunStatus::applying);
}

TEST_P(StartPhase, IsRefusedByThisCheckAlone) {
  auto run = ready();
  const std::string id = record(run, PhaseKind::apply)->id;
  write([&](Tables& tables) {
    run = tables.runs().find(run.id).value();
    GetParam().spoil(*this, tables, run);
    must(tables.runs().update(run));
  });
  SayingGate gate;
  const auto proof = GetParam().proof ? GetParam().proof(gate, run, id) : gate.passed(run, PhaseKind::apply, id);
  const auto refused = start(run, proof, start_checks());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, GetParam().reason);
  EXPECT_EQ(this->run(run.id).status, RunStatus::apply_queued);

  std::vector<StartCheck> others;
  for (const StartCheck& check : start_checks()) {
    if (check.name != GetParam().check) others.push_back(check);
  }
  ASSERT_EQ(others.size() + 1, start_checks().size());
  EXPECT_TRUE(start(run, proof, others)) << "another check refuses this too, so this one is not shown to be needed";
}

const auto kNothing = [](MfaWorld&, Tables&, domain::Run&) {};

INSTANTIATE_TEST_SUITE_P(
    Checks, StartPhase,
    testing::Values(Case{"proof", "gate_not_passed", kNothing,
                         [](SayingGate& gate, const domain::Run& run, const std::string& id) {
                           domain::Run other = run;
                           other.id = "run-other";
                           return gate.passed(other, PhaseKind::apply, id);
                         }},
                    Case{"passed", "gate_not_passed",
                         [](MfaWorld&, Tables& tables, domain::Run& run) {
                           auto gate = tables.gates().of_phase(run.id, PhaseKind::apply).value();
                           gate.state = domain::GateState::open;
                           MfaWorld::must(tables.gates().update(gate));
                         }},
                    Case{"passed", "gate_not_passed", kNothing,
                         [](SayingGate& gate, const domain::Run& run, const std::string&) {
                           return gate.none(run, PhaseKind::apply);
                         }},
                    Case{"passed", "gate_not_passed", kNothing,
                         [](SayingGate& gate, const domain::Run& run, const std::string&) {
                           return gate.passed(run, PhaseKind::apply, "gate-other");
                         }},
                    Case{"passed", "gate_not_passed",
                         [](MfaWorld&, Tables&, domain::Run& run) { run.timestamps.erase("apply-mfa-passed-at"); }},
                    Case{"binding", "gate_binding_changed",
                         [](MfaWorld&, Tables&, domain::Run& run) { run.plan.plan_sha256 = "another plan"; }},
                    Case{"binding", "gate_binding_changed",
                         [](MfaWorld&, Tables& tables, domain::Run& run) {
                           FrozenInputs inputs;
                           inputs.base_state_version_id = "sv-1";
                           inputs.variables.emplace_back().key = "another";
                           tables.runs().set_inputs(run.id, to_text(inputs));
                         }},
                    Case{"account", "account_not_listed",
                         [](MfaWorld&, Tables& tables, domain::Run& run) {
                           auto settings = tables.gate_settings().of(run.organization_id);
                           settings.accounts = {"444455556666"};
                           tables.gate_settings().set(settings);
                         }},
                    Case{"session", "session_expired",
                         [](MfaWorld& world, Tables&, domain::Run&) { world.clock.advance(std::chrono::hours(5)); }},
                    Case{"session", "session_expired",
                         [](MfaWorld&, Tables& tables, domain::Run& run) {
                           tables.phase_sessions().erase(run.apply.id);
                         }},
                    Case{"lock", "workspace_lost",
                         [](MfaWorld&, Tables& tables, domain::Run& run) {
                           auto at = tables.workspaces().find(run.workspace_id).value();
                           at.lock.holder_id = "run-other";
                           MfaWorld::must(tables.workspaces().update(at));
                         }},
                    Case{"base", "plan_stale",
                         [](MfaWorld&, Tables& tables, domain::Run& run) {
                           auto at = tables.workspaces().find(run.workspace_id).value();
                           at.current_state_version_id = "sv-2";
                           MfaWorld::must(tables.workspaces().update(at));
                         }}),
    [](const auto& row) { return fmt::format("{}{}", row.param.check, row.index); });

TEST(StartChecks, AreAllShownToBeNeeded) {
  std::set<std::string> names;
  for (const StartCheck& check : start_checks())
    names.emplace(check.name);
  EXPECT_EQ(names, (std::set<std::string>{"proof", "passed", "binding", "account", "session", "lock", "base"}));
}

}  // namespace
}  // namespace tollgate::runs
