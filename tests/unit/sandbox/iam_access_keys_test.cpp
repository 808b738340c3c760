#include "sandbox/iam_access_keys.h"

#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

using IamAccessKeysTest = IamTest;

TEST_F(IamAccessKeysTest, RotateWithoutAGap) {
  permit("ana", R"({"Effect":"Allow","Action":["iam:*AccessKey*","iam:GetAccessKeyLastUsed"],
                    "Resource":"arn:aws:iam::*:user/${aws:username}"})");
  const Answer first = call_as("ana", "CreateAccessKey");
  const std::string old_id = text(first, {"AccessKey", "AccessKeyId"});
  EXPECT_EQ(old_id.substr(0, 4), "AKIA");
  EXPECT_EQ(old_id.size(), 20U);
  EXPECT_EQ(text(first, {"AccessKey", "SecretAccessKey"}).size(), 40U);
  EXPECT_EQ(text(first, {"AccessKey", "Status"}), "Active");
  const std::string new_id = text(call_as("ana", "CreateAccessKey"), {"AccessKey", "AccessKeyId"});
  EXPECT_NE(old_id, new_id);
  expect_refused(call_as("ana", "CreateAccessKey"), 409, "LimitExceeded",
                 "Cannot exceed quota for AccessKeysPerUser: 2");
  expect_done(call_as("ana", "UpdateAccessKey", {{"AccessKeyId", old_id}, {"Status", "Inactive"}}));
  EXPECT_FALSE(world_.access_keys.find(old_id)->active);
  EXPECT_EQ(text(call_as("ana", "GetAccessKeyLastUsed", {{"AccessKeyId", old_id}}), {"UserName"}), "ana");
  expect_done(call_as("ana", "DeleteAccessKey", {{"AccessKeyId", old_id}}));
  const Answer listed = call_as("ana", "ListAccessKeys");
  EXPECT_EQ(members(listed, "AccessKeyMetadata"), 1U);
  EXPECT_EQ(text(listed, {"AccessKeyMetadata", "member", "AccessKeyId"}), new_id);
  EXPECT_EQ(listed.result.find("SecretAccessKey"), std::string::npos);
}

TEST_F(IamAccessKeysTest, AreOfOneUserOnly) {
  const std::string id = text(call("CreateAccessKey", {{"UserName", "ana"}}), {"AccessKey", "AccessKeyId"});
  const std::string message = "The Access Key with id " + id + " cannot be found.";
  expect_refused(call("DeleteAccessKey", {{"UserName", "admin"}, {"AccessKeyId", id}}), 404, "NoSuchEntity", message);
  expect_refused(call("UpdateAccessKey", {{"AccessKeyId", id}, {"Status", "Active"}}), 404, "NoSuchEntity", message);
  EXPECT_EQ(call("UpdateAccessKey", {{"UserName", "ana"}, {"AccessKeyId", id}, {"Status", "Off"}}).code,
            "ValidationError");
  EXPECT_EQ(call("GetAccessKeyLastUsed", {{"AccessKeyId", "AKIANOSUCHKEY0000000"}}).code, "NoSuchEntity");
}

TEST_F(IamAccessKeysTest, OfTheRootUser) {
  const std::string id = text(call_as(root(), "CreateAccessKey", {}), {"AccessKey", "AccessKeyId"});
  EXPECT_EQ(world_.access_keys.find(id)->user, "");
  EXPECT_EQ(members(call_as(root(), "ListAccessKeys", {}), "AccessKeyMetadata"), 1U);
  EXPECT_EQ(members(call("ListAccessKeys"), "AccessKeyMetadata"), 0U);
}

}  // namespace
}  // namespace tollgate::sandbox
