#include "common/os/environment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace tollgate::os {
namespace {

TEST(Environment, SetsReplacesAndForgets) {
  Environment environment;
  environment.set("A", "1").set("B", "").set("A", "2");
  EXPECT_EQ(environment.get("A"), "2");
  EXPECT_EQ(environment.get("B"), "");
  EXPECT_TRUE(environment.has("B"));
  EXPECT_EQ(environment.get("C"), std::nullopt);
  EXPECT_EQ(environment.get_or("B", "fallback"), "fallback");
  environment.unset("A").unset("never there");
  EXPECT_FALSE(environment.has("A"));
}

TEST(Environment, WithAndWithoutLeaveTheOriginalAlone) {
  const Environment environment(Environment::Variables{{"A", "1"}});
  EXPECT_EQ(environment.with("B", "2").get("B"), "2");
  EXPECT_FALSE(environment.has("B"));
  EXPECT_FALSE(environment.without("A").has("A"));
  EXPECT_TRUE(environment.has("A"));
}

TEST(Environment, BlockIsSortedAndEndsWithNull) {
  const EnvironmentBlock block(Environment(Environment::Variables{{"B", "x=y"}, {"A", ""}}));
  EXPECT_STREQ(block.data()[0], "A=");
  EXPECT_STREQ(block.data()[1], "B=x=y");
  EXPECT_EQ(block.data()[2], nullptr);
}

TEST(Environment, FirstOfTwoEqualNamesWinsAsInGetenv) {
  char first[] = "TG_TWICE=first";
  char second[] = "TG_TWICE=second";
  char nameless[] = "=odd";
  char plain[] = "no equals sign";
  char* block[] = {first, nameless, plain, second, nullptr};
  char** const before = environ;
  environ = block;
  const Environment environment = current_environment();
  environ = before;
  EXPECT_EQ(environment.get("TG_TWICE"), "first");
  EXPECT_EQ(environment.variables().size(), 1U);
}

}  // namespace
}  // namespace tollgate::os
