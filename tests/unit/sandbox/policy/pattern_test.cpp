#include "sandbox/policy/pattern.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace tollgate::policy {
namespace {

struct MatchCase {
  std::string name;
  std::string pattern;
  std::string text;
  bool matches;
};

class WildcardTest : public testing::TestWithParam<MatchCase> {};

TEST_P(WildcardTest, ComparesTheWholeText) {
  const auto pattern = Pattern::compile(GetParam().pattern, nullptr);
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->matches(GetParam().text), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Wildcards, WildcardTest,
    testing::Values(
        MatchCase{"SameText", "abc", "abc", true}, MatchCase{"Case", "abc", "aBc", false},
        MatchCase{"EmptyBoth", "", "", true}, MatchCase{"EmptyPattern", "", "a", false},
        MatchCase{"EmptyText", "a", "", false}, MatchCase{"StarEmptyText", "*", "", true},
        MatchCase{"StarsEmptyText", "***", "", true}, MatchCase{"StarInside", "a*c", "abbbc", true},
        MatchCase{"StarMatchesNothing", "a*c", "ac", true}, MatchCase{"StarThenMore", "a*bc", "abcbc", true},
        MatchCase{"StarThenMissing", "a*bc", "abcb", false}, MatchCase{"TwoStars", "*ab*cd*", "xxabyycdzz", true},
        MatchCase{"TwoStarsWrongOrder", "*ab*cd*", "cdab", false}, MatchCase{"QuestionMark", "a?c", "abc", true},
        MatchCase{"QuestionMarkNeedsOne", "a?", "a", false},
        MatchCase{"QuestionMarkIsOneCharacter", "a?c",
                  "a\xC3\xA4"
                  "c",
                  true},
        MatchCase{"QuestionMarksAfterStar", "*??", "a", false}, MatchCase{"Colons", "a*c", "a:b:c", true},
        MatchCase{"PrefixOnly", "ab", "abc", false}, MatchCase{"RegexCharactersArePlain", "a.c+", "abcc", false},
        MatchCase{"BracketIsPlain", "[ab]", "a", false}),
    [](const auto& test) { return test.param.name; });

TEST(PatternTest, IgnoresCaseWhereAsked) {
  const auto pattern = Pattern::compile("STS:assume*", nullptr);
  EXPECT_TRUE(pattern->matches_ignoring_case("sts:AssumeRole"));
  EXPECT_FALSE(pattern->matches_ignoring_case("sts:GetCallerIdentity"));
}

TEST(PatternTest, HostilePatternsCostNoMoreThanTheProductOfTheLengths) {
  std::string alternating;
  for (int i = 0; i < 1000; ++i)
    alternating += "*a";
  const std::string text(20000, 'a');
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& hostile :
       {alternating + "b", std::string(5000, '*') + "b", "*" + std::string(2000, '?') + "b",
        std::string("*") + std::string(3000, 'a') + "b"}) {
    EXPECT_FALSE(Pattern::compile(hostile, nullptr)->matches(text)) << hostile.substr(0, 10);
  }
  // Exponential matching would take longer than the machine lives; the bound leaves room for sanitizers.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

struct ArnCase {
  std::string name;
  std::string pattern;
  std::string arn;
  bool matches;
};

class ArnTest : public testing::TestWithParam<ArnCase> {};

TEST_P(ArnTest, ComparesPartByPart) {
  const auto pattern = Pattern::compile(GetParam().pattern, nullptr);
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->matches_arn(GetParam().arn), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Arns, ArnTest,
    testing::Values(
        ArnCase{"Star", "*", "arn:aws:iam::123456789012:role/deploy", true}, ArnCase{"StarAnything", "*", "*", true},
        ArnCase{"Exact", "arn:aws:iam::123456789012:role/deploy", "arn:aws:iam::123456789012:role/deploy", true},
        ArnCase{"Prefix", "arn:aws:iam::123456789012:role/*", "arn:aws:iam::123456789012:role/x/deploy", true},
        ArnCase{"AnyAccount", "arn:aws:iam::*:role/deploy", "arn:aws:iam::123456789012:role/deploy", true},
        ArnCase{"StarReachesOverNoColon", "arn:aws:*:role/deploy", "arn:aws:iam::123456789012:role/deploy", false},
        ArnCase{"StarReachesOverColonsInTheLastPart", "arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b:c", true},
        ArnCase{"PartsLeftOut", "arn:aws:s3", "arn:aws:s3:::bucket/key", true},
        ArnCase{"PartsLeftOutOtherService", "arn:aws:s3", "arn:aws:iam::123456789012:user/ana", false},
        ArnCase{"PartsLeftOutAfterStar", "arn:aws:iam::*", "arn:aws:iam::123456789012:user/ana", true},
        ArnCase{"TextIsNoArn", "arn:aws:iam::*", "*", false},
        ArnCase{"QuestionMarkInAccount", "arn:aws:iam::12345678901?:user/ana", "arn:aws:iam::123456789012:user/ana",
                true},
        ArnCase{"Case", "arn:aws:iam::123456789012:user/Ana", "arn:aws:iam::123456789012:user/ana", false}),
    [](const auto& test) { return test.param.name; });

class VariablesTest : public testing::Test {
 protected:
  VariablesTest() {
    context_.set("aws:username", "ana");
    context_.set("aws:PrincipalTag/team", "*");
    context_.set("aws:userid", "AROA:session");
    context_.set("aws:TagKeys", std::vector<std::string>{"a", "b"});
  }
  Context context_;
};

TEST_F(VariablesTest, AreReplacedWithoutRegardToCase) {
  EXPECT_EQ(substitute("home/${aws:username}/x", &context_), "home/ana/x");
  EXPECT_EQ(substitute("${AWS:UserName}", &context_), "ana");
  EXPECT_EQ(substitute("${ aws:username }", &context_), "ana");
}

TEST_F(VariablesTest, TakeTheirDefaultWhereTheKeyIsAbsent) {
  EXPECT_EQ(substitute("${aws:PrincipalTag/cost, 'none'}", &context_), "none");
  EXPECT_EQ(substitute("${aws:username, 'none'}", &context_), "ana");
  EXPECT_EQ(substitute("${x,''}!", &context_), "!");
  EXPECT_EQ(substitute("${x, 'a}b'}!", &context_), "a}b!");
}

TEST_F(VariablesTest, HaveNoValueWithoutKeyOrWithSeveral) {
  EXPECT_EQ(substitute("${aws:PrincipalTag/cost}", &context_), std::nullopt);
  EXPECT_EQ(substitute("${x, unquoted}", &context_), std::nullopt);
  EXPECT_EQ(substitute("${aws:TagKeys}", &context_), std::nullopt);
  EXPECT_EQ(Pattern::compile("a*${aws:PrincipalTag/cost}", &context_), std::nullopt);
}

TEST_F(VariablesTest, NeverBringWildcards) {
  EXPECT_FALSE(Pattern::compile("${aws:PrincipalTag/team}", &context_)->matches("anything"));
  EXPECT_TRUE(Pattern::compile("${aws:PrincipalTag/team}", &context_)->matches("*"));
}

TEST_F(VariablesTest, NeverBringPartsOfAnArn) {
  const auto pattern = Pattern::compile("arn:aws:s3:::b/${aws:userid}/*", &context_);
  EXPECT_TRUE(pattern->matches_arn("arn:aws:s3:::b/AROA:session/x"));
  EXPECT_FALSE(Pattern::compile("arn:aws:iam::${aws:userid}", &context_)->matches_arn("arn:aws:iam::AROA:session"));
}

TEST_F(VariablesTest, EscapeTheSpecialCharacters) {
  const auto pattern = Pattern::compile("a${*}b${?}${$}{x}", &context_);
  EXPECT_TRUE(pattern->matches("a*b?${x}"));
  EXPECT_FALSE(pattern->matches("axxb?${x}"));
}

TEST_F(VariablesTest, ArePlainTextInOldDocuments) {
  EXPECT_EQ(substitute("${aws:username}", nullptr), "${aws:username}");
}

TEST_F(VariablesTest, LeaveUnfinishedOnesAsTheyAre) {
  EXPECT_EQ(substitute("${aws:username", &context_), "${aws:username");
  EXPECT_EQ(substitute("a$", &context_), "a$");
  EXPECT_EQ(substitute("${", &context_), "${");
}

}  // namespace
}  // namespace tollgate::policy
