#include "sandbox/iam_users.h"

#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

using IamUsersTest = IamTest;

TEST_F(IamUsersTest, LiveFromCreateToDelete) {
  const Answer created =
      call("CreateUser",
           {{"UserName", "bob"}, {"Path", "/team/"}, {"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "a&b"}});
  EXPECT_EQ(text(created, {"User", "Arn"}), "arn:aws:iam::123456789012:user/team/bob");
  EXPECT_EQ(text(created, {"User", "UserId"}).substr(0, 4), "AIDA");
  EXPECT_EQ(text(created, {"User", "UserId"}).size(), 21U);
  EXPECT_EQ(text(created, {"User", "CreateDate"}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(created.resource, "arn:aws:iam::123456789012:user/team/bob");

  const Answer got = call("GetUser", {{"UserName", "bob"}});
  EXPECT_EQ(text(got, {"User", "UserId"}), text(created, {"User", "UserId"}));
  EXPECT_EQ(text(got, {"User", "Tags", "member", "Value"}), "a&b");

  const Answer listed = call("ListUsers", {{"PathPrefix", "/team/"}});
  EXPECT_EQ(members(listed, "Users"), 1U);
  EXPECT_EQ(text(listed, {"Users", "member", "Tags"}), "(absent)");

  expect_done(call("DeleteUser", {{"UserName", "bob"}}));
  expect_refused(call("GetUser", {{"UserName", "bob"}}), 404, "NoSuchEntity",
                 "The user with name bob cannot be found.");
}

// AWS keeps principals by their unique id: whoever comes later under the same name is somebody else.
TEST_F(IamUsersTest, ATrustPolicyFollowsAUserAndNotItsName) {
  const std::string arn = "arn:aws:iam::123456789012:user/bob";
  const std::string trust =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["123456789012",")" + arn +
      R"("]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalArn":")" + arn + R"("}}}]})";
  const std::string id = text(call("CreateUser", {{"UserName", "bob"}}), {"User", "UserId"});
  expect_done(call("CreateRole", {{"RoleName", "trusting"}, {"AssumeRolePolicyDocument", trust}}));
  Bucket bucket;
  bucket.name = "shared";
  bucket.policy = R"({"Statement":{"Effect":"Allow","Principal":{"AWS":")" + arn +
                  R"("},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/*"}})";
  world_.buckets.put(bucket);
  const auto trusted = [&] { return world_.roles.find(std::string(kAccount) + "/trusting")->trust_policy; };

  expect_done(call("UpdateUser", {{"UserName", "bob"}, {"NewUserName", "rob"}}));
  EXPECT_NE(trusted().find(R"("arn:aws:iam::123456789012:user/rob"]})"), std::string::npos) << trusted();
  EXPECT_NE(trusted().find(R"("aws:PrincipalArn":")" + arn), std::string::npos) << "a condition compares text";

  expect_done(call("DeleteUser", {{"UserName", "rob"}}));
  expect_done(call("CreateUser", {{"UserName", "rob"}}));
  EXPECT_NE(trusted().find(R"(["123456789012",")" + id + R"("]})"), std::string::npos) << trusted();
  EXPECT_NE(world_.buckets.find("shared")->policy.find(R"({"AWS":")" + id + R"("})"), std::string::npos);
}

TEST_F(IamUsersTest, NamesAreUniqueWithoutRegardToCase) {
  expect_refused(call("CreateUser", {{"UserName", "ANA"}}), 409, "EntityAlreadyExists",
                 "User with name ANA already exists.");
}

TEST_F(IamUsersTest, CheckTheirParameters) {
  EXPECT_EQ(call("CreateUser").code, "ValidationError");
  EXPECT_EQ(call("CreateUser", {{"UserName", "b b"}}).code, "ValidationError");
  EXPECT_EQ(call("CreateUser", {{"UserName", std::string(65, 'b')}}).code, "ValidationError");
  EXPECT_EQ(call("CreateUser", {{"UserName", "bob"}, {"Path", "team"}}).code, "ValidationError");
  expect_refused(call("CreateUser", {{"UserName", "bob"},
                                     {"Tags.member.1.Key", "a"},
                                     {"Tags.member.1.Value", "1"},
                                     {"Tags.member.2.Key", "A"},
                                     {"Tags.member.2.Value", "2"}}),
                 400, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
}

TEST_F(IamUsersTest, GetUserWithoutNameIsTheCaller) {
  permit("ana", R"({"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"})");
  EXPECT_EQ(text(call_as("ana", "GetUser"), {"User", "UserName"}), "ana");
  EXPECT_EQ(call_as("ana", "GetUser", {{"UserName", "admin"}}).code, "AccessDenied");

  EXPECT_EQ(text(call_as(root(), "GetUser", {}), {"User", "Arn"}), "arn:aws:iam::123456789012:root");

  Principal session;
  session.kind = Principal::Kind::role_session;
  session.account = kAccount;
  session.name = "deploy";
  session.arn = "arn:aws:sts::123456789012:assumed-role/deploy/x";
  expect_refused(call_as(session, "GetUser", {}), 400, "ValidationError",
                 "Must specify userName when calling with non-User credentials");
}

TEST_F(IamUsersTest, WhoMayNotLookDoesNotLearnWhatExists) {
  for (const char* name : {"admin", "nobody"}) {
    const Answer answer = call_as("ana", "GetUser", {{"UserName", name}});
    expect_refused(answer, 403, "AccessDenied",
                   std::string("User: arn:aws:iam::123456789012:user/ana is not authorized to perform: iam:GetUser on "
                               "resource: arn:aws:iam::123456789012:user/") +
                       name + " because no identity-based policy allows the iam:GetUser action");
  }
}

TEST_F(IamUsersTest, AccountsAreApart) {
  add_user("eve", kAllowAll, "999999999999");
  EXPECT_EQ(call_as(principal("eve", "999999999999"), "GetUser", {{"UserName", "ana"}}).code, "NoSuchEntity");
  EXPECT_EQ(members(call_as(principal("eve", "999999999999"), "ListUsers", {}), "Users"), 1U);
}

TEST_F(IamUsersTest, TagsInRequestAndOnTheUserAreConditionKeys) {
  permit("ana", R"([{"Effect":"Allow","Action":"iam:CreateUser","Resource":"*",
                     "Condition":{"StringEquals":{"aws:RequestTag/owner":"ana"}}},
                    {"Effect":"Allow","Action":"iam:DeleteUser","Resource":"*",
                     "Condition":{"StringEquals":{"iam:ResourceTag/owner":"ana"}}}])");
  EXPECT_EQ(call_as("ana", "CreateUser", {{"UserName", "bob"}}).code, "AccessDenied");
  expect_done(call_as("ana", "CreateUser",
                      {{"UserName", "bob"}, {"Tags.member.1.Key", "owner"}, {"Tags.member.1.Value", "ana"}}));
  EXPECT_EQ(call_as("ana", "DeleteUser", {{"UserName", "admin"}}).code, "AccessDenied");
  expect_done(call_as("ana", "DeleteUser", {{"UserName", "bob"}}));
}

TEST_F(IamUsersTest, AreDeletedLast) {
  const Answer key = call("CreateAccessKey", {{"UserName", "ana"}});
  const auto deletion = [&] { return call("DeleteUser", {{"UserName", "ana"}}); };
  expect_refused(deletion(), 409, "DeleteConflict", "Cannot delete entity, must delete access keys first.");
  expect_done(call("DeleteAccessKey", {{"UserName", "ana"}, {"AccessKeyId", text(key, {"AccessKey", "AccessKeyId"})}}));

  expect_done(call("PutUserPolicy", {{"UserName", "ana"}, {"PolicyName", "p"}, {"PolicyDocument", kAllowAll}}));
  expect_refused(deletion(), 409, "DeleteConflict", "Cannot delete entity, must delete policies first.");
  expect_done(call("DeleteUserPolicy", {{"UserName", "ana"}, {"PolicyName", "p"}}));

  const Answer policy = call("CreatePolicy", {{"PolicyName", "m"}, {"PolicyDocument", kAllowAll}});
  const std::string arn = text(policy, {"Policy", "Arn"});
  expect_done(call("AttachUserPolicy", {{"UserName", "ana"}, {"PolicyArn", arn}}));
  expect_refused(deletion(), 409, "DeleteConflict", "Cannot delete entity, must detach all policies first.");
  expect_done(call("DetachUserPolicy", {{"UserName", "ana"}, {"PolicyArn", arn}}));

  MfaDevice device;
  device.serial = "arn:aws:iam::123456789012:mfa/ana";
  device.account = kAccount;
  device.user = "ana";
  world_.devices.put(device);
  expect_refused(deletion(), 409, "DeleteConflict", "Cannot delete entity, must delete MFA device first.");
  world_.devices.erase(device.serial);
  expect_done(deletion());
}

TEST_F(IamUsersTest, TakeTheirSessionsWithThem) {
  const auto add_session = [&](const std::string& id, Session::Kind kind, const std::string& name) {
    Session session;
    session.access_key_id = id;
    session.kind = kind;
    session.account = kAccount;
    session.name = name;
    world_.sessions.put(session);
  };
  add_session("ASIAUSER", Session::Kind::session_token, "ana");
  add_session("ASIAROLE", Session::Kind::role, "ana");
  add_session("ASIAOTHER", Session::Kind::session_token, "admin");
  expect_done(call("CreateRole", {{"RoleName", "ana"}, {"AssumeRolePolicyDocument", kTrustAccount}}));
  expect_done(call("DeleteUser", {{"UserName", "ana"}}));
  EXPECT_FALSE(world_.sessions.has("ASIAUSER"));
  EXPECT_TRUE(world_.sessions.has("ASIAROLE"));
  expect_done(call("DeleteRole", {{"RoleName", "ana"}}));
  EXPECT_FALSE(world_.sessions.has("ASIAROLE"));
  EXPECT_TRUE(world_.sessions.has("ASIAOTHER"));
}

TEST_F(IamUsersTest, KeepTheirKeysUnderANewName) {
  const Answer key = call("CreateAccessKey", {{"UserName", "ana"}});
  expect_done(call("UpdateUser", {{"UserName", "ana"}, {"NewUserName", "anna"}, {"NewPath", "/x/"}}));
  EXPECT_EQ(text(call("GetUser", {{"UserName", "anna"}}), {"User", "Arn"}), "arn:aws:iam::123456789012:user/x/anna");
  EXPECT_EQ(call("GetUser", {{"UserName", "ana"}}).code, "NoSuchEntity");
  EXPECT_EQ(world_.access_keys.find(text(key, {"AccessKey", "AccessKeyId"}))->user, "anna");
  expect_refused(call("UpdateUser", {{"UserName", "anna"}, {"NewUserName", "Admin"}}), 409, "EntityAlreadyExists",
                 "User with name Admin already exists.");
}

}  // namespace
}  // namespace tollgate::sandbox
