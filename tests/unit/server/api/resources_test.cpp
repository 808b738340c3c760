#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

class VariablesOfTheApi : public ApiWorld {
 protected:
  VariablesOfTheApi() : list("workspaces/" + new_workspace("net", member) + "/vars") {}
  http::Response make(const std::string& where, const std::string& token, std::string_view key,
                      std::string_view category = "terraform", bool sensitive = false) {
    return send(
        "POST", path(where), token,
        body("vars", json::Value::object(
                         {{"key", key}, {"value", "s3cret"}, {"category", category}, {"sensitive", sensitive}})));
  }
  std::string list;
};

TEST_F(VariablesOfTheApi, ASensitiveValueIsWrittenAndNeverRead) {
  const auto made = make(list, member, "password", "terraform", true);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string one = list + "/" + text_of(made, "");
  EXPECT_EQ(made.body.find("s3cret"), std::string::npos);
  EXPECT_EQ(send("GET", path(list), member).body.find("s3cret"), std::string::npos);
  EXPECT_EQ(send("PATCH", path(one), member, body("vars", json::Value::object({{"sensitive", false}}))).status, 422);
  EXPECT_EQ(send("PATCH", path(one), member, body("vars", json::Value::object({{"description", "d"}}))).status, 200);
  const auto stored = store.read([&](Tables& tables) { return tables.variables().find(text_of(made, "")); });
  EXPECT_EQ(stored->value.reveal(), "s3cret");  // a change of something else keeps it
  EXPECT_EQ(send("DELETE", path(one), member).status, 204);
  EXPECT_EQ(send("GET", path(one), member).status, 404);
}

TEST_F(VariablesOfTheApi, KeysAreNamesAndUnique) {
  EXPECT_EQ(make(list, member, "region").status, 201);
  EXPECT_EQ(make(list, member, "region").status, 422);
  EXPECT_EQ(make(list, member, "region", "env").status, 201);
  EXPECT_EQ(make(list, member, "1x").status, 422);
  EXPECT_EQ(make(list, member, "A=B", "env").status, 422);
  EXPECT_EQ(make(list, member, "x", "shell").status, 422);
}

TEST_F(VariablesOfTheApi, ReservedNamesAreRefusedOnlyWhereTheGateStands) {
  EXPECT_EQ(make(list, member, "AWS_PROFILE", "env").status, 201);
  ASSERT_TRUE(store.write([&](Tables& tables) {
    auto organization = *tables.organizations().find("org-acme");
    organization.aws_mfa = MfaLevel::applies_only;
    return tables.organizations().update(organization);
  }));
  for (const std::string_view key : {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_STS", "LD_PRELOAD", "TF_CLI_ARGS_plan",
                                     "PATH", "TFC_AWS_RUN_ROLE_ARN", "TOLLGATE_X"}) {
    EXPECT_EQ(make(list, member, key, "env").status, 422) << key;
  }
  EXPECT_EQ(make(list, member, "AWS_REGION", "env").status, 201);
  EXPECT_EQ(make(list, member, "PATH", "terraform").status, 201);
}

TEST_F(VariablesOfTheApi, ARouteReachesOnlyItsOwnKind) {
  const std::string organization = "organizations/acme/vars", personal = "organizations/acme/personal-vars";
  EXPECT_EQ(make(organization, member, "a").status, 403);
  const std::string shared = text_of(make(organization, owner, "a"), "");
  const std::string own = text_of(make(personal, member, "b"), "");
  ASSERT_FALSE(shared.empty() || own.empty());
  EXPECT_EQ(make(personal, organization_token, "c").status, 403);
  // A member must not change what is everybody's by another route.
  EXPECT_EQ(send("DELETE", path(personal + "/" + shared), member).status, 404);
  EXPECT_EQ(send("DELETE", path(list + "/" + shared), member).status, 404);
  // What is personal is not even an owner's.
  EXPECT_EQ(send("GET", path(personal + "/" + own), owner).status, 404);
  EXPECT_EQ(send("GET", path(organization + "/" + own), owner).status, 404);
  EXPECT_EQ(send("GET", path(personal + "/" + own), member).status, 200);
}

TEST_F(VariablesOfTheApi, ATokenIsShownOnceAndEndsWhenTakenBack) {
  const auto made = send("POST", path("users/user-bob/authentication-tokens"), member, "");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string text = text_of(made, "token"), one = "authentication-tokens/" + text_of(made, "");
  EXPECT_EQ(send("GET", path("account/details"), text).status, 200);
  EXPECT_EQ(text_of(send("GET", path(one), member), "token"), "");
  EXPECT_EQ(send("DELETE", path(one), owner).status, 404);
  EXPECT_EQ(send("DELETE", path(one), member).status, 204);
  EXPECT_EQ(send("GET", path("account/details"), text).status, 401);
  EXPECT_EQ(send("POST", path("users/user-alice/authentication-tokens"), member, "").status, 404);
  // An organization has one token: a new one ends the old one.
  EXPECT_EQ(send("POST", path("organizations/acme/authentication-token"), owner, "").status, 201);
  EXPECT_EQ(send("GET", path("organizations/acme"), organization_token).status, 401);
}

TEST_F(VariablesOfTheApi, TheLastOwnerStays) {
  EXPECT_EQ(send("DELETE", path("organization-memberships/ou-alice"), owner).status, 409);
  const auto demoted = body("organization-memberships", json::Value::object({{"role", "member"}}));
  EXPECT_EQ(send("PATCH", path("organization-memberships/ou-alice"), owner, demoted).status, 409);
  EXPECT_EQ(send("PATCH", path("organization-memberships/ou-bob"), owner,
                 body("organization-memberships", json::Value::object({{"role", "owner"}})))
                .status,
            200);
  EXPECT_EQ(send("PATCH", path("organization-memberships/ou-alice"), owner, demoted).status, 200);
  EXPECT_EQ(send("POST", path("organizations/acme/organization-memberships"), member,
                 body("organization-memberships", json::Value::object({{"email", "MALLORY@example.com"}})))
                .status,
            201);
}

}  // namespace
}  // namespace tollgate::api::test
