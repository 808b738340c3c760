// What the contract of domain/store.h promises of the tables of the AWS MFA gate, on every engine.
#include "tests/unit/server/store/any_store.h"

namespace tollgate::store {
namespace {

using domain::AttemptOutcome;
using domain::GateState;
using domain::IdentityKind;
using domain::PhaseKind;
using domain::Tables;

class AwsMfaTablesTest : public AnyStore {
 protected:
  domain::AwsIdentity make_identity(const std::string& id, IdentityKind kind, const std::string& user_id = "") {
    domain::AwsIdentity identity;
    identity.id = id;
    identity.organization_id = acme.id;
    identity.kind = kind;
    identity.user_id = user_id;
    identity.access_key_id = "AKIA" + id;
    identity.secret_access_key = Secret("secret of " + id);
    identity.mfa_serial = "arn:aws:iam::111122223333:mfa/" + id;
    identity.created_at = identity.updated_at = clock.now();
    return identity;
  }

  domain::Organization acme = add_organization("acme");
  domain::User ann = add_user("ann");
  domain::User bob = add_user("bob");
};
INSTANTIATE_TEST_SUITE_P(Engines, AwsMfaTablesTest, testing::ValuesIn(engines()), engine_name);

TEST_P(AwsMfaTablesTest, OneIdentityForEachPersonAndOneForTheOrganization) {
  auto anns = make_identity("1", IdentityKind::personal, ann.id);
  anns.key_created_at = clock.now();
  const auto bobs = make_identity("2", IdentityKind::personal, bob.id);
  auto shared = make_identity("3", IdentityKind::organization, ann.id);
  shared.shared = true;
  write([&](Tables& t) {
    for (const auto& identity : {anns, bobs, shared})
      must(t.aws_identities().insert(identity));
    for (const auto& again :
         {make_identity("4", IdentityKind::personal, ann.id), make_identity("5", IdentityKind::organization)}) {
      const auto inserted = t.aws_identities().insert(again);
      ASSERT_FALSE(inserted);
      EXPECT_EQ(inserted.error().reason, "exists");
    }
    auto changed = bobs;
    changed.secret_access_key = Secret("another");
    changed.account = "111122223333";
    changed.tested_at = clock.now();
    must(t.aws_identities().update(changed));
  });
  reopen();
  store->read([&](Tables& t) {
    EXPECT_EQ(t.aws_identities().of_organization(acme.id).size(), 3U);
    EXPECT_EQ(t.aws_identities().of_user(acme.id, ann.id)->id, "1");
    EXPECT_EQ(t.aws_identities().of_user(acme.id, ann.id)->secret_access_key.reveal(), "secret of 1");
    EXPECT_EQ(t.aws_identities().of_user(acme.id, ann.id)->key_created_at, clock.now());
    EXPECT_EQ(t.aws_identities().of_user(acme.id, bob.id)->secret_access_key.reveal(), "another");
    EXPECT_EQ(t.aws_identities().of_organization_itself(acme.id)->id, "3");
    EXPECT_TRUE(t.aws_identities().of_organization_itself(acme.id)->shared);
    EXPECT_EQ(t.aws_identities().with_serial("arn:aws:iam::111122223333:mfa/2").at(0).id, "2");
    EXPECT_FALSE(t.aws_identities().of_organization_itself("org-other"));
    return 0;
  });
  write([&](Tables& t) { t.users().erase(ann.id); });
  store->read([&](Tables& t) {
    EXPECT_FALSE(t.aws_identities().find("1"));
    return 0;
  });
}

TEST_P(AwsMfaTablesTest, DevicesOfPeopleForTheKeyOfTheOrganization) {
  write([&](Tables& t) {
    must(t.aws_identities().insert(make_identity("1", IdentityKind::organization)));
    must(t.identity_devices().insert({"d1", "1", ann.id, "serial-a", clock.now()}));
    must(t.identity_devices().insert({"d2", "1", bob.id, "serial-b", clock.now()}));
    const auto second = t.identity_devices().insert({"d3", "1", bob.id, "serial-c", clock.now()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason, "exists");
  });
  store->read([&](Tables& t) {
    EXPECT_EQ(t.identity_devices().of_identity("1").size(), 2U);
    EXPECT_EQ(t.identity_devices().of_user("1", bob.id)->serial, "serial-b");
    EXPECT_EQ(t.identity_devices().with_serial("serial-a").at(0).user_id, ann.id);
    return 0;
  });
  write([](Tables& t) { t.aws_identities().erase("1"); });
  store->read([&](Tables& t) {
    EXPECT_TRUE(t.identity_devices().of_identity("1").empty());
    return 0;
  });
}

TEST_P(AwsMfaTablesTest, SettingsHaveDefaultsUntilTheyAreSet) {
  write([&](Tables& t) {
    auto settings = t.gate_settings().of(acme.id);
    EXPECT_EQ(settings.id, acme.id);
    EXPECT_EQ(settings.identity_policy, domain::IdentityPolicy::personal_then_organization);
    EXPECT_TRUE(settings.accounts.empty());
    EXPECT_FALSE(settings.raw_key_plans);
    settings.identity_policy = domain::IdentityPolicy::organization;
    settings.accounts = {"111122223333", "444455556666"};
    settings.apply_role = {"arn:aws:iam::111122223333:role/apply", "x"};
    settings.raw_key_plans = true;
    t.gate_settings().set(settings);
    t.gate_settings().set(settings);
  });
  store->read([&](Tables& t) {
    const auto settings = t.gate_settings().of(acme.id);
    EXPECT_EQ(settings.identity_policy, domain::IdentityPolicy::organization);
    EXPECT_EQ(settings.accounts, (std::vector<std::string>{"111122223333", "444455556666"}));
    EXPECT_EQ(settings.apply_role.external_id, "x");
    EXPECT_EQ(settings.plan_role, domain::PhaseRole());
    EXPECT_TRUE(settings.raw_key_plans);
    return 0;
  });
}

TEST_P(AwsMfaTablesTest, OneGateForEachPhase) {
  const auto run = add_run(add_workspace(acme, "net"));
  domain::GateRecord gate;
  gate.id = "gate-p";
  gate.organization_id = acme.id;
  gate.binding = {run.id, PhaseKind::plan, "", "cv-1", "aa", "1.11.4", ""};
  gate.opened_at = clock.now();
  domain::GateRecord apply = gate;
  apply.id = "gate-a";
  apply.binding.phase = PhaseKind::apply;
  apply.binding.plan_sha256 = "bb";
  apply.binding.lock_file_sha256 = "cc";
  write([&](Tables& t) {
    must(t.gates().insert(apply));
    must(t.gates().insert(gate));
    domain::GateRecord again = gate;
    again.id = "gate-x";
    EXPECT_FALSE(t.gates().insert(again));
    gate.state = GateState::passed;
    gate.refusals = 2;
    gate.refusal = {"mfa_code_refused", "no", clock.now(), "bob", "r-1"};
    gate.attempt_id = "mfa-1";
    gate.accepted_by = ann.id;
    gate.accepted_by_name = "ann";
    gate.accepted_at = clock.now();
    gate.session_expires_at = clock.now() + std::chrono::hours(1);
    gate.serial = "s";
    gate.account = "111122223333";
    gate.request_id = "r-2";
    must(t.gates().update(gate));
  });
  reopen();
  store->read([&](Tables& t) {
    const auto found = t.gates().of_phase(run.id, PhaseKind::plan).value();
    EXPECT_EQ(found.binding, gate.binding);
    EXPECT_EQ(found.state, GateState::passed);
    EXPECT_EQ(found.refusal.request_id, "r-1");
    EXPECT_EQ(found.refusals, 2);
    EXPECT_EQ(found.attempt_id, "mfa-1");
    EXPECT_EQ(found.accepted_by_name, "ann");
    EXPECT_EQ(found.session_expires_at, gate.session_expires_at);
    EXPECT_EQ(t.gates().of_run(run.id).at(0).id, "gate-p");
    EXPECT_EQ(t.gates().of_run(run.id).at(1).binding, apply.binding);
    return 0;
  });
}

TEST_P(AwsMfaTablesTest, ACodeIsTakenOnceUntilItExpires) {
  const auto later = clock.now() + std::chrono::seconds(120);
  write([&](Tables& t) {
    EXPECT_TRUE(t.gates().take_code("h", later, clock.now()));
    EXPECT_FALSE(t.gates().take_code("h", later, clock.now()));
    EXPECT_TRUE(t.gates().take_code("i", later, clock.now()));
    t.gates().give_code_back("i");
    EXPECT_TRUE(t.gates().take_code("i", later, clock.now()));
  });
  clock.advance(std::chrono::seconds(120));
  write([&](Tables& t) { EXPECT_TRUE(t.gates().take_code("h", later, clock.now())); });
}

TEST_P(AwsMfaTablesTest, AttemptsOfADevice) {
  const auto start = clock.now();
  write([&](Tables& t) {
    t.gates().add_attempt({"mfa-1", "s", ann.id, "run-1", start, AttemptOutcome::sent});
    t.gates().add_attempt({"mfa-2", "s", bob.id, "run-1", start + std::chrono::minutes(1), AttemptOutcome::sent});
    t.gates().add_attempt({"mfa-3", "other", bob.id, "run-1", start, AttemptOutcome::sent});
    t.gates().set_outcome("mfa-2", AttemptOutcome::refused);
  });
  store->read([&](Tables& t) {
    const auto all = t.gates().attempts("s", start);
    EXPECT_EQ(all.size(), 2U);
    EXPECT_EQ(all.at(1).outcome, AttemptOutcome::refused);
    EXPECT_EQ(t.gates().attempts("s", start + std::chrono::seconds(1)).at(0).user_id, bob.id);
    return 0;
  });
  write([&](Tables& t) {
    t.gates().forget_attempts_before(start + std::chrono::seconds(1));
    EXPECT_EQ(t.gates().attempts("s", start).size(), 1U);
    EXPECT_TRUE(t.gates().attempts("other", start).empty());
    t.gates().forget_attempts("s");
    EXPECT_TRUE(t.gates().attempts("s", start).empty());
  });
}

TEST_P(AwsMfaTablesTest, SessionsOfPhasesGoWithTheirRun) {
  const auto run = add_run(add_workspace(acme, "net"));
  domain::PhaseSession session{run.plan.id, run.id, "eu-west-1", "ASIA1", Secret("s"), Secret("t"), clock.now()};
  write([&](Tables& t) {
    t.phase_sessions().set(session);
    session.access_key_id = "ASIA2";
    t.phase_sessions().set(session);
    session.id = run.apply.id;
    t.phase_sessions().set(session);
    domain::RoleRenewal renewal{run.plan.id, run.id,           "arn:aws:iam::1:role/r",
                                "external",  "run-1-ana",      std::chrono::hours(1),
                                "ASIA3",     Secret("parent"), Secret("parent token")};
    t.phase_sessions().set_renewal(renewal);
    t.phase_sessions().set_renewal(renewal);
    renewal.id = run.apply.id;
    t.phase_sessions().set_renewal(renewal);
  });
  write([&](Tables& t) {
    EXPECT_EQ(t.phase_sessions().find(run.plan.id)->access_key_id, "ASIA2");
    EXPECT_EQ(t.phase_sessions().find(run.plan.id)->session_token.reveal(), "t");
    const auto renewal = t.phase_sessions().renewal(run.plan.id);
    ASSERT_TRUE(renewal);
    EXPECT_EQ(renewal->external_id, "external");
    EXPECT_EQ(renewal->duration, std::chrono::hours(1));
    EXPECT_EQ(renewal->secret_access_key.reveal(), "parent");
    EXPECT_EQ(renewal->session_token.reveal(), "parent token");
    t.phase_sessions().erase(run.plan.id);
    EXPECT_FALSE(t.phase_sessions().find(run.plan.id));
    EXPECT_FALSE(t.phase_sessions().renewal(run.plan.id));
    EXPECT_TRUE(t.phase_sessions().find(run.apply.id));
    EXPECT_TRUE(t.phase_sessions().renewal(run.apply.id));
    t.phase_sessions().erase_of_run(run.id);
    EXPECT_FALSE(t.phase_sessions().find(run.apply.id));
    EXPECT_FALSE(t.phase_sessions().renewal(run.apply.id));
  });
}

}  // namespace
}  // namespace tollgate::store
