// When a gate opens, what it answers, and how it looks to people.
#include "server/runs/mfa_gate.h"

#include <gtest/gtest.h>

#include "server/runs/mfa_view.h"
#include "tests/unit/server/runs/mfa_world.h"

namespace tollgate::runs {
namespace {

using domain::GateState;
using domain::MfaLevel;
using domain::PhaseKind;
using domain::Tables;
using test::MfaWorld;
using test::person;
using test::serial_of;

class MfaGates : public testing::Test, protected MfaWorld {
 protected:
  Result<std::optional<PhaseProof>> ask(const domain::Run& run, PhaseKind phase = PhaseKind::plan,
                                        MfaLevel level = MfaLevel::plans_and_applies) {
    Result<std::optional<PhaseProof>> proof = std::optional<PhaseProof>();
    write([&](Tables& tables) {
      proof = mfa_gate.check(tables, *tables.runs().find(run.id), phase, level, clock.now());
    });
    return proof;
  }
  MfaView view(const domain::Run& run, const std::string& name = "ana", bool may_apply = true) {
    const auto seen = store.read([&](Tables& tables) {
      return mfa_view(tables, *tables.runs().find(run.id), {name.empty() ? "" : "user-" + name, may_apply},
                      clock.now());
    });
    if (!seen) throw std::logic_error("nothing is gated");
    return *seen;
  }
};

TEST_F(MfaGates, WhatTheLevelDoesNotGuardNeedsNoGate) {
  const auto run = run_at_plan_gate();
  EXPECT_EQ((**ask(run, PhaseKind::plan, MfaLevel::applies_only)).kind(), PhaseProof::Kind::no_gate_needed);
  EXPECT_EQ((**ask(run, PhaseKind::apply, MfaLevel::never)).kind(), PhaseProof::Kind::no_gate_needed);
}

TEST_F(MfaGates, OpensOnceAndProvesOnceItWasPassed) {
  const auto run = run_at_plan_gate();
  EXPECT_FALSE(*ask(run));
  const auto opened = record(run).value();
  EXPECT_EQ(opened.id, gate_of(run, PhaseKind::plan));
  clock.advance(std::chrono::minutes(1));
  EXPECT_FALSE(*ask(run));
  EXPECT_EQ(record(run)->opened_at, opened.opened_at);
  ASSERT_EQ(enter(run, code("ana")).status, AuthenticateStatus::accepted);
  const auto proof = ask(run);
  ASSERT_TRUE(*proof);
  EXPECT_EQ((*proof)->kind(), PhaseProof::Kind::mfa_passed);
  EXPECT_EQ((*proof)->record_id(), opened.id);
  // What it was passed for is another now.
  write([&](Tables& tables) { tables.runs().set_inputs(run.id, Secret("other")); });
  EXPECT_EQ(ask(run).error().reason, "gate_binding_changed");
}

TEST_F(MfaGates, DoesNotWaitForWhatCannotCome) {
  const auto run = run_at_plan_gate();
  write([](Tables& tables) {
    for (const char* id : {"awsid-ana", "awsid-bob", "awsid-ops"})
      tables.aws_identities().erase(id);
  });
  EXPECT_EQ(ask(run).error().reason, "mfa_not_configured");
}

TEST_F(MfaGates, SaysWhichDeviceAndWhere) {
  const auto run = run_at_plan_gate();
  const auto line = [&](const domain::Run& of) {
    return store.read([&](Tables& tables) { return mfa_gate.waiting_line(tables, of, PhaseKind::plan); });
  };
  EXPECT_EQ(line(run), fmt::format("Waiting for an AWS MFA code for device {}. Enter it at https://server/runs/{} or "
                                   "run: tollgate authenticate {}",
                                   serial_of("ana"), run.id, run.id));
  EXPECT_TRUE(line(run_at_plan_gate("carol")).starts_with("Waiting for an AWS MFA code. Enter it at"));
}

TEST_F(MfaGates, ARunThatEndsClosesThem) {
  auto run = run_at_plan_gate();
  auto other = run_at_plan_gate();
  write([&](Tables& tables) {
    must(domain::fail_run(run, "mfa_timeout", "nobody came", clock.now()));
    runs::record(tables, run, {"mfa_timeout", "", {}}, {}, random, clock.now());
    must(domain::request_cancel(other, "", "", clock.now()));
    runs::record(tables, other, {"canceled", "", {}}, {}, random, clock.now());
  });
  EXPECT_EQ(this->record(run)->state, GateState::expired);
  EXPECT_EQ(this->record(other)->state, GateState::closed);
  EXPECT_EQ(view(run).state, "expired");
  EXPECT_EQ(view(other).state, "closed");
  EXPECT_FALSE(view(other).can);
}

TEST_F(MfaGates, LookThusToPeople) {
  const auto run = run_at_plan_gate();
  auto seen = view(run);
  EXPECT_EQ(seen.state, "waiting");
  EXPECT_EQ(seen.phase, PhaseKind::plan);
  EXPECT_EQ(seen.gate_id, gate_of(run, PhaseKind::plan));
  EXPECT_EQ(seen.deadline, clock.now() + std::chrono::minutes(15));
  EXPECT_TRUE(seen.can);
  EXPECT_EQ(seen.serial, serial_of("ana"));
  EXPECT_EQ(seen.tries_left, 5);
  EXPECT_FALSE(view(run, "bob").can);
  EXPECT_FALSE(view(run, "bob").reason.empty());
  EXPECT_FALSE(view(run, "").can);
  EXPECT_FALSE(view(run, "ana", false).can);

  ASSERT_EQ(enter(run, wrong_code("ana")).status, AuthenticateStatus::refused);
  seen = view(run);
  EXPECT_EQ(seen.state, "refused");
  EXPECT_EQ(seen.gate->refusal.reason, "mfa_code_refused");
  EXPECT_EQ(seen.gate->refusal.by, "ana");
  EXPECT_EQ(seen.tries_left, 4);
  EXPECT_TRUE(seen.can);
  EXPECT_TRUE(seen.next_code_in);

  at_step = [&](std::string_view step) {
    if (step == "sts_before_send") {
      EXPECT_EQ(view(run).state, "checking");
      EXPECT_FALSE(view(run).can);
    }
  };
  clock.advance(kCodeStep);
  ASSERT_EQ(enter(run, code("ana")).status, AuthenticateStatus::accepted);
  seen = view(run);
  EXPECT_EQ(seen.state, "passed");
  EXPECT_EQ(seen.gate->accepted_by_name, "ana");
  EXPECT_EQ(store.read([&](Tables& tables) { return mfa_history(tables, run); }).size(), 1u);
}

TEST_F(MfaGates, ThatAreLockedSayWhoCanHelp) {
  const auto run = run_at_plan_gate();
  write([&](Tables& tables) {
    auto gate = tables.gates().of_phase(run.id, PhaseKind::plan).value();
    gate.refusals = 5;
    must(tables.gates().update(gate));
  });
  EXPECT_EQ(view(run).state, "locked");
  EXPECT_FALSE(view(run).can);
  EXPECT_NE(view(run).reason.find("owner"), std::string::npos);
}

TEST_F(MfaGates, APlannedRunHasItsGateAlready) {
  const auto run = planned_run("bob");
  const auto seen = view(run, "ana");
  EXPECT_EQ(seen.state, "waiting");
  EXPECT_EQ(seen.phase, PhaseKind::apply);
  EXPECT_EQ(seen.gate_id, gate_of(run, PhaseKind::apply));
  EXPECT_FALSE(seen.deadline);
  EXPECT_TRUE(seen.can);
}

TEST_F(MfaGates, RunsBeforeTheirTurnAndUngatedOnes) {
  const auto pending = new_run("ana");
  store_run(pending);
  EXPECT_EQ(view(pending).state, "not-yet");
  EXPECT_EQ(view(pending).gate_id, "");
  EXPECT_FALSE(view(pending).can);
  auto free = new_run("ana");
  free.aws_mfa_at_creation = MfaLevel::applies_only;
  free.plan_only = true;
  store_run(free);
  write([&](Tables& tables) {
    organization.aws_mfa = MfaLevel::applies_only;
    must(tables.organizations().update(organization));
  });
  EXPECT_FALSE(store.read([&](Tables& tables) { return mfa_view(tables, free, {"user-ana", true}, clock.now()); }));
}

}  // namespace
}  // namespace tollgate::runs
