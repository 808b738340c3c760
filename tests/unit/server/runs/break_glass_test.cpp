#include "server/runs/break_glass.h"

#include <gtest/gtest.h>

#include "server/store/key_ring.h"
#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::runs {
namespace {

using domain::MfaLevel;
using domain::Tables;

class BreakGlassTest : public ::testing::Test {
 protected:
  BreakGlassTest() {
    organization.id = "org-a";
    organization.name = "acme";
    organization.aws_mfa = MfaLevel::applies_only;
    domain::Project project;
    project.id = "prj-a";
    project.organization_id = "org-a";
    write([&](Tables& tables) {
      must(tables.organizations().insert(organization));
      must(tables.projects().insert(project));
      for (const std::string name : {"ana", "bob"}) {
        domain::User user;
        user.id = "user-" + name;
        user.username = name;
        must(tables.users().insert(user));
        domain::Membership membership;
        membership.id = "ou-" + name;
        membership.organization_id = "org-a";
        membership.user_id = user.id;
        membership.role = name == "ana" ? domain::MembershipRole::owner : domain::MembershipRole::member;
        must(tables.memberships().insert(membership));
      }
      for (const std::string name : {"app", "strict"}) {
        domain::Workspace workspace;
        workspace.id = "ws-" + name;
        workspace.organization_id = "org-a";
        workspace.project_id = "prj-a";
        workspace.name = name;
        if (name == "strict") workspace.aws_mfa = MfaLevel::plans_and_applies;
        must(tables.workspaces().insert(workspace));
      }
      domain::Run run;
      run.id = "run-1";
      run.organization_id = "org-a";
      run.workspace_id = "ws-app";
      run.plan.id = "plan-1";
      run.apply.id = "apply-1";
      run.aws_mfa_at_creation = MfaLevel::applies_only;
      must(tables.runs().insert(run));
    });
  }
  template <class R>
  static void must(const R& result) {
    if (!result) throw std::logic_error(result.error().text());
  }
  template <class F>
  void write(F f) {
    must(store->write([&](Tables& tables) -> Result<void> {
      f(tables);
      return {};
    }));
  }
  Result<GlassBroken> go(const BreakGlassRequest& request) {
    domain::Actor actor;
    actor.username = "root";
    actor.address = "host";
    return store->write([&](Tables& tables) { return break_glass(tables, request, actor, random, clock.now()); });
  }
  MfaLevel level() {
    return store->read([](Tables& tables) { return tables.organizations().find("org-a")->aws_mfa; });
  }
  std::vector<std::string> notices() {
    std::vector<std::string> all;
    for (const auto& row : store->read([](Tables& tables) { return tables.notices().list("org-a", {}); }).rows)
      all.push_back(row.sentence);
    return all;
  }
  std::vector<std::string> audited() {
    std::vector<std::string> all;
    for (const auto& record : store->read([](Tables& tables) { return tables.audit().list("org-a", 1, 100); }))
      all.push_back(record.event);
    return all;
  }

  tollgate::test::ManualClock clock;
  SystemRandom random;
  tollgate::test::TemporaryDirectory directory;
  const store::KeyRing keys = store::KeyRing::generate(random);
  const std::unique_ptr<domain::Store> store =
      store::open_sqlite_store(directory.file("tollgate.db"), keys, random, clock).value();
  domain::Organization organization;
};

TEST_F(BreakGlassTest, TheLevelFallsForLaterRunsAndAllOwnersAreTold) {
  const auto broken = go({"acme", "ana", "the phone is lost", {}});
  ASSERT_TRUE(broken) << broken.error().text();
  EXPECT_EQ(broken->before, MfaLevel::applies_only);
  EXPECT_EQ(broken->still_gated, std::vector<std::string>{"strict"});
  EXPECT_EQ(broken->waiting, std::vector<std::string>{"run-1"});
  EXPECT_EQ(level(), MfaLevel::never);
  store->read([](Tables& tables) {
    EXPECT_EQ(tables.runs().find("run-1")->aws_mfa_at_creation, MfaLevel::applies_only) << "it keeps its own";
    EXPECT_EQ(tables.workspaces().find("ws-strict")->aws_mfa, MfaLevel::plans_and_applies);
    return 0;
  });
  EXPECT_EQ(audited(), (std::vector<std::string>{"aws_mfa.level", "aws_mfa.break_glass"}));
  ASSERT_EQ(notices().size(), 1U);
  EXPECT_NE(notices()[0].find("in the name of ana"), std::string::npos) << notices()[0];
  EXPECT_TRUE(notices()[0].ends_with("Reason: the phone is lost")) << notices()[0];
}

TEST_F(BreakGlassTest, ANamedWorkspaceLosesItsOwnLevelToo) {
  const auto broken = go({"acme", "ana", "the phone is lost", {"strict"}});
  ASSERT_TRUE(broken) << broken.error().text();
  EXPECT_TRUE(broken->still_gated.empty());
  store->read([](Tables& tables) {
    EXPECT_FALSE(tables.workspaces().find("ws-strict")->aws_mfa);
    return 0;
  });
  EXPECT_EQ(audited(), (std::vector<std::string>{"aws_mfa.workspace_level", "aws_mfa.level", "aws_mfa.break_glass"}));
}

TEST_F(BreakGlassTest, OnlyInTheNameOfAnOwnerAndWithAReason) {
  EXPECT_EQ(go({"acme", "bob", "because", {}}).error().code, Code::forbidden);
  EXPECT_EQ(go({"acme", "carol", "because", {}}).error().code, Code::not_found);
  EXPECT_EQ(go({"other", "ana", "because", {}}).error().code, Code::not_found);
  EXPECT_EQ(go({"acme", "ana", "", {}}).error().code, Code::invalid);
  EXPECT_EQ(go({"acme", "ana", "because", {"app"}}).error().code, Code::not_found) << "it has no level of its own";
  EXPECT_EQ(level(), MfaLevel::applies_only);
  EXPECT_TRUE(notices().empty());
  EXPECT_TRUE(audited().empty());
  ASSERT_TRUE(go({"acme", "ana", "because", {}}));
  EXPECT_EQ(go({"acme", "ana", "because", {}}).error().code, Code::conflict) << "there is no gate any more";
}

}  // namespace
}  // namespace tollgate::runs
