#include "aws/arn.h"

#include <gtest/gtest.h>

namespace tollgate::aws {
namespace {

TEST(Arn, Fields) {
  const auto arn = parse_arn("arn:aws-cn:sts:r:123456789012:assumed-role/x:y/z");
  ASSERT_TRUE(arn);
  EXPECT_EQ(arn->partition, "aws-cn");
  EXPECT_EQ(arn->service, "sts");
  EXPECT_EQ(arn->region, "r");
  EXPECT_EQ(arn->account, "123456789012");
  EXPECT_EQ(arn->resource, "assumed-role/x:y/z");
  for (const char* text : {"", "arn", "arn:aws:iam::123456789012", "arn:aws:iam::1:", "ARN:aws:iam::1:x",
                           "arn::iam::1:x", "arn:aws::::x", " arn:aws:iam::1:x"}) {
    EXPECT_FALSE(parse_arn(text)) << text;
  }
}

TEST(Arn, Roles) {
  EXPECT_TRUE(is_role_arn("arn:aws:iam::123456789012:role/path/to/x"));
  EXPECT_TRUE(is_role_arn("arn:aws-us-gov:iam::123456789012:role/x"));
  for (const char* text : {"arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:role/x/",
                           "arn:aws:iam::1234:role/x", "arn:aws:iam:us-east-1:123456789012:role/x",
                           "arn:aws:sts::123456789012:role/x", "arn:aws:iam::123456789012:user/x", "role/x"}) {
    EXPECT_FALSE(is_role_arn(text)) << text;
  }
}

}  // namespace
}  // namespace tollgate::aws
