#include "server/runs/mfa_rules.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/manual_clock.h"

namespace tollgate::runs {
namespace {

using domain::AttemptOutcome;
using domain::IdentityKind;
using domain::IdentityPolicy;
using domain::PhaseKind;

const TimePoint kNow = test::ManualClock().now();

domain::GateBinding binding() {
  return {"run-1", PhaseKind::apply, "aa", "cv-1", "bb", "1.11.4", "cc"};
}

TEST(GateId, FollowsFromEverythingItIsBoundTo) {
  const std::string id = gate_id(binding());
  EXPECT_EQ(id, gate_id(binding()));
  EXPECT_EQ(id.size(), 21u);
  EXPECT_TRUE(id.starts_with("gate-"));
  std::set<std::string> ids{id};
  const auto with = [&](auto change) {
    auto other = binding();
    change(other);
    ids.insert(gate_id(other));
  };
  with([](auto& b) { b.run_id = "run-2"; });
  with([](auto& b) { b.phase = PhaseKind::plan; });
  with([](auto& b) { b.plan_sha256 = "ab"; });
  with([](auto& b) { b.configuration_version_id = "cv-2"; });
  with([](auto& b) { b.inputs_sha256 = "bc"; });
  with([](auto& b) { b.terraform_version = "1.11.5"; });
  with([](auto& b) { b.lock_file_sha256 = ""; });
  with([](auto& b) { b.plan_sha256 = "", b.configuration_version_id = "aacv-1"; });
  EXPECT_EQ(ids.size(), 9u);
}

TEST(GateId, APlansGateKnowsNoPlan) {
  domain::Run run;
  run.plan.plan_sha256 = "aa";
  run.plan.lock_file_sha256 = "cc";
  EXPECT_EQ(gate_binding(run, PhaseKind::plan, Secret("x")).plan_sha256, "");
  EXPECT_EQ(gate_binding(run, PhaseKind::apply, Secret("x")).plan_sha256, "aa");
  EXPECT_EQ(gate_binding(run, PhaseKind::apply, Secret("x")).lock_file_sha256, "cc");
  EXPECT_NE(gate_binding(run, PhaseKind::apply, Secret("x")), gate_binding(run, PhaseKind::apply, Secret("y")));
}

TEST(CodeSteps, EndEveryThirtySeconds) {
  EXPECT_EQ(next_code_in(from_unix_seconds(0)), std::chrono::seconds(30));
  EXPECT_EQ(next_code_in(from_unix_seconds(29)), std::chrono::seconds(1));
  EXPECT_EQ(next_code_in(from_unix_seconds(31)), std::chrono::seconds(29));
}

TEST(Serials, NameTheirAccount) {
  EXPECT_EQ(account_of_arn("arn:aws:iam::111122223333:mfa/ana"), "111122223333");
  EXPECT_EQ(account_of_arn("arn:aws-cn:iam::111122223333:mfa/a:b"), "111122223333");
  EXPECT_EQ(account_of_arn("GAHT12345678"), "");
  EXPECT_EQ(account_of_arn("arn:aws"), "");
}

std::vector<domain::MfaAttempt> attempts(const std::vector<std::pair<std::string, AttemptOutcome>>& list,
                                         std::chrono::seconds apart = std::chrono::seconds(1)) {
  std::vector<domain::MfaAttempt> made;
  for (std::size_t i = 0; i < list.size(); ++i) {
    domain::MfaAttempt attempt;
    attempt.user_id = list[i].first;
    attempt.outcome = list[i].second;
    attempt.at = kNow - apart * static_cast<int>(list.size() - 1 - i);
    made.push_back(attempt);
  }
  return made;
}

TEST(Limits, ThreeInARowBackOffAndASuccessEndsIt) {
  using O = AttemptOutcome;
  const auto wait = [](const std::vector<std::pair<std::string, O>>& list) {
    return wait_before_next_try(attempts(list), "ana", kNow).seconds.count();
  };
  EXPECT_EQ(wait({}), 0);
  EXPECT_EQ(wait({{"ana", O::refused}, {"ana", O::refused}}), 0);
  EXPECT_EQ(wait({{"ana", O::refused}, {"ana", O::refused}, {"ana", O::refused}}), 60);
  EXPECT_EQ(wait({{"ana", O::refused}, {"ana", O::refused}, {"ana", O::sent}}), 60);
  EXPECT_EQ(wait({{"ana", O::refused}, {"ana", O::refused}, {"ana", O::unspent}}), 0);
  EXPECT_EQ(wait({{"ana", O::refused}, {"bob", O::refused}, {"ana", O::refused}}), 0);
  EXPECT_EQ(wait({{"ana", O::refused}, {"ana", O::accepted}, {"ana", O::refused}, {"ana", O::refused}}), 0);
  EXPECT_EQ(wait({{"ana", O::refused}, {"ana", O::refused}, {"ana", O::refused}, {"ana", O::refused}}), 120);
  EXPECT_EQ(wait(std::vector<std::pair<std::string, O>>(9, {"ana", O::refused})), 15 * 60);
}

TEST(Limits, TenRefusalsOfADeviceWithinAnHourAreAll) {
  std::vector<std::pair<std::string, AttemptOutcome>> list(10, {"bob", AttemptOutcome::refused});
  const auto all = attempts(list, std::chrono::seconds(60));
  const auto wait = wait_before_next_try(all, "ana", kNow);
  EXPECT_TRUE(wait.device);
  EXPECT_EQ(wait.seconds, std::chrono::seconds(3600 - 9 * 60));
  EXPECT_EQ(wait_before_next_try(all, "ana", kNow + wait.seconds).seconds.count(), 0);
  list.assign(9, {"bob", AttemptOutcome::refused});
  list.insert(list.begin(), 20, {"bob", AttemptOutcome::accepted});
  EXPECT_EQ(wait_before_next_try(attempts(list), "ana", kNow).seconds.count(), 0);
}

struct Choice {
  IdentityPolicy policy;
  bool personal;
  bool organization;
  bool device;
  bool shared;
  PhaseKind phase;
  bool creator;
  const char* expected;  // serial, or the reason why not
};

TEST(Identities, AreChosenByPolicyAndPhase) {
  using P = IdentityPolicy;
  constexpr auto plan = PhaseKind::plan;
  constexpr auto apply = PhaseKind::apply;
  for (const Choice& one : {
           Choice{P::personal, true, true, true, true, plan, true, "own"},
           Choice{P::personal, true, true, true, true, plan, false, "not_the_creator"},
           Choice{P::personal, true, false, false, false, apply, false, "own"},
           Choice{P::personal, false, true, true, true, plan, true, "no_identity"},
           Choice{P::organization, true, true, true, true, plan, true, "device"},
           Choice{P::organization, true, true, false, true, plan, false, "shared"},
           Choice{P::organization, true, true, false, false, plan, true, "no_device"},
           Choice{P::organization, true, false, false, false, plan, true, "no_identity"},
           Choice{P::personal_then_organization, true, true, true, true, plan, true, "own"},
           Choice{P::personal_then_organization, true, true, true, true, plan, false, "device"},
           Choice{P::personal_then_organization, true, false, false, false, plan, false, "not_the_creator"},
           Choice{P::personal_then_organization, false, true, false, true, apply, false, "shared"},
           Choice{P::personal_then_organization, true, true, true, true, apply, false, "own"},
           Choice{P::personal_then_organization, false, false, false, false, apply, true, "no_identity"},
       }) {
    IdentityOptions options;
    options.policy = one.policy;
    if (one.personal) {
      options.personal.emplace();
      options.personal->mfa_serial = "own";
    }
    if (one.organization) {
      options.organization.emplace();
      options.organization->kind = IdentityKind::organization;
      options.organization->mfa_serial = "shared";
      options.organization->shared = one.shared;
    }
    if (one.device) {
      options.device.emplace();
      options.device->serial = "device";
    }
    domain::Run run;
    run.created_by = one.creator ? "user-ana" : "user-bob";
    const auto chosen = choose_identity(options, run, one.phase, "user-ana");
    EXPECT_EQ(chosen ? chosen->serial : chosen.error().reason, one.expected);
    if (!chosen) {
      EXPECT_FALSE(chosen.error().next.empty());
    }
  }
}

}  // namespace
}  // namespace tollgate::runs
