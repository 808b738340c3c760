#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class AuditEvents : public ApiWorld {
 protected:
  json::Array rows(std::string_view query, const std::string& token) {
    const auto answer = send("GET", path(fmt::format("organizations/acme/audit-events{}", query)), token);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto document = json::parse(answer.body);
    return *document->find("data")->if_array();
  }
  std::vector<std::string> events(std::string_view query = "") {
    std::vector<std::string> names;
    for (const json::Value& row : rows(query, owner))
      names.push_back(*row.find("attributes")->find("event")->if_string());
    return names;
  }
};

TEST_F(AuditEvents, NewestFirstOfOneOrganization) {
  new_workspace("net", member);
  clock.advance(std::chrono::hours(1));
  const std::string db = new_workspace("db", owner);
  new_workspace("theirs", foreign, "other");
  EXPECT_EQ(events(), (std::vector<std::string>{"workspace.created", "workspace.created"}));
  const auto all = rows("", owner);
  const json::Value& newest = *all[0].find("attributes");
  EXPECT_EQ(*newest.find("subject")->find("id")->if_string(), db);
  EXPECT_EQ(*newest.find("actor")->find("name")->if_string(), "alice");
  EXPECT_EQ(*newest.find("address")->if_string(), "192.0.2.1");
}

TEST_F(AuditEvents, FilteredAndPaged) {
  const std::string net = new_workspace("net", member);
  const TimePoint later = clock.now() + std::chrono::hours(1);
  clock.advance(std::chrono::hours(1));
  new_workspace("db", owner);
  EXPECT_EQ(send("DELETE", path("organizations/acme/workspaces/db"), owner).status, 204);
  EXPECT_EQ(events("?filter[actor]=bob").size(), 1U);
  EXPECT_EQ(events("?filter[subject]=" + net).size(), 1U);
  EXPECT_EQ(events("?filter[event]=workspace.created").size(), 2U);
  EXPECT_EQ(events("?filter[event]=workspace.").size(), 3U);
  EXPECT_EQ(events("?filter[event]=run.").size(), 0U);
  EXPECT_EQ(events("?filter[since]=" + format_iso8601(later)).size(), 2U);
  EXPECT_EQ(events("?filter[until]=" + format_iso8601(later)).size(), 1U);
  EXPECT_EQ(events("?page[size]=2").size(), 2U);
  EXPECT_EQ(send("GET", path("organizations/acme/audit-events?filter[since]=yesterday"), owner).status, 400);
}

TEST_F(AuditEvents, EachNextLinkLeadsToOlderOnesUntilThereAreNone) {
  for (int i = 0; i < 7; ++i)
    new_workspace(fmt::format("w{}", i), owner);
  std::string target = path("organizations/acme/audit-events?page[size]=3&filter[event]=workspace.created");
  std::vector<std::size_t> sizes;
  std::set<std::string> ids;
  while (!target.empty() && sizes.size() < 10) {
    const auto document = json::parse(send("GET", target, owner).body);
    const json::Array& page = *document->find("data")->if_array();
    sizes.push_back(page.size());
    for (const json::Value& row : page)
      ids.insert(*row.find("id")->if_string());
    const std::string* next = document->find("links")->find("next")->if_string();
    target = next != nullptr ? *next : "";
  }
  EXPECT_EQ(ids.size(), 7U);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 3, 1}));
  EXPECT_EQ(send("GET", path("organizations/acme/audit-events?page[before]=x"), owner).status, 400);
}

TEST_F(AuditEvents, ForOwnersInPersonAlone) {
  for (const std::string_view rest : {"organizations/acme/audit-events", "organizations/acme/audit-events/verify"}) {
    EXPECT_EQ(send("GET", path(rest), member).status, 403) << rest;
    EXPECT_EQ(send("GET", path(rest), organization_token).status, 403) << rest;
    EXPECT_EQ(send("GET", path(rest), foreign).status, 404) << rest;
  }
  EXPECT_EQ(send("GET", path("admin/audit-events"), owner).status, 403);
}

TEST_F(AuditEvents, VerifyingSaysWhetherTheChainIsWhole) {
  new_workspace("net", member);
  const auto whole = send("GET", path("organizations/acme/audit-events/verify"), owner);
  EXPECT_EQ(whole.status, 200);
  EXPECT_NE(whole.body.find("\"unbroken\":true"), std::string::npos) << whole.body;
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    AuditRecord forged = *tables.audit().last();
    ++forged.sequence;
    tables.audit().append(forged);
    return {};
  }));
  const auto broken = send("GET", path("organizations/acme/audit-events/verify"), owner);
  EXPECT_NE(broken.body.find("\"unbroken\":false"), std::string::npos) << broken.body;
}

}  // namespace
}  // namespace tollgate::api::test
