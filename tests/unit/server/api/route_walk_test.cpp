// Every route of the table by everybody there is: what is foreign does not exist, what needs proof says so, and nothing
// a client sends makes the server fail.
#include "server/api/router.h"
#include "server/api/signed_url.h"
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class RouteWalk : public ApiWorld {
 protected:
  RouteWalk() {
    workspace = new_workspace("net", owner);
    run_id = new_run(workspace, owner);
    run = *store.read([&](Tables& tables) { return tables.runs().find(run_id); });
    configuration = text_of(send("POST", path("workspaces/" + workspace + "/configuration-versions"), owner,
                                 body("configuration-versions", json::Value::object({{"auto-queue-runs", false}}))),
                            "");
    EXPECT_EQ(send("POST", path("workspaces/" + workspace + "/actions/lock"), owner, "{}").status, 200);
    const std::string bytes = R"({"version":4,"outputs":{"a":{"value":1,"type":"number"}}})";
    state = text_of(new_state(workspace, owner, bytes, 1, json::Value::object({{"state", base64_encode(bytes)}})), "");
    EXPECT_FALSE(state.empty());
    output = store.read([&](Tables& tables) { return tables.state_versions().outputs(state); }).at(0).id;
    Variable variable;
    variable.id = "var-one";
    variable.organization_id = "org-acme";
    variable.workspace_id = workspace;
    variable.key = "region";
    EXPECT_TRUE(store.write([&](Tables& tables) { return tables.variables().insert(variable); }));
    AwsIdentity identity;
    identity.id = "awsid-one";
    identity.organization_id = "org-acme";
    identity.kind = IdentityKind::organization;
    identity.access_key_id = "AKIAIOSFODNN7EXAMPLE";
    identity.secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG");
    EXPECT_TRUE(store.write([&](Tables& tables) { return tables.aws_identities().insert(identity); }));
    Token token;
    token.kind = TokenKind::run;
    token.run_id = run_id;
    run_token = add_token(token);
  }

  std::string address(const Route& route) const {
    const std::map<std::string, std::string, std::less<>> values{
        {"organization", "acme"},    {"workspace", "net"},
        {"workspace_id", workspace}, {"project_id", "prj-acme"},
        {"run_id", run_id},          {"plan_id", run.plan.id},
        {"apply_id", run.apply.id},  {"configuration_version_id", configuration},
        {"state_version_id", state}, {"state_version_output_id", output},
        {"variable_id", "var-one"},  {"aws_identity_id", "awsid-one"},
        {"membership_id", "ou-bob"}, {"user_id", "user-alice"},
        {"token_id", "at-none"}};
    std::string target;
    std::string_view rest = route.pattern.substr(1);
    while (true) {
      const std::string_view piece = rest.substr(0, rest.find('/'));
      const auto known = piece.empty() || piece[0] != ':' ? values.end() : values.find(piece.substr(1));
      target += "/" + (known != values.end() ? known->second : std::string(piece[0] == ':' ? "none" : piece));
      if (piece.size() == rest.size()) break;
      rest.remove_prefix(piece.size() + 1);
    }
    if (!route.subject_in_filter.empty()) {
      target += "?filter%5Borganization%5D%5Bname%5D=acme&filter%5Bworkspace%5D%5Bname%5D=net";
    }
    return target;
  }
  http::Response ask(const Route& route, const std::string& token) {
    std::string sent;
    if (route.body == Body::json || !route.subject_in_body.empty()) {
      sent = body("", json::Value::object(), json::Value::object({{"workspace", relation("workspaces", workspace)}}));
    }
    return send(route.method, address(route), token, sent);
  }
  static bool open(const Route& route) {
    return route.permission == Permission::anyone || route.permission == Permission::signed_address;
  }
  // Speaks of something of one organization, which strangers must not even learn to exist.
  static bool owned(const Route& route) { return route.permission >= Permission::organization_visible; }

  std::string workspace, run_id, configuration, state, output, run_token;
  domain::Run run;
};

TEST_F(RouteWalk, NobodyGetsAnythingWithoutProof) {
  for (const Route& route : api.routes()) {
    const auto answer = ask(route, "");
    const std::string said = fmt::format("{} {}: {} {}", route.method, route.pattern, answer.status, answer.body);
    if (!open(route)) {
      EXPECT_EQ(answer.status, 401) << said;
    }
    if (route.permission == Permission::signed_address) {
      EXPECT_EQ(answer.status, 404) << said;
    }
  }
}

TEST_F(RouteWalk, WhatIsForeignDoesNotExist) {
  for (const Route& route : api.routes()) {
    if (!owned(route)) continue;
    const auto answer = ask(route, foreign);
    EXPECT_EQ(answer.status, 404) << route.method << " " << route.pattern << ": " << answer.body;
  }
}

TEST_F(RouteWalk, MembersAndTokensAreStoppedByTheRoutesPermission) {
  for (const Route& route : api.routes()) {
    const std::string name = fmt::format("{} {} ", route.method, route.pattern);
    if (route.permission == Permission::organization_manage || route.permission == Permission::organization_own ||
        route.permission == Permission::workspace_manage || route.permission == Permission::site_admin) {
      EXPECT_EQ(ask(route, member).status, 403) << name;
    }
    if (route.permission == Permission::organization_own || route.permission == Permission::person) {
      EXPECT_EQ(ask(route, organization_token).status, 403) << name;
    }
    if (owned(route) && route.permission != Permission::organization_visible &&
        route.permission != Permission::workspace_visible && route.permission != Permission::state_read &&
        route.permission != Permission::state_write) {
      EXPECT_EQ(ask(route, run_token).status, 403) << name;
    }
  }
}

// The roles that may: everything is asked, in the order of the table; nothing is a failure of the server.
TEST_F(RouteWalk, NothingMakesTheServerFail) {
  for (const std::string& token : {run_token, organization_token, member, owner}) {
    for (const Route& route : api.routes()) {
      const auto answer = ask(route, token);
      EXPECT_LT(answer.status, 500) << route.method << " " << route.pattern << ": " << answer.body;
      EXPECT_NE(answer.status, 401) << route.method << " " << route.pattern;
    }
  }
}

TEST_F(RouteWalk, ATokenOfAnEndedRunIsNone) {
  ASSERT_TRUE(runs.cancel(run_id, "", {}));
  EXPECT_EQ(send("GET", path("workspaces/" + workspace + "/current-state-version"), run_token).status, 401);
}

}  // namespace
}  // namespace tollgate::api::test
