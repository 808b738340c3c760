// What lies on disk: nothing secret in clear, and nothing sealed that opens after it was changed or moved.
#include "common/base/encoding.h"
#include "tests/unit/server/store/any_store.h"

namespace tollgate::store {
namespace {

using domain::Tables;

class TamperingTest : public AnyStore {
 protected:
  void SetUp() override {
    const auto acme = add_organization("acme");
    net = add_workspace(acme, "net");
    run = make_run(net);
    run.variables = {{"k", "canary-run-variable"}};
    one = make_variable(net, "one", "canary-variable-one");
    two = make_variable(net, "two", "canary-variable-two");
    domain::StateVersion version;
    version.id = "sv-1";
    version.organization_id = acme.id;
    version.workspace_id = net.id;
    domain::WebSession session;
    session.id = "ws_session-1";
    session.user_id = ann_id = add_user("ann").id;
    session.hash = "h";
    session.csrf_token = "canary-csrf-token";
    identity.id = "awsid-1";
    identity.organization_id = acme.id;
    identity.kind = domain::IdentityKind::organization;
    identity.access_key_id = "AKIAEXAMPLE";
    identity.secret_access_key = Secret("canary-long-term-secret");
    gate.id = "gate-1";
    gate.organization_id = acme.id;
    gate.binding.run_id = run.id;
    gate.attempt_id = "canary-attempt-of-a-gate";
    domain::TwoFactor factor;
    factor.id = ann_id;
    factor.secret = Secret("canary-second-factor");
    domain::PhaseSession phase_session;
    phase_session.id = run.plan.id;
    phase_session.run_id = run.id;
    phase_session.access_key_id = "ASIAEXAMPLE";
    phase_session.secret_access_key = Secret("canary-session-secret");
    phase_session.session_token = Secret("canary-session-token");
    write([&](Tables& t) {
      must(t.runs().insert(run));
      must(t.aws_identities().insert(identity));
      must(t.gates().insert(gate));
      t.phase_sessions().set(phase_session);
      t.phase_sessions().set_renewal({run.plan.id, run.id, "arn:aws:iam::1:role/r", "canary-external-id", "s",
                                      std::chrono::hours(1), "ASIAPARENT", Secret("canary-parent-secret"),
                                      Secret("canary-parent-token")});
      t.runs().set_inputs(run.id, Secret("canary-frozen-inputs"));
      must(t.variables().insert(one));
      must(t.variables().insert(two));
      must(t.state_versions().insert(version));
      t.state_versions().set_outputs("sv-1",
                                     {{"wsout-1", "", "a", "\"canary-output-one\"", "string", "\"string\"", true},
                                      {"wsout-2", "", "b", "\"canary-output-two\"", "string", "\"string\"", true}});
      must(t.web_sessions().insert(session));
      must(t.two_factors().insert(factor));
    });
  }

  struct Place {
    std::string table, column, id_column, id;
  };
  std::vector<Place> places() const {
    return {{"variables", "value", "id", one.id},
            {"variables", "value", "id", two.id},
            {"runs", "variables", "id", run.id},
            {"run_inputs", "inputs", "run_id", run.id},
            {"state_version_outputs", "value", "id", "wsout-1"},
            {"state_version_outputs", "value", "id", "wsout-2"},
            {"web_sessions", "csrf_token", "id", "ws_session-1"},
            {"two_factors", "secret", "id", ann_id},
            {"aws_identities", "secret_access_key", "id", "awsid-1"},
            {"gates", "attempt_id", "id", "gate-1"},
            {"phase_sessions", "secret_access_key", "id", run.plan.id},
            {"phase_sessions", "session_token", "id", run.plan.id},
            {"role_renewals", "external_id", "id", run.plan.id},
            {"role_renewals", "secret_access_key", "id", run.plan.id},
            {"role_renewals", "session_token", "id", run.plan.id}};
  }
  std::string value(const Place& p) {
    return bed->run(fmt::format("SELECT {} FROM {} WHERE {} = '{}'", p.column, p.table, p.id_column, p.id)).at(0);
  }
  void set(const Place& p, const std::string& text) {
    bed->run(fmt::format("UPDATE {} SET {} = '{}' WHERE {} = '{}'", p.table, p.column, text, p.id_column, p.id));
  }
  void read(const Place& p) {
    store->read([&](Tables& t) {
      if (p.table == "variables") t.variables().find(p.id);
      if (p.table == "runs") t.runs().find(p.id);
      if (p.table == "run_inputs") t.runs().inputs(p.id);
      if (p.table == "state_version_outputs") t.state_versions().find_output(p.id);
      if (p.table == "web_sessions") t.web_sessions().find(p.id);
      if (p.table == "two_factors") t.two_factors().find(p.id);
      if (p.table == "aws_identities") t.aws_identities().find(p.id);
      if (p.table == "gates") t.gates().find(p.id);
      if (p.table == "phase_sessions") t.phase_sessions().find(p.id);
      if (p.table == "role_renewals") t.phase_sessions().renewal(p.id);
      return 0;
    });
  }
  bool found_when_read(const Place& p) {
    try {
      read(p);
    } catch (const DatabaseError& error) {
      return error.kind() == DatabaseError::Kind::tampered;
    }
    return false;
  }

  std::string ann_id;
  domain::AwsIdentity identity;
  domain::GateRecord gate;
  domain::Workspace net;
  domain::Run run;
  domain::Variable one;
  domain::Variable two;
};
INSTANTIATE_TEST_SUITE_P(Engines, TamperingTest, testing::ValuesIn(engines()), engine_name);

TEST_P(TamperingTest, NoSecretLiesInClear) {
  const std::string bytes = bed->bytes_at_rest();
  if (bytes.empty()) GTEST_SKIP() << "this engine's files cannot be read from here";
  ASSERT_NE(bytes.find("acme"), std::string::npos);
  for (const std::string canary :
       {"canary-run-variable", "canary-variable-one", "canary-variable-two", "canary-frozen-inputs",
        "canary-output-one", "canary-output-two", "canary-csrf-token", "canary-second-factor",
        "canary-long-term-secret", "canary-session-secret", "canary-session-token", "canary-external-id",
        "canary-parent-secret", "canary-parent-token"}) {
    std::string utf16;
    for (const char c : canary)
      utf16 += {c, '\0'};
    for (const std::string& form : {canary, hex_encode(canary), utf16}) {
      EXPECT_EQ(bytes.find(form), std::string::npos) << canary;
    }
    // Base64 of the text at each of the three alignments, without the letters that its neighbours decide.
    for (std::size_t shift = 0; shift < 3; ++shift) {
      const std::string encoded = base64url_encode(std::string(shift, 'x') + canary);
      const std::string inner = encoded.substr(4, encoded.size() - 8);
      // Shorter ones are met by chance in what is sealed.
      ASSERT_GE(inner.size(), 12U);
      EXPECT_EQ(bytes.find(inner), std::string::npos) << canary;
    }
  }
}

TEST_P(TamperingTest, EveryChangedCharacterIsFound) {
  for (const Place& place : places()) {
    const std::string sealed = value(place);
    ASSERT_NO_THROW(read(place));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      std::string changed = sealed;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      set(place, changed);
      EXPECT_TRUE(found_when_read(place)) << place.table << " " << i;
    }
    set(place, "");
    EXPECT_TRUE(found_when_read(place)) << place.table;
    set(place, sealed);
    ASSERT_NO_THROW(read(place));
  }
}

TEST_P(TamperingTest, AValueInAnotherRowOrColumnIsFound) {
  const auto all = places();
  int swaps = 0;
  for (const Place& from : all) {
    for (const Place& to : all) {
      if (from.table + from.column + from.id == to.table + to.column + to.id) continue;
      const std::string kept = value(to);
      set(to, value(from));
      EXPECT_TRUE(found_when_read(to)) << from.table << " -> " << to.table;
      set(to, kept);
      ++swaps;
    }
  }
  EXPECT_EQ(swaps, 210);
}

TEST_P(TamperingTest, ARowMadeReadableOrMovedIsFound) {
  const auto other = add_workspace(add_organization("other"), "theirs");
  const Place place = places().at(0);
  const auto changed = [&](const std::string& column, const std::string& to) {
    const std::string where = fmt::format(" WHERE id = '{}'", one.id);
    const std::string kept = bed->run(fmt::format("SELECT {} FROM variables{}", column, where)).at(0);
    bed->run(fmt::format("UPDATE variables SET {} = '{}'{}", column, to, where));
    EXPECT_TRUE(found_when_read(place)) << column;
    bed->run(fmt::format("UPDATE variables SET {} = '{}'{}", column, kept, where));
    EXPECT_FALSE(found_when_read(place)) << column;
  };
  changed("sensitive", "0");
  changed("name", "other");
  changed("category", "env");
  changed("hcl", "1");
  changed("version", "7");
  changed("workspace_id", other.id);
  changed("organization_id", other.organization_id);
}

TEST_P(TamperingTest, AGateThatWasEditedOpensNothing) {
  const Place place{"gates", "attempt_id", "id", "gate-1"};
  for (const auto& [column, to] : std::vector<std::pair<std::string, std::string>>{{"state", "passed"},
                                                                                   {"phase", "apply"},
                                                                                   {"plan_sha256", "00"},
                                                                                   {"configuration_version_id", "cv-2"},
                                                                                   {"inputs_sha256", "00"},
                                                                                   {"terraform_version", "1.0.0"},
                                                                                   {"lock_file_sha256", "00"},
                                                                                   {"accepted_by", "user-eve"},
                                                                                   {"serial", "x"},
                                                                                   {"account", "444455556666"},
                                                                                   {"refusals", "-9"}}) {
    const std::string kept = bed->run(fmt::format("SELECT {} FROM gates", column)).at(0);
    bed->run(fmt::format("UPDATE gates SET {} = '{}'", column, to));
    EXPECT_TRUE(found_when_read(place)) << column;
    bed->run(fmt::format("UPDATE gates SET {} = '{}'", column, kept));
    ASSERT_FALSE(found_when_read(place)) << column;
  }
}

TEST_P(TamperingTest, AnotherDevicePutBesideAKeyIsFound) {
  const Place place{"aws_identities", "secret_access_key", "id", "awsid-1"};
  for (const auto& [column, to] : std::vector<std::pair<std::string, std::string>>{
           {"mfa_serial", "arn:aws:iam::111122223333:mfa/eve"}, {"shared", "1"}, {"access_key_id", "AKIAOTHER"}}) {
    const std::string kept = bed->run(fmt::format("SELECT {} FROM aws_identities", column)).at(0);
    bed->run(fmt::format("UPDATE aws_identities SET {} = '{}'", column, to));
    EXPECT_TRUE(found_when_read(place)) << column;
    bed->run(fmt::format("UPDATE aws_identities SET {} = '{}'", column, kept));
    ASSERT_FALSE(found_when_read(place)) << column;
  }
}

TEST_P(TamperingTest, AnotherMasterKeyIsAnErrorWhenTheStoreOpens) {
  store.reset();
  const KeyRing others = KeyRing::generate(random);
  const auto opened = bed->open(others, random, clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "master_key_wrong");
  EXPECT_FALSE(opened.error().next.empty());
}

TEST_P(TamperingTest, ANewKeyIsTakenAndAMissingOneIsAnErrorWhenTheStoreOpens) {
  store.reset();
  const KeyRing both = keys.with_new_key(random);
  store = must(bed->open(both, random, clock));
  store->read([&](Tables& t) {
    EXPECT_EQ(t.variables().find(one.id)->value, one.value);
    return 0;
  });
  store.reset();
  const KeyRing newest = both.without(1);
  for (const KeyRing* ring : {&newest, &std::as_const(keys)}) {
    const auto opened = bed->open(*ring, random, clock);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "key_version_missing");
  }
}

TEST_P(TamperingTest, ANewerOrChangedSchemaIsAnError) {
  store.reset();
  const std::string kept = bed->run("SELECT checksum FROM schema_migrations WHERE number = 2").at(0);
  bed->run("UPDATE schema_migrations SET checksum = 'x' WHERE number = 2");
  auto opened = bed->open(keys, random, clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "schema_changed");
  bed->run(fmt::format("UPDATE schema_migrations SET checksum = '{}' WHERE number = 2", kept));
  bed->run("INSERT INTO schema_migrations VALUES (1000, 'later', 'x', 0)");
  opened = bed->open(keys, random, clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "schema_newer");
  bed->run("DELETE FROM schema_migrations WHERE number = 1000");
  EXPECT_TRUE(bed->open(keys, random, clock));
}

// A code that was used stays used, though somebody can write to the file.
TEST_P(TamperingTest, AStepOfASecondFactorCannotBeSetBack) {
  write([&](Tables& t) {
    auto factor = *t.two_factors().find(ann_id);
    factor.last_step = 7;
    must(t.two_factors().update(factor));
  });
  const Place secret{"two_factors", "secret", "id", ann_id};
  EXPECT_FALSE(found_when_read(secret));
  bed->run("UPDATE two_factors SET last_step = 6");
  EXPECT_TRUE(found_when_read(secret));
  bed->run("UPDATE two_factors SET last_step = 7, enabled_at = 1");
  EXPECT_TRUE(found_when_read(secret));
}

}  // namespace
}  // namespace tollgate::store
