// What a phase gets of AWS, rung by rung, and what an apply is held to because of its plan.
#include "server/runs/phase_credentials.h"

#include <gtest/gtest.h>

#include "server/runs/phase_executor.h"
#include "tests/support/forked.h"
#include "tests/unit/server/runs/fake_runner.h"
#include "tests/unit/server/runs/mfa_world.h"

namespace tollgate::runs {
namespace {

using domain::MfaLevel;
using domain::PhaseKind;
using domain::Tables;
using std::chrono::hours;
using test::MfaWorld;
using test::person;
using test::serial_of;

constexpr const char* kReader = "arn:aws:iam::111122223333:role/reader";

class PhaseCredentialsTest : public testing::Test, protected MfaWorld {
 protected:
  StartedPhase started(MfaLevel level, PhaseKind phase = PhaseKind::plan) {
    StartedPhase phase_started;
    phase_started.run = new_run("ana");
    phase_started.phase = phase;
    phase_started.level = level;
    phase_started.limit = hours(phase == PhaseKind::plan ? 1 : 4);
    return phase_started;
  }
  PhaseEnvironment plan(MfaLevel level = MfaLevel::applies_only) {
    auto given = credentials.obtain(started(level));
    if (!given) throw std::logic_error(given.error().text());
    return std::move(*given);
  }
  void without_organization_identity() {
    write([](Tables& tables) { tables.aws_identities().erase("awsid-ops"); });
  }

  MfaCredentials credentials{store, sts, clock};
};

TEST_F(PhaseCredentialsTest, NothingAtLevelNever) {
  EXPECT_FALSE(plan(MfaLevel::never).aws);
  EXPECT_EQ(sts.identifications + sts.plain_sessions, 0);
}

TEST_F(PhaseCredentialsTest, FirstTheReadOnlyRole) {
  change_settings([](auto& settings) {
    settings.read_only_plan_role = {kReader, "external"};
    settings.raw_key_plans = true;
  });
  const auto given = plan();
  ASSERT_TRUE(given.aws);
  EXPECT_TRUE(given.aws->credentials.temporary());
  EXPECT_EQ(sts.last_role->role_arn, kReader);
  EXPECT_EQ(sts.last_role->external_id, "external");
  EXPECT_EQ(sts.last_role->session_name, "run-1-plan");
  EXPECT_EQ(sts.last_role_by, "AKIAops");
  EXPECT_EQ(given.account, "111122223333");
  EXPECT_TRUE(given.notices.empty());
  // An hour is all that a role gives, and as long as the plan may run: it is assumed again, by a session, not by the
  // key.
  ASSERT_TRUE(given.aws->renewal);
  EXPECT_TRUE(given.aws->renewal->session.temporary());
  EXPECT_EQ(given.aws->renewal->role_arn, kReader);
}

TEST_F(PhaseCredentialsTest, ARoleThatIsRefusedIsNoReasonForMore) {
  change_settings([](auto& settings) {
    settings.read_only_plan_role = {kReader, ""};
    settings.raw_key_plans = true;
  });
  sts.refuse_role =
      test::sts_refusal(403, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole", false);
  const auto refused = credentials.obtain(started(MfaLevel::applies_only));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "plan_credentials");
  EXPECT_EQ(sts.plain_sessions, 0);
}

TEST_F(PhaseCredentialsTest, ThenASessionWithoutMfaAlsoWhereTheKeyIsAllowed) {
  for (const bool raw : {false, true}) {
    change_settings([&](auto& settings) { settings.raw_key_plans = raw; });
    const auto given = plan();
    ASSERT_TRUE(given.aws);
    EXPECT_TRUE(given.aws->credentials.access_key_id.starts_with("ASIA"));
    EXPECT_TRUE(given.aws->credentials.temporary());
    EXPECT_FALSE(given.aws->renewal);
    ASSERT_EQ(given.notices.size(), 1u);
    EXPECT_NE(given.notices[0].find("session without MFA"), std::string::npos);
    EXPECT_EQ(given.account, test::kAccount);
  }
  EXPECT_EQ(sts.plain_sessions, 2);
  EXPECT_EQ(sts.last_duration, std::chrono::seconds(3900));
}

TEST_F(PhaseCredentialsTest, LastTheKeyItselfWhereAwsGivesNoSessionAndOwnersAllowedIt) {
  sts.refuse_plain_session =
      test::sts_refusal(403, "AccessDenied", "User: x is not authorized to perform: sts:GetSessionToken", false);
  const auto refused = credentials.obtain(started(MfaLevel::applies_only));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "plan_credentials");
  change_settings([](auto& settings) { settings.raw_key_plans = true; });
  const auto given = plan();
  ASSERT_TRUE(given.aws);
  EXPECT_EQ(given.aws->credentials.access_key_id, "AKIAops");
  EXPECT_FALSE(given.aws->credentials.expiration);
  ASSERT_EQ(given.notices.size(), 1u);
  EXPECT_TRUE(given.notices[0].starts_with("\x1b[31m")) << "in red";
  EXPECT_EQ(given.account, test::kAccount);
}

TEST_F(PhaseCredentialsTest, AnAwsThatIsNotThereIsNoReasonToHandOutTheKey) {
  change_settings([](auto& settings) { settings.raw_key_plans = true; });
  for (const auto& failure :
       {test::sts_failure(net::Delivery::not_sent, false), test::sts_failure(net::Delivery::unknown, false),
        test::sts_refusal(400, "Throttling", "Rate exceeded", false),
        test::sts_refusal(500, "InternalFailure", "x", false),
        test::sts_refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.",
                          false)}) {
    sts.refuse_plain_session = failure;
    EXPECT_EQ(credentials.obtain(started(MfaLevel::applies_only)).error().reason, "plan_credentials");
  }
}

TEST_F(PhaseCredentialsTest, PersonalIdentitiesAreNeverUsedWithoutAGate) {
  without_organization_identity();
  const auto given = plan();
  EXPECT_FALSE(given.aws);
  ASSERT_EQ(given.notices.size(), 1u);
  EXPECT_EQ(sts.identifications + sts.plain_sessions, 0);
}

TEST_F(PhaseCredentialsTest, BehindAGateWhatItWasPassedWith) {
  change_settings([](auto& settings) { settings.apply_role = {"arn:aws:iam::111122223333:role/apply", "external"}; });
  const auto run = planned_run();
  ASSERT_EQ(enter(run, PhaseKind::apply, code("ana"), person("ana")).status, AuthenticateStatus::accepted);
  auto phase = started(MfaLevel::applies_only, PhaseKind::apply);
  phase.run = this->run(run.id);
  const auto given = credentials.obtain(phase);
  ASSERT_TRUE(given) << given.error().text();
  ASSERT_TRUE(given->aws);
  EXPECT_EQ(given->aws->credentials.access_key_id, session(run.apply.id)->access_key_id);
  // The role's hour ends before the apply's four: what assumes it again is the session that the code gave.
  ASSERT_TRUE(given->aws->renewal);
  EXPECT_EQ(given->aws->renewal->session.access_key_id, sts.last_role_by);
  EXPECT_TRUE(given->aws->renewal->session.temporary());
  EXPECT_EQ(given->aws->renewal->external_id, "external");
  EXPECT_EQ(given->aws->renewal->session_name, run.id + "-ana");
  EXPECT_EQ(given->aws->renewal->duration, hours(1));
  EXPECT_TRUE(given->account.empty()) << "its gate says it";
  // It dies with the phase.
  write([&](Tables& tables) { tables.phase_sessions().erase(run.apply.id); });
  EXPECT_EQ(credentials.obtain(phase).error().reason, "session_lost");
  EXPECT_TRUE(store.data().aws_mfa.renewals.empty());
}

TEST_F(PhaseCredentialsTest, WhatOutlivesThePhaseIsNotRenewed) {
  write([&](Tables& tables) {
    auto shorter = tables.organizations().find("org-a").value();
    shorter.apply_limit = std::chrono::minutes(30);
    must(tables.organizations().update(shorter));
  });
  change_settings([](auto& settings) { settings.apply_role = {"arn:aws:iam::111122223333:role/apply", ""}; });
  const auto run = planned_run();
  ASSERT_EQ(enter(run, PhaseKind::apply, code("ana"), person("ana")).status, AuthenticateStatus::accepted);
  EXPECT_TRUE(store.data().aws_mfa.renewals.empty());
  EXPECT_TRUE(session(run.apply.id));
}

// An apply whose account differs from its plan's, of a plan that had no gate.
class AccountOfAPlan : public PhaseCredentialsTest {
 protected:
  // As the executor leaves it: planned under applies-only, in this account.
  domain::Run planned_in(const std::string& account) {
    write([&](Tables& tables) {
      organization.aws_mfa = MfaLevel::applies_only;
      must(tables.organizations().update(organization));
    });
    const auto run = planned_run();
    FrozenInputs inputs;
    inputs.base_state_version_id = "";
    inputs.plan_account = account;
    write([&](Tables& tables) { tables.runs().set_inputs(run.id, to_text(inputs)); });
    return run;
  }
  AuthenticateAnswer apply(const domain::Run& run) {
    clock.advance(kCodeStep);
    return enter(run, PhaseKind::apply, code("ana"), person("ana"));
  }
};

TEST_F(AccountOfAPlan, TheSameIsAccepted) {
  EXPECT_EQ(apply(planned_in(std::string(test::kAccount))).status, AuthenticateStatus::accepted);
}

TEST_F(AccountOfAPlan, AnotherIsRefusedBeforeACodeIsSpent) {
  const auto answer = apply(planned_in("444455556666"));
  EXPECT_EQ(answer.status, AuthenticateStatus::refused);
  EXPECT_EQ(answer.error.reason, "account_differs");
  EXPECT_NE(answer.error.message.find("444455556666"), std::string::npos);
  EXPECT_EQ(sts.codes_sent(), 0);
}

TEST_F(AccountOfAPlan, ARoleInAnotherAccountIsAnotherAccount) {
  change_settings([](auto& settings) { settings.apply_role = {"arn:aws:iam::444455556666:role/apply", ""}; });
  EXPECT_EQ(apply(planned_in(std::string(test::kAccount))).error.reason, "account_differs");
  EXPECT_EQ(apply(planned_in("444455556666")).status, AuthenticateStatus::accepted);
}

TEST_F(AccountOfAPlan, WithRolesForBothPhasesOwnersHaveDecided) {
  change_settings([](auto& settings) {
    settings.read_only_plan_role = {"arn:aws:iam::444455556666:role/reader", ""};
    settings.apply_role = {"arn:aws:iam::111122223333:role/apply", ""};
  });
  EXPECT_EQ(apply(planned_in("444455556666")).status, AuthenticateStatus::accepted);
}

TEST_F(AccountOfAPlan, APlanWithoutCredentialsBindsToNone) {
  EXPECT_EQ(apply(planned_in("")).status, AuthenticateStatus::accepted);
}

TEST_F(AccountOfAPlan, IsRecordedBeforeItsProcessStarts) {
  write([&](Tables& tables) {
    organization.aws_mfa = MfaLevel::applies_only;
    must(tables.organizations().update(organization));
  });
  auto run = new_run("ana");
  must(domain::queue_plan(run, clock.now()));
  must(domain::start_plan(run, clock.now()));
  write([&](Tables& tables) {
    must(tables.runs().insert(run));
    tables.runs().set_inputs(run.id, to_text(FrozenInputs{}));
  });
  MemoryBlobs blobs;
  blobs.put("configuration/cv-1", "archive");
  FakeRunner runner;
  std::string recorded;
  std::optional<AwsAccess> given;
  runner.on_start = [&](const PhaseSpec& spec) {
    given = spec.aws;
    recorded = store.read(
        [&](Tables& tables) { return parse_frozen_inputs(tables.runs().inputs(run.id).value()).value().plan_account; });
  };
  PhaseExecutor executor({store, blobs, logs, runner, events, clock, random, {}, {}, {}, &credentials});
  StartedPhase phase = started(MfaLevel::applies_only);
  phase.run = run;
  executor.start(phase);
  EXPECT_TRUE(tollgate::test::eventually([&] { return runner.spool(run.plan.id) != nullptr; }));
  executor.stop();
  EXPECT_EQ(recorded, test::kAccount);
  ASSERT_TRUE(given);
  EXPECT_TRUE(given->credentials.temporary());
}

}  // namespace
}  // namespace tollgate::runs
