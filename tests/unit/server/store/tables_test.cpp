// What the contract of domain/store.h promises of each table, on every engine.
#include "tests/unit/server/store/any_store.h"

namespace tollgate::store {
namespace {

using domain::Page;
using domain::RunStatus;
using domain::Tables;

class TablesTest : public AnyStore {};
INSTANTIATE_TEST_SUITE_P(Engines, TablesTest, testing::ValuesIn(engines()), engine_name);

template <class Row>
std::vector<std::string> ids(const std::vector<Row>& rows) {
  std::vector<std::string> all;
  for (const Row& row : rows)
    all.push_back(row.id);
  return all;
}

TEST_P(TablesTest, UsersAreFoundByNameAndByEmailInAnyCase) {
  const domain::User ann = add_user("ann");
  add_user("bob");
  store->read([&](Tables& t) {
    EXPECT_EQ(t.users().find(ann.id)->username, "ann");
    EXPECT_EQ(t.users().find(ann.id)->password_hash, "$argon2id$");
    EXPECT_EQ(t.users().find(ann.id)->created_at, clock.now());
    EXPECT_EQ(t.users().find_by_name("ann")->id, ann.id);
    EXPECT_FALSE(t.users().find_by_name("ANN"));
    EXPECT_EQ(t.users().find_by_email("ANN@example.COM")->id, ann.id);
    EXPECT_FALSE(t.users().find_by_email("ann"));
    EXPECT_EQ(t.users().list({1, 1}).rows.at(0).username, "ann");
    EXPECT_EQ(t.users().list({2, 1}).rows.at(0).username, "bob");
    EXPECT_EQ(t.users().list({2, 1}).total, 2);
    return 0;
  });
}

TEST_P(TablesTest, APageBeyondTheEndIsEmptyAndKnowsTheTotal) {
  add_user("ann");
  store->read([&](Tables& t) {
    for (const Page page : {Page{2, 20}, Page{INT64_MAX, 20}, Page{INT64_MAX, INT64_MAX}, Page{2, 1}}) {
      EXPECT_TRUE(t.users().list(page).rows.empty());
      EXPECT_EQ(t.users().list(page).total, 1);
    }
    EXPECT_EQ(t.users().list({-5, 20}).rows.size(), 1U);
    return 0;
  });
}

TEST_P(TablesTest, ATakenNameIsAConflictAndTheTransactionGoesOn) {
  const domain::User ann = add_user("ann");
  domain::User bob = add_user("bob");
  bob.username = "ann";
  const auto result = store->write([&](Tables& t) -> Result<void> {
    domain::User other = ann;
    other.id = "user-other";
    other.email = "other@example.com";
    const auto inserted = t.users().insert(other);
    EXPECT_FALSE(inserted);
    if (!inserted) {
      EXPECT_EQ(inserted.error().code, Code::conflict);
      EXPECT_EQ(inserted.error().reason, "exists");
    }
    const auto updated = t.users().update(bob);
    EXPECT_FALSE(updated);
    if (!updated) {
      EXPECT_EQ(updated.error().reason, "exists");
    }
    other.username = "carol";
    return t.users().insert(other);
  });
  ASSERT_TRUE(result);
  store->read([&](Tables& t) {
    EXPECT_EQ(t.users().find(bob.id)->username, "bob");
    EXPECT_TRUE(t.users().find_by_name("carol"));
    return 0;
  });
}

TEST_P(TablesTest, AnErrorOrAnExceptionLeavesNothingBehind) {
  const auto refused = store->write([&](Tables& t) -> Result<int> {
    t.settings().set("a", "1");
    return fail(Code::invalid, "no");
  });
  EXPECT_FALSE(refused);
  EXPECT_THROW(store->write([&](Tables& t) -> Result<int> {
    t.settings().set("b", "1");
    throw std::runtime_error("broken");
  }),
               std::runtime_error);
  write([](Tables& t) { t.settings().set("c", "1"); });
  store->read([](Tables& t) {
    EXPECT_FALSE(t.settings().get("a"));
    EXPECT_FALSE(t.settings().get("b"));
    EXPECT_EQ(t.settings().get("c"), "1");
    return 0;
  });
}

TEST_P(TablesTest, WhatIsNotTextIsRefusedAndNeverFound) {
  domain::User user = add_user("ann");
  for (const std::string& bad : {std::string("a\0b", 3), std::string("\xff"), std::string("\xed\xa0\x80"),
                                 std::string("\xc0\xaf"), std::string("\xf4\x90\x80\x80"), std::string("\xe2\x82")}) {
    write([&](Tables& t) {
      user.username = bad;
      const auto result = t.users().update(user);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().reason, "not_text");
    });
  }
  store->read([&](Tables& t) {
    EXPECT_FALSE(t.users().find_by_name(std::string("ann\0x", 5)));
    EXPECT_FALSE(t.users().find(user.id + std::string(1, '\0')));
    EXPECT_TRUE(t.users().find_by_name("ann"));
    return 0;
  });
}

TEST_P(TablesTest, UpdatingWhatIsNotThereIsABug) {
  domain::User user;
  user.id = "user-none";
  EXPECT_THROW(write([&](Tables& t) { must(t.users().update(user)); }), std::logic_error);
  write([](Tables& t) { t.users().erase("user-none"); });
}

TEST_P(TablesTest, AWebhookIsOneOfItsOrganizationAndItsDeliveriesGoWithIt) {
  const auto acme = add_organization("acme");
  domain::Webhook webhook;
  webhook.id = "nc-1";
  webhook.organization_id = acme.id;
  webhook.url = "https://hooks.example.com/T0/secret";
  webhook.token = Secret("a secret of 16 bytes");
  webhook.triggers = {"mfa:needed", "mfa:passed"};
  write([&](Tables& t) { must(t.webhooks().insert(webhook)); });
  domain::Webhook second = webhook;
  second.id = "nc-2";
  const auto taken = store->write([&](Tables& t) { return t.webhooks().insert(second); });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().reason, "exists");
  domain::WebhookDelivery delivery;
  delivery.id = "ncd-1";
  delivery.webhook_id = "nc-1";
  delivery.run_id = "run-1";
  delivery.payload = "{}";
  write([&](Tables& t) { must(t.webhook_deliveries().insert(delivery)); });
  store->read([&](Tables& t) {
    const auto found = t.webhooks().of_organization(acme.id);
    EXPECT_EQ(found->url, webhook.url);
    EXPECT_TRUE(found->token == webhook.token);
    EXPECT_EQ(found->triggers, webhook.triggers);
    EXPECT_EQ(ids(t.webhooks().enabled()), std::vector<std::string>{"nc-1"});
    return 0;
  });
  webhook.enabled = false;
  write([&](Tables& t) {
    must(t.webhooks().update(webhook));
    t.webhook_deliveries().give_up_waiting("nc-1", "off");
  });
  store->read([&](Tables& t) {
    EXPECT_TRUE(t.webhooks().enabled().empty());
    EXPECT_EQ(t.webhook_deliveries().find("ncd-1")->state, domain::DeliveryState::failed);
    EXPECT_EQ(t.webhook_deliveries().find("ncd-1")->last.error, "off");
    return 0;
  });
  write([&](Tables& t) { t.webhooks().erase("nc-1"); });
  store->read([&](Tables& t) {
    EXPECT_FALSE(t.webhook_deliveries().find("ncd-1"));
    return 0;
  });
}

TEST_P(TablesTest, ADeliveryIsDueOnceWhatItsRunHasToTellBeforeIsTold) {
  const auto acme = add_organization("acme");
  const TimePoint now = clock.now();
  const auto delivery = [&](std::string id, std::string run, TimePoint at) {
    domain::WebhookDelivery made;
    made.id = std::move(id);
    made.webhook_id = "nc-1";
    made.run_id = std::move(run);
    made.next_attempt_at = at;
    return made;
  };
  domain::WebhookDelivery first = delivery("ncd-1", "run-a", now + std::chrono::minutes(1));
  write([&](Tables& t) {
    domain::Webhook webhook;
    webhook.id = "nc-1";
    webhook.organization_id = acme.id;
    must(t.webhooks().insert(webhook));
    must(t.webhook_deliveries().insert(first));
    must(t.webhook_deliveries().insert(delivery("ncd-2", "run-a", now)));
    must(t.webhook_deliveries().insert(delivery("ncd-3", "run-b", now + std::chrono::seconds(5))));
  });
  const auto due = [&](TimePoint at) {
    return store->read([&](Tables& t) {
      const auto found = t.webhook_deliveries().next_due("nc-1", at);
      return found ? found->id : std::string();
    });
  };
  EXPECT_EQ(due(now), "") << "ncd-2 waits behind ncd-1";
  EXPECT_EQ(store->read([&](Tables& t) { return t.webhook_deliveries().next_attempt(); }),
            now + std::chrono::seconds(5));
  EXPECT_EQ(due(now + std::chrono::seconds(5)), "ncd-3");
  EXPECT_EQ(due(now + std::chrono::minutes(1)), "ncd-1");
  first.state = domain::DeliveryState::delivered;
  write([&](Tables& t) { must(t.webhook_deliveries().update(first)); });
  EXPECT_EQ(due(now), "ncd-2");
  write([&](Tables& t) { t.webhook_deliveries().keep_newest("nc-1", 1); });
  store->read([&](Tables& t) {
    EXPECT_EQ(ids(t.webhook_deliveries().list("nc-1", {}).rows), (std::vector<std::string>{"ncd-3", "ncd-2"}));
    return 0;
  });
}

TEST_P(TablesTest, ASecondFactorIsOneOfItsUserAndItsRecoveryCodesGoWithIt) {
  const domain::User ann = add_user("ann");
  const domain::User bob = add_user("bob");
  domain::TwoFactor factor;
  factor.id = ann.id;
  factor.created_at = clock.now();
  factor.secret = Secret("GEZDGNBVGY3TQOJQ");
  write([&](Tables& t) { must(t.two_factors().insert(factor)); });
  const auto second = store->write([&](Tables& t) { return t.two_factors().insert(factor); });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  factor.enabled_at = clock.now();
  factor.last_step = 50'000'000;
  write([&](Tables& t) {
    must(t.two_factors().update(factor));
    t.two_factors().set_recovery_codes(ann.id, {"hash-0"});
    t.two_factors().set_recovery_codes(ann.id, {"hash-1", "hash-2"});
  });
  reopen();
  store->read([&](Tables& t) {
    const auto found = t.two_factors().find(ann.id);
    EXPECT_TRUE(found->secret == factor.secret);
    EXPECT_EQ(found->last_step, factor.last_step);
    EXPECT_EQ(found->enabled_at, factor.enabled_at);
    EXPECT_FALSE(t.two_factors().find(bob.id));
    EXPECT_EQ(t.two_factors().recovery_codes_left(ann.id), 2);
    EXPECT_EQ(t.two_factors().recovery_codes_left(bob.id), 0);
    return 0;
  });
  write([&](Tables& t) {
    EXPECT_FALSE(t.two_factors().take_recovery_code(ann.id, "hash-0"));
    EXPECT_FALSE(t.two_factors().take_recovery_code(bob.id, "hash-1"));
    EXPECT_TRUE(t.two_factors().take_recovery_code(ann.id, "hash-1"));
    EXPECT_FALSE(t.two_factors().take_recovery_code(ann.id, "hash-1"));
    EXPECT_EQ(t.two_factors().recovery_codes_left(ann.id), 1);
  });
  write([&](Tables& t) { t.users().erase(ann.id); });
  store->read([&](Tables& t) {
    EXPECT_FALSE(t.two_factors().find(ann.id));
    EXPECT_EQ(t.two_factors().recovery_codes_left(ann.id), 0);
    return 0;
  });
}

TEST_P(TablesTest, NoticesNewestFirst) {
  const auto acme = add_organization("acme");
  const auto other = add_organization("other");
  write([&](Tables& t) {
    for (const std::string id : {"notice-1", "notice-2", "notice-3"}) {
      domain::Notice notice{id, id == "notice-2" ? other.id : acme.id, "aws_mfa.level", "ana did it.", "ana", {}};
      must(t.notices().insert(notice));
    }
  });
  store->read([&](Tables& t) {
    EXPECT_EQ(ids(t.notices().list(acme.id, {}).rows), (std::vector<std::string>{"notice-3", "notice-1"}));
    EXPECT_EQ(t.notices().list(acme.id, {1, 1}).total, 2);
    EXPECT_EQ(t.notices().find("notice-1")->sentence, "ana did it.");
    EXPECT_EQ(t.notices().find("notice-1")->actor, "ana");
    return 0;
  });
  write([&](Tables& t) { t.organizations().erase(acme.id); });
  store->read([&](Tables& t) {
    EXPECT_FALSE(t.notices().find("notice-1"));
    EXPECT_TRUE(t.notices().find("notice-2"));
    return 0;
  });
}

TEST_P(TablesTest, OrganizationsAndMemberships) {
  const auto acme = add_organization("Acme-1_x");
  const auto other = add_organization("other");
  const auto ann = add_user("ann");
  domain::Membership membership;
  membership.id = "ou-1";
  membership.organization_id = acme.id;
  membership.user_id = ann.id;
  membership.role = domain::MembershipRole::owner;
  write([&](Tables& t) {
    must(t.memberships().insert(membership));
    domain::Membership twice = membership;
    twice.id = "ou-2";
    EXPECT_FALSE(t.memberships().insert(twice));
    domain::Organization same_name = other;
    same_name.id = "org-x";
    same_name.name = "OTHER";
    EXPECT_FALSE(t.organizations().insert(same_name));
    domain::Organization changed = acme;
    changed.aws_mfa = domain::MfaLevel::plans_and_applies;
    changed.apply_limit = std::chrono::seconds(77);
    changed.default_execution_mode = domain::ExecutionMode::local;
    must(t.organizations().update(changed));
  });
  store->read([&](Tables& t) {
    EXPECT_EQ(t.organizations().find_by_name("aCME-1_X")->aws_mfa, domain::MfaLevel::plans_and_applies);
    EXPECT_EQ(t.organizations().find(acme.id)->apply_limit, std::chrono::seconds(77));
    EXPECT_EQ(t.organizations().find(acme.id)->default_execution_mode, domain::ExecutionMode::local);
    EXPECT_EQ(ids(t.organizations().list("", ann.id, {}).rows), std::vector<std::string>{acme.id});
    EXPECT_EQ(ids(t.organizations().list("1_", std::nullopt, {}).rows), std::vector<std::string>{acme.id});
    // '_' and '%' stand for themselves.
    EXPECT_TRUE(t.organizations().list("%", std::nullopt, {}).rows.empty());
    EXPECT_TRUE(t.organizations().list("e_1", std::nullopt, {}).rows.empty());
    EXPECT_EQ(t.memberships().count_owners(acme.id), 1);
    EXPECT_EQ(t.memberships().count_owners(other.id), 0);
    EXPECT_EQ(t.memberships().find_by_user(acme.id, ann.id)->role, domain::MembershipRole::owner);
    EXPECT_EQ(t.memberships().list(acme.id, {}).total, 1);
    return 0;
  });
}

TEST_P(TablesTest, TokensSessionsAndGrants) {
  const auto ann = add_user("ann");
  const auto acme = add_organization("acme");
  const auto run = add_run(add_workspace(acme, "net"));
  const auto token = [&](const char* name, domain::TokenKind kind) {
    domain::Token made;
    made.id = made.hash = name;
    made.kind = kind;
    if (kind == domain::TokenKind::user) made.user_id = ann.id;
    if (kind == domain::TokenKind::organization) made.organization_id = acme.id;
    if (kind == domain::TokenKind::run) made.run_id = run.id;
    return made;
  };
  domain::WebSession session;
  session.id = "ws_session-1";
  session.user_id = ann.id;
  session.hash = "h";
  session.csrf_token = "csrf";
  session.last_seen_at = clock.now();
  write([&](Tables& t) {
    must(t.tokens().insert(token("of-user", domain::TokenKind::user)));
    must(t.tokens().insert(token("of-org", domain::TokenKind::organization)));
    must(t.tokens().insert(token("of-run", domain::TokenKind::run)));
    must(t.web_sessions().insert(session));
    t.grants().insert({"g", "oauth-code", ann.id, "challenge", clock.now() + std::chrono::minutes(1)});
    t.grants().insert({"old", "oauth-code", ann.id, "", clock.now()});
  });
  write([&](Tables& t) {
    EXPECT_EQ(t.tokens().find_by_hash("of-org")->organization_id, acme.id);
    EXPECT_FALSE(t.tokens().find_by_hash("of-org")->last_used_at);
    EXPECT_EQ(ids(t.tokens().of_user(ann.id)), std::vector<std::string>{"of-user"});
    EXPECT_EQ(t.tokens().of_organization(acme.id)->id, "of-org");
    t.tokens().erase_of_run(run.id);
    EXPECT_FALSE(t.tokens().find("of-run"));
    EXPECT_EQ(t.web_sessions().find_by_hash("h")->csrf_token, "csrf");
    EXPECT_EQ(t.web_sessions().of_user(ann.id).size(), 1U);
    t.web_sessions().erase_before(clock.now());
    EXPECT_TRUE(t.web_sessions().find(session.id));
    t.web_sessions().erase_before(clock.now() + Duration(1));
    EXPECT_FALSE(t.web_sessions().find(session.id));
    EXPECT_FALSE(t.grants().find("setup-link", "g", clock.now()));
    EXPECT_FALSE(t.grants().take("oauth-code", "old", clock.now()));
    EXPECT_EQ(t.grants().find("oauth-code", "g", clock.now())->data, "challenge");
    EXPECT_TRUE(t.grants().take("oauth-code", "g", clock.now()));
    EXPECT_FALSE(t.grants().take("oauth-code", "g", clock.now()));
  });
}

TEST_P(TablesTest, WorkspacesAreFilteredByNameTagsProjectAndRun) {
  const auto acme = add_organization("acme");
  auto app = add_workspace(acme, "app-Prod");
  auto net = add_workspace(acme, "net_prod");
  auto lab = add_workspace(acme, "lab");
  add_workspace(add_organization("other"), "app-Prod");
  const auto run = add_run(net);
  domain::Project project{"prj-1", acme.id, "Default Project", "", clock.now()};
  lab.project_id = project.id;
  lab.aws_mfa = domain::MfaLevel::applies_only;
  lab.lock = {domain::WorkspaceLock::Holder::user, "user-1", "why", clock.now()};
  net.current_run_id = run.id;
  write([&](Tables& t) {
    must(t.projects().insert(project));
    must(t.workspaces().update(lab));
    must(t.workspaces().update(net));
    t.workspaces().set_tags(app.id, {{app.id, "team", "a"}, {app.id, "x", ""}});
    t.workspaces().set_tags(net.id, {{net.id, "team", "b"}, {net.id, "team", "c"}});
  });
  store->read([&](Tables& t) {
    const auto list = [&](const domain::WorkspaceFilter& filter) {
      return ids(t.workspaces().list(acme.id, filter, {}).rows);
    };
    using Ids = std::vector<std::string>;
    domain::WorkspaceFilter filter;
    EXPECT_EQ(list(filter), (Ids{app.id, lab.id, net.id}));
    filter.search_name = "PROD";
    EXPECT_EQ(list(filter), (Ids{app.id, net.id}));
    filter = {};
    filter.wildcard_name = "*_prod";
    EXPECT_EQ(list(filter), Ids{net.id});
    filter.wildcard_name = "app*";
    EXPECT_EQ(list(filter), Ids{app.id});
    filter = {};
    filter.tags = {"team", "x"};
    EXPECT_EQ(list(filter), Ids{app.id});
    filter = {};
    filter.exclude_tags = {"x"};
    EXPECT_EQ(list(filter), (Ids{lab.id, net.id}));
    filter = {};
    filter.tag_bindings = {{"", "team", "c"}};
    EXPECT_EQ(list(filter), Ids{net.id});
    filter.tag_bindings = {{"", "team", ""}};
    EXPECT_EQ(list(filter), (Ids{app.id, net.id}));
    filter = {};
    filter.project_id = project.id;
    EXPECT_EQ(list(filter), Ids{lab.id});
    filter = {};
    filter.current_run_status = {RunStatus::planning, RunStatus::pending};
    EXPECT_EQ(list(filter), Ids{net.id});
    const auto found = t.workspaces().find_by_name(acme.id, "lab");
    EXPECT_EQ(found->aws_mfa, domain::MfaLevel::applies_only);
    EXPECT_EQ(found->lock.holder, domain::WorkspaceLock::Holder::user);
    EXPECT_EQ(found->lock.since, clock.now());
    EXPECT_FALSE(t.workspaces().find(net.id)->aws_mfa);
    EXPECT_EQ(t.workspaces().tags(net.id).size(), 1U);
    EXPECT_EQ(t.projects().find_by_name(acme.id, "Default Project")->id, "prj-1");
    EXPECT_EQ(t.projects().list(acme.id, "Default Project", "default", {}).total, 1);
    return 0;
  });
  EXPECT_THROW(write([&](Tables& t) { t.projects().erase("prj-1"); }), DatabaseError);
}

TEST_P(TablesTest, VariablesKeepTheirScopesApart) {
  const auto ann = add_user("ann");
  const auto acme = add_organization("acme");
  const auto net = add_workspace(acme, "net");
  domain::Variable of_workspace = make_variable(net, "b", "one");
  domain::Variable of_organization = make_variable(net, "b", "two");
  of_organization.scope = domain::VariableScope::organization;
  of_organization.workspace_id.clear();
  domain::Variable personal = of_organization;
  personal.id = "var-personal";
  personal.scope = domain::VariableScope::personal;
  personal.user_id = ann.id;
  personal.value = Secret(std::string_view("nul\0and\xff", 8));
  write([&](Tables& t) {
    must(t.variables().insert(of_workspace));
    must(t.variables().insert(of_organization));
    must(t.variables().insert(personal));
    domain::Variable twice = of_workspace;
    twice.id = "var-twice";
    EXPECT_FALSE(t.variables().insert(twice));
    twice.category = domain::VariableCategory::env;
    must(t.variables().insert(twice));
    must(t.variables().insert(make_variable(net, "a", "")));
    of_workspace.value = Secret("new");
    of_workspace.version = 2;
    must(t.variables().update(of_workspace));
  });
  store->read([&](Tables& t) {
    EXPECT_EQ(t.variables().of_workspace(net.id).at(0).key, "a");
    EXPECT_EQ(t.variables().of_workspace(net.id).size(), 3U);
    EXPECT_EQ(t.variables().find(of_workspace.id)->value, Secret("new"));
    EXPECT_EQ(t.variables().of_organization(acme.id).at(0).value, Secret("two"));
    EXPECT_EQ(t.variables().of_user(acme.id, ann.id).at(0).value, personal.value);
    return 0;
  });
}

TEST_P(TablesTest, ConfigurationVersionsComeNewestFirst) {
  const auto net = add_workspace(add_organization("acme"), "net");
  write([&](Tables& t) {
    for (int i = 0; i < 3; ++i) {
      domain::ConfigurationVersion version;
      version.id = fmt::format("cv-{}", 2 - i);
      version.workspace_id = net.id;
      version.size = 5'000'000'000;
      version.status = i == 1 ? domain::ConfigurationStatus::uploaded : domain::ConfigurationStatus::pending;
      must(t.configuration_versions().insert(version));
    }
  });
  store->read([&](Tables& t) {
    const auto page = t.configuration_versions().list(net.id, {});
    EXPECT_EQ(ids(page.rows), (std::vector<std::string>{"cv-0", "cv-1", "cv-2"}));
    EXPECT_EQ(page.rows.at(0).size, 5'000'000'000);
    EXPECT_EQ(t.configuration_versions().latest_uploaded(net.id)->id, "cv-1");
    return 0;
  });
}

TEST_P(TablesTest, ARunComesBackWhole) {
  const auto net = add_workspace(add_organization("acme"), "net");
  domain::Run run = make_run(net);
  run.target_addrs = {"a.b", "c[\"d\"]"};
  run.variables = {{"k", "\"v\""}};
  run.aws_mfa_at_creation = domain::MfaLevel::applies_only;
  run.timestamps["planning-at"] = clock.now();
  run.plan.resources = {1, 2, 3, 4};
  run.apply.plan_sha256 = "abc";
  run.cancel_requested_at = clock.now();
  run.refresh = false;
  write([&](Tables& t) { must(t.runs().insert(run)); });
  write([&](Tables& t) {
    must(domain::queue_plan(run, clock.now()));
    run.message = "hello \xe2\x82\xac";
    must(t.runs().update(run));
  });
  reopen();
  store->read([&](Tables& t) {
    const domain::Run got = *t.runs().find(run.id);
    EXPECT_EQ(got.sequence, 1);
    EXPECT_EQ(got.target_addrs, run.target_addrs);
    EXPECT_EQ(got.variables, run.variables);
    EXPECT_EQ(got.aws_mfa_at_creation, run.aws_mfa_at_creation);
    EXPECT_EQ(got.timestamps, run.timestamps);
    EXPECT_EQ(got.plan.resources, run.plan.resources);
    EXPECT_EQ(got.plan.status, domain::PhaseStatus::queued);
    EXPECT_EQ(got.apply.plan_sha256, "abc");
    EXPECT_EQ(got.cancel_requested_at, run.cancel_requested_at);
    EXPECT_EQ(got.message, run.message);
    EXPECT_FALSE(got.refresh);
    EXPECT_FALSE(got.apply.started_at);
    EXPECT_EQ(t.runs().find_by_phase(run.apply.id)->id, run.id);
    EXPECT_EQ(t.runs().find_by_phase(run.plan.id)->id, run.id);
    EXPECT_FALSE(t.runs().find_by_phase(""));
    return 0;
  });
}

TEST_P(TablesTest, RunsAreFilteredAndOrdered) {
  const auto ann = add_user("ann");
  const auto acme = add_organization("acme");
  const auto net = add_workspace(acme, "net");
  const auto app = add_workspace(acme, "app");
  auto first = add_run(net);
  auto second = add_run(app);
  auto third = add_run(net);
  first.status = RunStatus::applied;
  first.created_by = ann.id;
  second.plan_only = true;
  second.source = "tfe-ui";
  third.message = "Rotate 100% of keys";
  write([&](Tables& t) {
    for (const auto& run : {first, second, third})
      must(t.runs().update(run));
    t.runs().set_inputs(first.id, Secret("frozen"));
    t.runs().set_inputs(first.id, Secret("frozen again"));
    t.runs().add_event({"re-2", first.id, "created", "", "ann", clock.now()});
    t.runs().add_event({"re-1", first.id, "queued", "", "", clock.now()});
  });
  store->read([&](Tables& t) {
    using Ids = std::vector<std::string>;
    const auto list = [&](const std::function<void(domain::RunFilter&)>& set) {
      domain::RunFilter filter;
      filter.organization_id = acme.id;
      set(filter);
      return ids(t.runs().list(filter, {}).rows);
    };
    EXPECT_EQ(list([](auto&) {}), (Ids{third.id, second.id, first.id}));
    EXPECT_EQ(list([&](auto& f) { f.status = {RunStatus::applied}; }), Ids{first.id});
    EXPECT_EQ(list([&](auto& f) { f.source = {"tfe-ui"}; }), Ids{second.id});
    EXPECT_EQ(list([&](auto& f) { f.plan_only = false; }), (Ids{third.id, first.id}));
    EXPECT_EQ(list([&](auto& f) { f.search_user = "ann"; }), Ids{first.id});
    EXPECT_EQ(list([&](auto& f) { f.search_message = "100%"; }), Ids{third.id});
    EXPECT_EQ(list([&](auto& f) { f.workspace_id = app.id; }), Ids{second.id});
    EXPECT_EQ(ids(t.runs().unfinished()), (Ids{second.id, third.id}));
    EXPECT_EQ(ids(t.runs().unfinished_of(net.id)), Ids{third.id});
    EXPECT_EQ(t.runs().inputs(first.id), Secret("frozen again"));
    EXPECT_FALSE(t.runs().inputs(second.id));
    EXPECT_EQ(t.runs().events(first.id).at(0).action, "created");
    return 0;
  });
  write([&](Tables& t) { t.runs().set_inputs(first.id, Secret()); });
  store->read([&](Tables& t) {
    EXPECT_FALSE(t.runs().inputs(first.id));
    return 0;
  });
}

TEST_P(TablesTest, StateVersionsAndOutputs) {
  const auto acme = add_organization("acme");
  const auto net = add_workspace(acme, "net");
  write([&](Tables& t) {
    for (int serial = 1; serial <= 4; ++serial) {
      domain::StateVersion version;
      version.id = fmt::format("sv-{}", serial);
      version.organization_id = acme.id;
      version.workspace_id = net.id;
      version.serial = serial == 3 ? 30 : serial;
      version.status = serial == 4 ? domain::StateVersionStatus::pending : domain::StateVersionStatus::finalized;
      must(t.state_versions().insert(version));
    }
    t.state_versions().set_outputs("sv-3", {{"wsout-2", "", "z", "1", "number", "\"number\"", false}});
    t.state_versions().set_outputs("sv-3", {{"wsout-3", "", "z", "\"s\"", "string", "\"string\"", true},
                                            {"wsout-4", "", "a", "[]", "array", "[]", false}});
  });
  store->read([&](Tables& t) {
    EXPECT_EQ(t.state_versions().latest(net.id)->id, "sv-3");
    EXPECT_EQ(t.state_versions().list(acme.id, net.id, {1, 2}).total, 4);
    EXPECT_EQ(ids(t.state_versions().list(acme.id, net.id, {1, 2}).rows), (std::vector<std::string>{"sv-4", "sv-3"}));
    EXPECT_EQ(ids(t.state_versions().outputs("sv-3")), (std::vector<std::string>{"wsout-4", "wsout-3"}));
    EXPECT_EQ(t.state_versions().find_output("wsout-3")->value, "\"s\"");
    EXPECT_EQ(t.state_versions().find_output("wsout-3")->state_version_id, "sv-3");
    EXPECT_FALSE(t.state_versions().find_output("wsout-2"));
    return 0;
  });
}

TEST_P(TablesTest, AnOrganizationTakesEverythingOfItsOwnWithIt) {
  const auto ann = add_user("ann");
  const auto acme = add_organization("acme");
  const auto net = add_workspace(acme, "net");
  const auto run = add_run(net);
  write([&](Tables& t) {
    must(t.variables().insert(make_variable(net, "k", "v")));
    must(t.projects().insert({"prj-1", acme.id, "p", "", clock.now()}));
    domain::Workspace in_project = net;
    in_project.project_id = "prj-1";
    must(t.workspaces().update(in_project));
    t.runs().set_inputs(run.id, Secret("frozen"));
    t.organizations().erase(acme.id);
  });
  store->read([&](Tables& t) {
    EXPECT_FALSE(t.workspaces().find(net.id));
    EXPECT_FALSE(t.runs().find(run.id));
    EXPECT_FALSE(t.projects().find("prj-1"));
    EXPECT_TRUE(t.users().find(ann.id));
    return 0;
  });
  EXPECT_EQ(bed->run("SELECT (SELECT COUNT(*) FROM variables) + (SELECT COUNT(*) FROM run_inputs)").at(0), "0");
}

TEST_P(TablesTest, AForeignKeyThatLeadsNowhereIsABug) {
  domain::Organization nowhere;
  nowhere.id = "org-none";
  try {
    add_workspace(nowhere, "net");
    FAIL() << "it was accepted";
  } catch (const DatabaseError& error) {
    EXPECT_EQ(error.kind(), DatabaseError::Kind::foreign_key);
  }
  add_organization("the store goes on");
}

TEST_P(TablesTest, AuditRecordsAndSettings) {
  write([&](Tables& t) {
    EXPECT_FALSE(t.audit().last());
    for (int i = 1; i <= 3; ++i) {
      domain::AuditRecord record;
      record.sequence = i;
      record.organization_id = i == 2 ? "org-1" : "";
      record.details = "{}";
      t.audit().append(record);
    }
    t.settings().set("k", "1");
    t.settings().set("k", "2");
  });
  EXPECT_THROW(write([&](Tables& t) {
                 domain::AuditRecord third;
                 third.sequence = 3;
                 t.audit().append(third);
               }),
               std::logic_error);
  store->read([&](Tables& t) {
    EXPECT_EQ(t.audit().last()->sequence, 3);
    EXPECT_EQ(t.audit().list("", 2, 10).size(), 2U);
    EXPECT_EQ(t.audit().list("", 1, 1).size(), 1U);
    EXPECT_EQ(t.audit().list("org-1", 1, 10).at(0).sequence, 2);
    EXPECT_EQ(t.settings().get("k"), "2");
    return 0;
  });
}

}  // namespace
}  // namespace tollgate::store
