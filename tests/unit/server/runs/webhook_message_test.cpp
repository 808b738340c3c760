#include "server/runs/webhook_message.h"

#include <gtest/gtest.h>

#include "common/json/value.h"

namespace tollgate::runs {
namespace {

// As Python's hmac and hashlib compute it.
TEST(WebhookMessage, TheSignatureIsHmacSha512OfTheBody) {
  EXPECT_EQ(
      webhook_signature(Secret("a secret of 16 bytes"), R"({"payload_version":1})"),
      "fcd291d526d0c32f3ea4404aa69d4960dfcedb3ed8cf069129d3e467827ef20f265e0da8706a1518f750ca1026897d749bc08a3cf53f652"
      "24eebdbf1d13abf27");
}

TEST(WebhookMessage, WaitsGrowAndEnd) {
  Duration before(0);
  Duration all(0);
  std::int64_t attempts = 1;
  for (auto wait = wait_after_failure(attempts); wait; wait = wait_after_failure(++attempts)) {
    EXPECT_GT(*wait, before);
    before = *wait;
    all += *wait;
  }
  EXPECT_EQ(attempts, 8);
  EXPECT_GT(all, std::chrono::hours(8));
  EXPECT_LT(all, std::chrono::hours(10));
  EXPECT_FALSE(wait_after_failure(0));
  EXPECT_FALSE(wait_after_failure(INT64_MAX));
}

TEST(WebhookMessage, AVerificationSpeaksOfNoRun) {
  domain::Webhook webhook;
  webhook.id = "nc-1";
  webhook.name = "pager";
  const auto payload = json::parse(verification_payload(webhook, from_unix_seconds(0))).value();
  EXPECT_EQ(*payload.find("payload_version")->if_integer(), 1);
  EXPECT_EQ(*payload.find("notification_configuration_id")->if_string(), "nc-1");
  EXPECT_TRUE(payload.find("run_id")->is_null());
  const json::Value& told = payload.find("notifications")->if_array()->at(0);
  EXPECT_EQ(*told.find("trigger")->if_string(), "verification");
  EXPECT_EQ(*told.find("message")->if_string(), "Verification of pager");
}

TEST(WebhookMessage, AnExcerptIsShortAndPrintable) {
  EXPECT_EQ(printable_excerpt("ok\r\n\x1b[31m\xff \tdone"), "ok?\n?[31m? \tdone");
  EXPECT_EQ(printable_excerpt(std::string(5000, 'a')).size(), 1024U);
}

}  // namespace
}  // namespace tollgate::runs
