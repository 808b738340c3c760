// What a code meets on its way: every refusal that costs no code, every answer of AWS, limits, replay, kills.
#include "server/runs/mfa_authenticator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/server/runs/mfa_world.h"

namespace tollgate::runs {
namespace {

using domain::AttemptOutcome;
using domain::GateState;
using domain::IdentityKind;
using domain::PhaseKind;
using domain::PhaseStatus;
using domain::RunStatus;
using test::MfaWorld;
using test::person;
using test::serial_of;
using Status = AuthenticateStatus;

class MfaAuthenticator : public testing::Test, protected MfaWorld {};

TEST_F(MfaAuthenticator, ACodeOpensThePlanAndTheRunGoesOn) {
  const auto run = run_at_plan_gate();
  const auto answer = enter(run, code("ana"));
  ASSERT_EQ(answer.status, Status::accepted) << answer.error.text();
  EXPECT_EQ(this->run(run.id).plan.status, PhaseStatus::queued);
  EXPECT_EQ(woken, 1);
  const auto gate = record(run).value();
  EXPECT_EQ(gate.state, GateState::passed);
  EXPECT_EQ(gate.accepted_by_name, "ana");
  EXPECT_EQ(gate.serial, serial_of("ana"));
  EXPECT_EQ(gate.account, test::kAccount);
  EXPECT_EQ(gate.request_id, "request-1");
  EXPECT_EQ(sts.last_duration, std::chrono::seconds(3600 + 300));
  EXPECT_EQ(gate.session_expires_at, clock.now() + std::chrono::seconds(3900));
  EXPECT_EQ(session(run.plan.id)->access_key_id, "ASIA1");
  EXPECT_EQ(audited("mfa.sent"), 1u);
  EXPECT_EQ(audited("run.mfa_passed"), 1u);
  // Late: no call.
  const auto late = enter(run, code("ana"));
  EXPECT_EQ(late.status, Status::no_such_gate);
  EXPECT_EQ(sts.codes_sent(), 1);
}

TEST_F(MfaAuthenticator, OfAPlannedRunItConfirmsAndAuthenticatesInOneStep) {
  const auto run = planned_run();
  EXPECT_FALSE(record(run, PhaseKind::apply));
  const auto wrong = enter(run, PhaseKind::apply, wrong_code("bob"), person("bob"));
  EXPECT_EQ(wrong.status, Status::refused);
  EXPECT_EQ(this->run(run.id).status, RunStatus::planned);
  // In the log of the apply, which whoever confirms it will see.
  EXPECT_NE(logs.text(run.apply.id).find("The MFA code of bob was not accepted"), std::string::npos);
  clock.advance(kCodeStep);
  ASSERT_EQ(enter(run, PhaseKind::apply, code("bob"), person("bob")).status, Status::accepted);
  const auto after = this->run(run.id);
  EXPECT_EQ(after.status, RunStatus::apply_queued);
  EXPECT_EQ(after.apply.status, PhaseStatus::queued);
  EXPECT_TRUE(gate_passed(after, PhaseKind::apply));
  EXPECT_EQ(after.confirmed_by, "user-bob");
  EXPECT_EQ(audited("run.confirmed"), 1u);
  EXPECT_EQ(sts.last_duration, std::chrono::seconds(4 * 3600 + 300));
}

TEST_F(MfaAuthenticator, WhatIsRefusedWithoutACall) {
  const auto run = run_at_plan_gate();
  const auto gate = gate_of(run, PhaseKind::plan);
  const auto try_as = [&](domain::Actor actor, PhaseKind phase, const std::string& gate_id, const std::string& code) {
    return authenticator.authenticate({run.id, phase, gate_id, Secret(code)}, actor);
  };
  const std::string good = code("ana");
  EXPECT_EQ(try_as(person("ana"), PhaseKind::plan, "gate-other", good).error.reason, "stale_gate");
  EXPECT_EQ(try_as(person("ana"), PhaseKind::apply, gate, good).status, Status::no_such_gate);
  for (const char* bad : {"", "12345", "1234567", "12345a", "12 456"}) {
    EXPECT_EQ(try_as(person("ana"), PhaseKind::plan, gate, bad).error.reason, "code_format") << bad;
  }
  domain::Actor token;
  token.kind = domain::Actor::Kind::organization_token;
  EXPECT_EQ(try_as(token, PhaseKind::plan, gate, good).error.reason, "not_a_person");
  token.kind = domain::Actor::Kind::run_token;
  EXPECT_EQ(try_as(token, PhaseKind::plan, gate, good).status, Status::forbidden);
  // Bob has an identity of his own, but this plan is ana's; the organization's identity knows no device of his.
  EXPECT_EQ(try_as(person("bob"), PhaseKind::plan, gate, code("bob")).error.reason, "no_device");
  change_settings([](auto& settings) { settings.identity_policy = domain::IdentityPolicy::personal; });
  EXPECT_EQ(try_as(person("bob"), PhaseKind::plan, gate, code("bob")).error.reason, "not_the_creator");
  EXPECT_EQ(try_as(person("carol"), PhaseKind::plan, gate, good).error.reason, "no_identity");
  EXPECT_EQ(authenticator.authenticate({"run-none", PhaseKind::plan, gate, Secret(good)}, person("ana")).status,
            Status::no_such_gate);
  EXPECT_EQ(sts.codes_sent(), 0);
  EXPECT_EQ(sts.identifications, 0);
}

TEST_F(MfaAuthenticator, AnythingElseThanWhatWasShownIsRefused) {
  const auto planned = planned_run();
  const auto shown = gate_of(planned, PhaseKind::apply);
  const auto after = [&](const std::function<void(domain::Tables&, domain::Run&)>& change) {
    const auto before = store.data();
    write([&](domain::Tables& tables) {
      auto run = tables.runs().find(planned.id).value();
      change(tables, run);
      must(tables.runs().update(run));
    });
    const auto answer =
        authenticator.authenticate({planned.id, PhaseKind::apply, shown, Secret(code("ana"))}, person("ana"));
    write([&](domain::Tables& tables) {
      must(tables.runs().update(before.runs.at(planned.id)));
      tables.runs().set_inputs(planned.id, before.inputs.at(planned.id));
    });
    return answer.error.reason;
  };
  EXPECT_EQ(after([](auto&, auto& run) { run.plan.plan_sha256 = "bb"; }), "stale_gate");
  EXPECT_EQ(after([](auto&, auto& run) { run.configuration_version_id = "cv-2"; }), "stale_gate");
  EXPECT_EQ(after([](auto&, auto& run) { run.terraform_version = "1.12.0"; }), "stale_gate");
  EXPECT_EQ(after([](auto&, auto& run) { run.plan.lock_file_sha256 = "cc"; }), "stale_gate");
  EXPECT_EQ(after([&](auto& tables, auto&) { tables.runs().set_inputs(planned.id, Secret("other")); }), "stale_gate");
  EXPECT_EQ(sts.codes_sent(), 0);
  EXPECT_EQ(enter(planned, PhaseKind::apply, code("ana"), person("ana")).status, Status::accepted);
}

TEST_F(MfaAuthenticator, APrivateAccountIsRefusedBeforeACodeIsSpent) {
  add_identity("eve", IdentityKind::personal, {serial_of("eve", "999988887777")}, "999988887777");
  const auto run = run_at_plan_gate("eve");
  const auto answer = enter(run, sts.code(serial_of("eve", "999988887777")), "eve");
  EXPECT_EQ(answer.status, Status::refused);
  EXPECT_EQ(answer.error.reason, "account_not_listed");
  EXPECT_EQ(sts.codes_sent(), 0);
  EXPECT_EQ(record(run)->refusal.reason, "account_not_listed");
  EXPECT_EQ(record(run)->refusals, 0);
  EXPECT_NE(logs.text(run.plan.id).find("999988887777"), std::string::npos);
  // The list says who: then it opens.
  change_settings([](auto& settings) { settings.accounts = {"999988887777"}; });
  EXPECT_EQ(enter(run, sts.code(serial_of("eve", "999988887777")), "eve").status, Status::accepted);
}

TEST_F(MfaAuthenticator, ADeviceOfAnotherAccountOrPlanIsRefusedBeforeACodeIsSpent) {
  write([&](domain::Tables& tables) {
    auto identity = tables.aws_identities().find("awsid-ana").value();
    identity.mfa_serial = serial_of("ana", "444455556666");
    must(tables.aws_identities().update(identity));
  });
  const auto run = run_at_plan_gate();
  EXPECT_EQ(enter(run, code("ana")).error.reason, "mfa_device_unknown");

  change_settings([](auto& settings) { settings.accounts = {"444455556666", "111122223333"}; });
  add_identity("dan", IdentityKind::personal, {serial_of("dan", "444455556666")}, "444455556666");
  const auto bobs = run_at_plan_gate("bob");
  ASSERT_EQ(enter(bobs, code("bob"), "bob").status, Status::accepted);
  write([&](domain::Tables& tables) {
    auto planned = tables.runs().find(bobs.id).value();
    planned.status = RunStatus::planned;
    planned.plan.status = PhaseStatus::finished;
    must(tables.runs().update(planned));
  });
  const auto by_dan = enter(bobs, PhaseKind::apply, sts.code(serial_of("dan", "444455556666")), person("dan"));
  EXPECT_EQ(by_dan.error.reason, "account_differs");
  EXPECT_EQ(sts.codes_sent(), 1);
}

TEST_F(MfaAuthenticator, TheOrganizationsIdentityWithDevicesOfPeople) {
  change_settings([](auto& settings) { settings.identity_policy = domain::IdentityPolicy::organization; });
  const auto run = run_at_plan_gate("carol");
  EXPECT_EQ(enter(run, sts.code(serial_of("carol-ops")), "carol").error.reason, "no_device");
  write([&](domain::Tables& tables) {
    must(
        tables.identity_devices().insert({"awsdev-1", "awsid-ops", "user-carol", serial_of("carol-ops"), clock.now()}));
  });
  ASSERT_EQ(enter(run, sts.code(serial_of("carol-ops")), "carol").status, Status::accepted);
  EXPECT_EQ(record(run)->serial, serial_of("carol-ops"));
  // A device for everybody, where it is marked so.
  write([&](domain::Tables& tables) {
    auto identity = tables.aws_identities().find("awsid-ops").value();
    identity.shared = true;
    must(tables.aws_identities().update(identity));
  });
  const auto other = run_at_plan_gate("bob");
  EXPECT_EQ(enter(other, code("ops"), "bob").status, Status::accepted);
}

// Facts of STS, each as the body that AWS sends.
struct StsCase {
  const char* name;
  int status;
  const char* code;
  const char* message;
  Status expected;
  const char* reason;
  std::int64_t refusals;  // that it costs
};
void PrintTo(const StsCase& one, std::ostream* out) {
  *out << one.name;
}
class StsMap : public testing::TestWithParam<StsCase>, protected MfaWorld {};

TEST_P(StsMap, BecomesAnAnswerASentenceAndARecord) {
  const StsCase& one = GetParam();
  const auto run = run_at_plan_gate();
  sts.refuse_session = test::sts_refusal(one.status, one.code, one.message, true);
  const std::string typed = code("ana");
  const auto answer = enter(run, typed);
  EXPECT_EQ(answer.status, one.expected) << answer.error.text();
  EXPECT_EQ(answer.error.reason, one.reason);
  EXPECT_FALSE(answer.error.message.empty());
  EXPECT_EQ(answer.error.message.find('<'), std::string::npos) << "no raw XML is shown";
  EXPECT_EQ(answer.tries_left, kRefusalsOfARun - one.refusals);
  const auto gate = record(run).value();
  EXPECT_EQ(gate.state, GateState::open);
  EXPECT_EQ(gate.refusals, one.refusals);
  EXPECT_EQ(gate.refusal.reason, one.reason);
  EXPECT_EQ(gate.refusal.request_id, "01234567-89ab-cdef-0123-456789abcdef");
  EXPECT_EQ(this->run(run.id).plan.status, PhaseStatus::mfa_waiting);
  EXPECT_FALSE(session(run.plan.id));
  EXPECT_EQ(audited("mfa.refused"), 1u);
  // It has been at STS: the same code goes there no second time.
  sts.refuse_session.reset();
  EXPECT_EQ(enter(run, typed).error.reason, "code_used");
  EXPECT_EQ(sts.codes_sent(), 1);
  EXPECT_EQ(logs.text(run.plan.id).find(typed), std::string::npos);
  for (const auto& record : store.data().audit)
    EXPECT_EQ(record.details.find(typed), std::string::npos);
  clock.advance(kCodeStep);
  EXPECT_EQ(enter(run, code("ana")).status, Status::accepted);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, StsMap,
    testing::Values(
        StsCase{"wrong", 403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
                Status::refused, "mfa_code_refused", 1},
        StsCase{"device", 403, "AccessDenied",
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number "
                "is valid and associated with this user.",
                Status::refused, "mfa_device_unknown", 1},
        StsCase{"incomplete", 403, "AccessDenied",
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
                Status::refused, "mfa_incomplete", 0},
        StsCase{"session", 403, "AccessDenied", "Cannot call GetSessionToken with session credentials", Status::refused,
                "session_credentials_refused", 0},
        StsCase{"denied", 403, "AccessDenied",
                "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: sts:GetSessionToken",
                Status::refused, "not_authorized", 1},
        StsCase{"deny", 403, "AccessDenied",
                "User: x is not authorized to perform: sts:GetSessionToken with an explicit deny in an identity-based "
                "policy",
                Status::refused, "explicit_deny", 1},
        StsCase{"key", 403, "InvalidClientTokenId", "The security token included in the request is invalid.",
                Status::refused, "key_unknown", 0},
        StsCase{"signature", 403, "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.", Status::refused,
                "signature_wrong", 0},
        StsCase{"clock", 403, "SignatureDoesNotMatch",
                "Signature expired: 20260101T000000Z is now earlier than 20260101T001600Z", Status::refused,
                "clock_skew", 0},
        StsCase{"future", 403, "SignatureDoesNotMatch", "Signature not yet current: 20260101T000000Z", Status::refused,
                "clock_skew", 0},
        StsCase{"validation", 400, "ValidationError",
                "1 validation error detected: Value at 'tokenCode' failed to satisfy constraint", Status::refused,
                "validation", 0},
        StsCase{"chaining", 400, "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
                Status::refused, "chaining_limit", 0},
        StsCase{"throttled", 400, "Throttling", "Rate exceeded", Status::too_soon, "throttled", 0},
        StsCase{"throttled429", 429, "TooManyRequests", "slow down", Status::too_soon, "throttled", 0},
        StsCase{"region", 403, "RegionDisabledException", "STS is not activated in this region for account",
                Status::refused, "region_disabled", 0},
        StsCase{"expired", 403, "ExpiredToken", "The security token included in the request is expired",
                Status::refused, "expired_token", 0},
        StsCase{"broken", 500, "InternalFailure", "An internal error occurred", Status::unknown, "outcome_unknown", 1},
        StsCase{"unavailable", 503, "ServiceUnavailable", "Service is unavailable", Status::unknown, "outcome_unknown",
                1},
        StsCase{"unheard_of", 418, "Teapot", "short and stout", Status::refused, "other", 1}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(MfaAuthenticator, WhatWasProvablyNotSentMayBeSentAgain) {
  const auto run = run_at_plan_gate();
  sts.refuse_session = test::sts_failure(net::Delivery::not_sent, true);
  const std::string typed = code("ana");
  const auto answer = enter(run, typed);
  EXPECT_EQ(answer.status, Status::unsent);
  EXPECT_EQ(answer.tries_left, kRefusalsOfARun);
  sts.refuse_session.reset();
  EXPECT_EQ(enter(run, typed).status, Status::accepted);
}

TEST_F(MfaAuthenticator, WhatMayHaveArrivedCountsAsSpent) {
  const auto run = run_at_plan_gate();
  sts.refuse_session = test::sts_failure(net::Delivery::unknown, true);
  const std::string typed = code("ana");
  const auto answer = enter(run, typed);
  EXPECT_EQ(answer.status, Status::unknown);
  EXPECT_TRUE(answer.next_code_in);
  sts.refuse_session.reset();
  EXPECT_EQ(enter(run, typed).error.reason, "code_used");
  EXPECT_EQ(sts.codes_sent(), 1);
}

TEST_F(MfaAuthenticator, AnAwsThatIsNotThereCostsNoCode) {
  const auto run = run_at_plan_gate();
  for (const auto& failure :
       {test::sts_failure(net::Delivery::not_sent, false), test::sts_failure(net::Delivery::unknown, false),
        test::sts_refusal(500, "InternalFailure", "x", false)}) {
    sts.refuse_identify = failure;
    EXPECT_EQ(enter(run, code("ana")).status, Status::unsent);
  }
  EXPECT_EQ(sts.codes_sent(), 0);
  sts.refuse_identify.reset();
  EXPECT_EQ(enter(run, code("ana")).status, Status::accepted);
}

TEST_F(MfaAuthenticator, APhaseRoleIsAssumedWithTheSession) {
  change_settings([](auto& settings) { settings.plan_role = {"arn:aws:iam::111122223333:role/plan", "external"}; });
  const auto run = run_at_plan_gate();
  sts.refuse_role = test::sts_refusal(403, "AccessDenied",
                                      "User: x is not authorized to perform: sts:AssumeRole on resource: y", false);
  const auto refused = enter(run, code("ana"));
  EXPECT_EQ(refused.status, Status::refused);
  EXPECT_EQ(refused.error.reason, "not_authorized");
  EXPECT_EQ(record(run)->refusals, 0) << "the code was right";
  EXPECT_FALSE(session(run.plan.id));
  sts.refuse_role.reset();
  clock.advance(kCodeStep);
  ASSERT_EQ(enter(run, code("ana")).status, Status::accepted);
  EXPECT_EQ(sts.last_role->session_name, run.id + "-ana");
  EXPECT_EQ(sts.last_role->external_id, "external");
  EXPECT_EQ(sts.last_role->duration, std::chrono::hours(1));
  EXPECT_EQ(record(run)->arn, "arn:aws:sts::111122223333:assumed-role/plan/" + run.id + "-ana");
  EXPECT_EQ(session(run.plan.id)->expires_at, clock.now() + std::chrono::hours(1));
}

TEST_F(MfaAuthenticator, FiftyAtOnceAreOneCall) {
  const auto run = run_at_plan_gate();
  const std::string typed = code("ana");
  std::atomic<int> accepted{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> people;
  for (int i = 0; i < 50; ++i) {
    people.emplace_back([&] {
      const auto answer = enter(run, typed);
      ++(answer.status == Status::accepted ? accepted : refused);
      if (answer.status != Status::accepted) {
        EXPECT_TRUE(answer.status == Status::too_soon || answer.status == Status::no_such_gate);
        EXPECT_FALSE(answer.error.message.empty());
      }
    });
  }
  for (std::thread& each : people)
    each.join();
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(refused, 49);
  EXPECT_EQ(sts.codes_sent(), 1);
}

TEST_F(MfaAuthenticator, ACodeIsGoodForOneRunAlone) {
  const auto first = run_at_plan_gate();
  const auto second = run_at_plan_gate();
  const std::string typed = code("ana");
  ASSERT_EQ(enter(first, typed).status, Status::accepted);
  const auto again = enter(second, typed);
  EXPECT_EQ(again.status, Status::too_soon);
  EXPECT_EQ(again.error.reason, "code_used");
  EXPECT_LE(again.retry_after.value(), kCodeStep);
  EXPECT_EQ(sts.codes_sent(), 1);
}

TEST_F(MfaAuthenticator, ThreeRefusalsBackOffAndFiveLockTheRunUntilAnOwnerLiftsIt) {
  const auto run = run_at_plan_gate();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(enter(run, wrong_code("ana")).status, Status::refused);
  const auto soon = enter(run, code("ana"));
  EXPECT_EQ(soon.status, Status::too_soon);
  EXPECT_EQ(soon.error.reason, "back_off");
  EXPECT_EQ(soon.retry_after, std::chrono::seconds(60));
  EXPECT_EQ(sts.codes_sent(), 3);
  for (const int minutes : {1, 2}) {
    clock.advance(std::chrono::minutes(minutes));
    EXPECT_EQ(enter(run, wrong_code("ana")).status, Status::refused);
  }
  clock.advance(std::chrono::minutes(4));
  const auto locked = enter(run, code("ana"));
  EXPECT_EQ(locked.status, Status::locked);
  EXPECT_EQ(sts.codes_sent(), 5);
  ASSERT_TRUE(authenticator.unlock(run.id, person("owner")));
  EXPECT_EQ(audited("mfa.unlocked"), 1u);
  EXPECT_EQ(enter(run, code("ana")).status, Status::accepted);
  EXPECT_FALSE(authenticator.unlock("run-none", person("owner")));
}

TEST_F(MfaAuthenticator, TenThousandGuessesOverManyRunsAndPeople) {
  // One shared device, so that everybody guesses at the same one.
  write([&](domain::Tables& tables) {
    auto identity = tables.aws_identities().find("awsid-ops").value();
    identity.shared = true;
    must(tables.aws_identities().update(identity));
  });
  change_settings([](auto& settings) { settings.identity_policy = domain::IdentityPolicy::organization; });
  std::vector<domain::Run> runs;
  for (int i = 0; i < 20; ++i)
    runs.push_back(run_at_plan_gate());
  int refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto answer =
        enter(runs[static_cast<std::size_t>(i) % runs.size()], wrong_code("ops"), fmt::format("guesser-{}", i % 50));
    refused += answer.status == Status::refused;
  }
  EXPECT_EQ(sts.codes_sent(), 10);
  EXPECT_EQ(refused, 10);
  // The next hour has ten more, no more.
  clock.advance(std::chrono::hours(1));
  for (domain::Run& each : runs)
    each = run_at_plan_gate();
  for (int i = 0; i < 1'000; ++i)
    (void)enter(runs[static_cast<std::size_t>(i) % runs.size()], wrong_code("ops"), fmt::format("late-{}", i % 50));
  EXPECT_EQ(sts.codes_sent(), 20);
}

// Each with a device of their own: three a person at once, five a run, whichever is less.
TEST_F(MfaAuthenticator, TenThousandGuessesWithADeviceForEach) {
  for (int i = 0; i < 30; ++i) {
    const std::string name = fmt::format("guesser{}", i);
    add_identity(name, IdentityKind::personal, {serial_of(name)});
  }
  std::vector<domain::Run> runs;
  for (int i = 0; i < 7; ++i)
    runs.push_back(planned_run());
  const auto guess = [&](int from, int count) {
    for (int i = from; i < from + count; ++i) {
      const std::string name = fmt::format("guesser{}", i % 30);
      (void)enter(runs[static_cast<std::size_t>(i / 30) % runs.size()], PhaseKind::apply, wrong_code(name),
                  person(name));
    }
  };
  guess(0, 10'000);
  EXPECT_EQ(sts.codes_sent(), 7 * 5) << "the runs are locked before the people are slowed down";
  // On runs that nobody has guessed at yet the people themselves are slowed down, in whatever order they come.
  sts.codes = 0;
  clock.advance(std::chrono::hours(2));
  runs.clear();
  for (int i = 0; i < 50; ++i)
    runs.push_back(planned_run());
  guess(0, 10'000);
  EXPECT_EQ(sts.codes_sent(), 30 * 3);
  EXPECT_EQ(sts.accepted(), 0);
}

TEST_F(MfaAuthenticator, ALateCodeForAPassedGateCostsNothing) {
  const auto run = run_at_plan_gate();
  ASSERT_EQ(enter(run, code("ana")).status, Status::accepted);
  const int asked = sts.identifications;
  const std::string gate = gate_of(run, PhaseKind::plan);
  const auto late = [&] {
    clock.advance(kCodeStep);
    return authenticator.authenticate({run.id, PhaseKind::plan, gate, Secret(code("ana"))}, person("ana"));
  };
  const auto answer = late();
  EXPECT_EQ(answer.status, Status::no_such_gate);
  EXPECT_EQ(answer.error.reason, "already_passed");
  EXPECT_NE(answer.error.message.find("ana"), std::string::npos);
  write([&](domain::Tables& tables) {
    auto started = tables.runs().find(run.id).value();
    must(domain::start_plan(started, clock.now()));
    must(tables.runs().update(started));
  });
  EXPECT_EQ(late().status, Status::no_such_gate);
  EXPECT_EQ(sts.codes_sent(), 1);
  EXPECT_EQ(sts.identifications, asked);
}

TEST_F(MfaAuthenticator, SomebodyElsesGuessesLockNobodyElsesDevice) {
  const auto planned = planned_run();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(enter(planned, PhaseKind::apply, wrong_code("bob"), person("bob")).status, Status::refused);
  EXPECT_EQ(enter(planned, PhaseKind::apply, wrong_code("bob"), person("bob")).error.reason, "back_off");
  EXPECT_EQ(enter(planned, PhaseKind::apply, code("ana"), person("ana")).status, Status::accepted);
}

TEST_F(MfaAuthenticator, ARunThatEndsWhileAwsLooksIsNotStarted) {
  const auto run = run_at_plan_gate();
  sts.before_session = [&] {
    write([&](domain::Tables& tables) {
      auto ending = tables.runs().find(run.id).value();
      must(domain::request_cancel(ending, "user-bob", "", clock.now()));
      runs::record(tables, ending, {"canceled", "", {}}, person("bob"), random, clock.now());
    });
  };
  const auto answer = enter(run, code("ana"));
  EXPECT_EQ(answer.status, Status::no_such_gate);
  EXPECT_EQ(answer.error.reason, "too_late");
  EXPECT_FALSE(session(run.plan.id));
  EXPECT_EQ(this->record(run)->state, GateState::closed);
  EXPECT_EQ(audited("mfa.too_late"), 1u);
}

TEST_F(MfaAuthenticator, WithoutAnAuditRecordNothingHappens) {
  const auto run = run_at_plan_gate();
  store.refuse_audit = true;
  EXPECT_THROW((void)enter(run, code("ana")), std::runtime_error);
  EXPECT_EQ(sts.codes_sent(), 0);
  store.refuse_audit = false;
  EXPECT_EQ(enter(run, code("ana")).status, Status::accepted);
}

class KilledInAuthentication : public testing::TestWithParam<std::string>, protected MfaWorld {};

TEST_P(KilledInAuthentication, SendsNoCodeTwiceAndStartsNothingUnproven) {
  const auto run = run_at_plan_gate();
  const std::string typed = code("ana");
  struct Killed {};
  bool reached = false;
  at_step = [&](std::string_view step) {
    if (step != GetParam()) return;
    reached = true;
    throw Killed();
  };
  if (GetParam() == "refusal_recorded") sts.refuse_session = test::sts_refusal(403, "AccessDenied", "x", true);
  if (GetParam() == "role_answered") {
    change_settings([](auto& settings) { settings.plan_role = {"arn:aws:iam::111122223333:role/plan", ""}; });
  }
  EXPECT_THROW((void)enter(run, typed), Killed);
  ASSERT_TRUE(reached);
  at_step = nullptr;
  sts.refuse_session.reset();
  const int sent = sts.codes_sent();
  // What a process that starts now finds; the person tries the same code again, then the next ones.
  (void)enter(run, typed);
  EXPECT_EQ(sts.sent_twice(), 0);
  const bool passed = this->run(run.id).plan.status == PhaseStatus::queued;
  if (passed) {
    EXPECT_EQ(record(run)->state, GateState::passed);
    EXPECT_TRUE(session(run.plan.id));
    EXPECT_EQ(audited("run.mfa_passed"), 1u);
    return;
  }
  if (GetParam() != "refusal_recorded") {
    EXPECT_EQ(record(run)->state, sent > 0 || GetParam() == "sts_before_send" ? GateState::checking : GateState::open);
  }
  clock.advance(std::chrono::minutes(2));
  EXPECT_EQ(enter(run, code("ana")).status, Status::accepted);
  EXPECT_EQ(sts.sent_twice(), 0);
}

INSTANTIATE_TEST_SUITE_P(Steps, KilledInAuthentication,
                         testing::Values("prepared", "identified", "sts_before_send", "sts_answered", "role_answered",
                                         "refusal_recorded", "mfa_recorded"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace tollgate::runs
