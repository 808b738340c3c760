#include "aws/iam_client.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/manual_clock.h"
#include "tests/unit/aws/scripted_client.h"

namespace tollgate::aws {
namespace {

std::string answer(const std::string& operation, const std::string& content) {
  return "<" + operation + "Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><" + operation + "Result>" +
         content + "</" + operation + "Result></" + operation + "Response>";
}

class IamClientTest : public testing::Test {
 protected:
  IamClientTest() {
    keys.access_key_id = "AKIAIOSFODNN7EXAMPLE";
    keys.secret_access_key = Secret("secret");
    endpoint.url = "https://iam.amazonaws.com";
    endpoint.signing_region = "us-east-1";
  }
  IamClient client() { return IamClient(http, clock, endpoint); }

  ScriptedClient http;
  test::ManualClock clock;
  Credentials keys;
  Endpoint endpoint;
};

TEST_F(IamClientTest, GetUser) {
  http.answer(200, answer("GetUser",
                          "<User><UserName>alice</UserName><Arn>arn:aws:iam::123456789012:user/alice</Arn><UserId>AIDAX"
                          "</UserId></User>"));
  const auto user = client().get_user(keys);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "alice");
  EXPECT_EQ(user->arn, "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(http.requests.at(0).body, "Action=GetUser&Version=2010-05-08");
}

TEST_F(IamClientTest, ListsFollowAllPages) {
  http.answer(200,
              answer("ListMFADevices",
                     "<MFADevices><member><UserName>alice</UserName><SerialNumber>arn:aws:iam::1:mfa/a</SerialNumber>"
                     "<EnableDate>2026-01-02T03:04:05Z</EnableDate></member></MFADevices><IsTruncated>true"
                     "</IsTruncated><Marker>m&amp;1</Marker>"));
  http.answer(200, answer("ListMFADevices",
                          "<MFADevices><member><UserName>alice</UserName><SerialNumber>GAHT12345678</SerialNumber>"
                          "</member></MFADevices><IsTruncated>false</IsTruncated>"));
  const auto devices = client().list_mfa_devices(keys, "alice");
  ASSERT_TRUE(devices);
  ASSERT_EQ(devices->size(), 2U);
  EXPECT_EQ((*devices)[0].serial_number, "arn:aws:iam::1:mfa/a");
  EXPECT_EQ((*devices)[0].enabled, clock.now());
  EXPECT_EQ((*devices)[1].serial_number, "GAHT12345678");
  EXPECT_EQ(http.requests.at(1).body, "Action=ListMFADevices&Version=2010-05-08&UserName=alice&Marker=m%261");
}

TEST_F(IamClientTest, ListAccessKeys) {
  http.answer(200,
              answer("ListAccessKeys",
                     "<UserName>alice</UserName><AccessKeyMetadata><member><UserName>alice</UserName><AccessKeyId>A"
                     "</AccessKeyId><Status>Active</Status></member><member><AccessKeyId>B</AccessKeyId><Status>"
                     "Inactive</Status></member></AccessKeyMetadata><IsTruncated>false</IsTruncated>"));
  const auto found = client().list_access_keys(keys);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_TRUE((*found)[0].active);
  EXPECT_FALSE((*found)[1].active);
}

TEST_F(IamClientTest, CreateAccessKeyIsNotRepeatedAfterALostAnswer) {
  http.failure(net::Delivery::unknown);
  const auto lost = client().create_access_key(keys);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, MappedKind::outcome_unknown);
  http.failure(net::Delivery::not_sent);
  http.answer(200,
              answer("CreateAccessKey",
                     "<AccessKey><UserName>alice</UserName><AccessKeyId>AKIANEW</AccessKeyId><Status>Active</Status>"
                     "<SecretAccessKey>new secret</SecretAccessKey></AccessKey>"));
  const auto made = client().create_access_key(keys);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->access_key_id, "AKIANEW");
  EXPECT_EQ(made->secret_access_key.reveal(), "new secret");
  EXPECT_FALSE(made->temporary());
}

TEST_F(IamClientTest, UpdateAndDelete) {
  http.answer(200, "<UpdateAccessKeyResponse><ResponseMetadata/></UpdateAccessKeyResponse>");
  EXPECT_TRUE(client().set_access_key_active(keys, "AKIAOLD", false));
  EXPECT_EQ(http.requests.at(0).body, "Action=UpdateAccessKey&Version=2010-05-08&AccessKeyId=AKIAOLD&Status=Inactive");
  http.answer(404,
              "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>The Access Key with id AKIAOLD cannot be found."
              "</Message></Error><RequestId>r</RequestId></ErrorResponse>");
  const auto gone = client().delete_access_key(keys, "AKIAOLD");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().answer.code, "NoSuchEntity");
  EXPECT_NE(gone.error().error.message.find("cannot be found"), std::string::npos);
}

TEST_F(IamClientTest, AnAnswerWithoutTheListIsMalformed) {
  http.answer(200, answer("ListAccessKeys", ""));
  EXPECT_EQ(client().list_access_keys(keys).error().kind, MappedKind::malformed_answer);
}

}  // namespace
}  // namespace tollgate::aws
