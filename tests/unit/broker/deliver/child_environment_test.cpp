#include "broker/deliver/child_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tollgate::deliver {
namespace {

os::Environment parent() {
  os::Environment environment;
  environment.set("PATH", "/bin").set("AWS_ACCESS_KEY_ID", "AKIAOLD").set("AWS_SECRET_ACCESS_KEY", "old");
  environment.set("AWS_SESSION_TOKEN", "old").set("AWS_DEFAULT_PROFILE", "x").set("AWS_PROFILE", "y");
  environment.set("AWS_WEB_IDENTITY_TOKEN_FILE", "/t").set("AWS_ROLE_ARN", "r");
  environment.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/").set("AWS_EC2_METADATA_DISABLED", "true");
  environment.set("AWS_ENDPOINT_URL", "http://127.0.0.1:1").set("AWS_REGION", "us-east-1");
  return environment;
}

const ChildProfile kProfile{"prod", "eu-central-1", {"/home/ana/.aws/config", "/home/ana/.aws/credentials"}};

TEST(ChildEnvironment, OverlayLeavesNothingThatCouldWin) {
  const os::Environment child = overlay_environment(parent(), kProfile, {"/o/config", "/o/credentials"});
  for (const char* gone : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE",
                           "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}) {
    EXPECT_FALSE(child.has(gone)) << gone;
  }
  EXPECT_EQ(child.get("AWS_CONFIG_FILE"), "/o/config");
  EXPECT_EQ(child.get("AWS_SHARED_CREDENTIALS_FILE"), "/o/credentials");
  EXPECT_EQ(child.get("AWS_SDK_LOAD_CONFIG"), "1");
  EXPECT_EQ(child.get("AWS_PROFILE"), "prod");
  EXPECT_EQ(child.get("AWS_VAULT"), "prod");
  EXPECT_EQ(child.get("TOLLGATE_PROFILE"), "prod");
  EXPECT_EQ(child.get("AWS_REGION"), "eu-central-1");
  EXPECT_EQ(child.get("AWS_DEFAULT_REGION"), "eu-central-1");
  EXPECT_EQ(child.get("TOLLGATE_AWS_CONFIG_FILE"), "/home/ana/.aws/config");
  EXPECT_EQ(child.get("TOLLGATE_AWS_SHARED_CREDENTIALS_FILE"), "/home/ana/.aws/credentials");
  EXPECT_EQ(child.get("AWS_ENDPOINT_URL"), "http://127.0.0.1:1");
  EXPECT_EQ(child.get("AWS_EC2_METADATA_DISABLED"), "true");
  EXPECT_EQ(child.get("PATH"), "/bin");
}

TEST(ChildEnvironment, StaticKeysComeWithoutAProfile) {
  aws::Credentials credentials;
  credentials.access_key_id = "ASIANEW";
  credentials.secret_access_key = Secret("new");
  credentials.session_token = Secret("token");
  credentials.expiration = from_unix_seconds(1767323045);
  const os::Environment child = static_environment(parent(), kProfile, credentials);
  EXPECT_EQ(child.get("AWS_ACCESS_KEY_ID"), "ASIANEW");
  EXPECT_EQ(child.get("AWS_SECRET_ACCESS_KEY"), "new");
  EXPECT_EQ(child.get("AWS_SESSION_TOKEN"), "token");
  EXPECT_EQ(child.get("AWS_CREDENTIAL_EXPIRATION"), "2026-01-02T03:04:05Z");
  EXPECT_FALSE(child.has("AWS_PROFILE"));
  EXPECT_FALSE(child.has("AWS_DEFAULT_PROFILE"));
  credentials.session_token = Secret();
  EXPECT_FALSE(static_environment(parent(), kProfile, credentials).has("AWS_SESSION_TOKEN"));
}

TEST(ChildEnvironment, NamesWhatItTakesOut) {
  EXPECT_THAT(credential_variables(parent()), ::testing::Contains("AWS_ROLE_ARN"));
  EXPECT_TRUE(credential_variables(os::Environment()).empty());
}

TEST(ChildEnvironment, AStandInIsForAwsProfileAlone) {
  ChildProfile profile = kProfile;
  profile.stand_in = "prod.tollgate";
  const os::Environment child = overlay_environment(parent(), profile, {"/o/config", "/o/credentials"});
  EXPECT_EQ(child.get("AWS_PROFILE"), "prod.tollgate");
  EXPECT_EQ(child.get("TOLLGATE_PROFILE"), "prod");
  EXPECT_EQ(child.get("AWS_VAULT"), "prod");
}

TEST(ChildEnvironment, WishesReachThoseWhoAskForTheProfile) {
  ChildProfile profile = kProfile;
  const Overlay overlay{"/o/config", "/o/credentials"};
  EXPECT_FALSE(wishes_for(overlay_environment(parent(), profile, overlay), "prod").role_duration);
  EXPECT_TRUE(wishes_for(overlay_environment(parent(), profile, overlay), "prod").use_session);
  profile.wishes = {std::chrono::hours(4), false};
  const os::Environment child = overlay_environment(parent(), profile, overlay);
  EXPECT_EQ(wishes_for(child, "prod").role_duration, std::chrono::hours(4));
  EXPECT_FALSE(wishes_for(child, "prod").use_session);
  EXPECT_FALSE(wishes_for(child, "audit").role_duration);
  EXPECT_TRUE(wishes_for(child, "audit").use_session);
  // A program inside that hands over another profile, or the same without wishes.
  EXPECT_FALSE(wishes_for(overlay_environment(child, kProfile, overlay), "prod").role_duration);
  EXPECT_TRUE(wishes_for(overlay_environment(child, kProfile, overlay), "prod").use_session);
  for (const char* nonsense : {"", "4h", "-1", "0", "9999999999", "99999999999999999999"}) {
    os::Environment broken = child;
    broken.set("TOLLGATE_EXEC_DURATION", nonsense);
    EXPECT_FALSE(wishes_for(broken, "prod").role_duration) << nonsense;
  }
}

}  // namespace
}  // namespace tollgate::deliver
