#include "sandbox/policy/condition.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace tollgate::policy {
namespace {

using Values = std::optional<std::vector<std::string>>;
const Values kAbsent = std::nullopt;

struct Case {
  std::string name;
  std::string operator_text;
  std::vector<std::string> want;
  Values have;
  bool holds;
};

Condition condition_of(std::string_view text, std::vector<std::string> values) {
  Condition condition;
  if (text.substr(0, 13) == "ForAllValues:") {
    condition.set_operator = SetOperator::for_all_values;
    text.remove_prefix(13);
  } else if (text.substr(0, 12) == "ForAnyValue:") {
    condition.set_operator = SetOperator::for_any_value;
    text.remove_prefix(12);
  }
  if (text.size() > 8 && text.substr(text.size() - 8) == "IfExists") {
    condition.if_exists = true;
    text.remove_suffix(8);
  }
  condition.operator_name = text;
  condition.key = "aws:Key";
  condition.values = std::move(values);
  return condition;
}

class ConditionTest : public testing::TestWithParam<Case> {};

TEST_P(ConditionTest, HoldsOrNot) {
  Context context;
  context.set("aws:username", "ana");
  if (GetParam().have) context.set("AWS:kEY", *GetParam().have);
  const Condition condition = condition_of(GetParam().operator_text, GetParam().want);
  ASSERT_TRUE(is_condition_operator(condition.operator_name));
  EXPECT_EQ(holds(condition, true, context), GetParam().holds) << describe(condition, context);
}

const auto kName = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(Bool, ConditionTest,
                         testing::Values(Case{"True", "Bool", {"true"}, Values{{"true"}}, true},
                                         Case{"False", "Bool", {"true"}, Values{{"false"}}, false},
                                         Case{"Absent", "Bool", {"true"}, kAbsent, false},
                                         Case{"FalseAbsent", "Bool", {"false"}, kAbsent, false},
                                         Case{"IfExistsAbsent", "BoolIfExists", {"true"}, kAbsent, true},
                                         Case{"IfExistsFalse", "BoolIfExists", {"true"}, Values{{"false"}}, false},
                                         Case{"OtherCase", "Bool", {"TRUE"}, Values{{"true"}}, true},
                                         Case{"Empty", "Bool", {"false"}, Values{{""}}, false},
                                         Case{"NoBoolean", "Bool", {"yes"}, Values{{"yes"}}, false},
                                         Case{"EitherWay", "Bool", {"true", "false"}, Values{{"false"}}, true}),
                         kName);

INSTANTIATE_TEST_SUITE_P(
    Null, ConditionTest,
    testing::Values(Case{"MustBeAbsent", "Null", {"true"}, kAbsent, true},
                    Case{"MustBeAbsentButIsThere", "Null", {"true"}, Values{{"x"}}, false},
                    Case{"MustBeThere", "Null", {"false"}, Values{{"x"}}, true},
                    Case{"MustBeThereButIsAbsent", "Null", {"false"}, kAbsent, false},
                    Case{"EmptyTextIsThere", "Null", {"false"}, Values{{""}}, true},
                    Case{"EmptySetIsNull", "Null", {"true"}, Values{std::vector<std::string>{}}, true}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    String, ConditionTest,
    testing::Values(Case{"Equals", "StringEquals", {"abc"}, Values{{"abc"}}, true},
                    Case{"EqualsCase", "StringEquals", {"abc"}, Values{{"ABC"}}, false},
                    Case{"EqualsOneOf", "StringEquals", {"x", "abc"}, Values{{"abc"}}, true},
                    Case{"EqualsIsNoPattern", "StringEquals", {"a*"}, Values{{"abc"}}, false},
                    Case{"EqualsStar", "StringEquals", {"a*"}, Values{{"a*"}}, true},
                    Case{"EqualsVariable", "StringEquals", {"${aws:username}"}, Values{{"ana"}}, true},
                    Case{"EqualsUnknownVariable", "StringEquals", {"${aws:x}"}, Values{{"${aws:x}"}}, false},
                    Case{"EqualsNothing", "StringEquals", {}, Values{{"abc"}}, false},
                    Case{"EqualsAbsent", "StringEquals", {""}, kAbsent, false},
                    Case{"EqualsEmpty", "StringEquals", {""}, Values{{""}}, true},
                    Case{"NotEquals", "StringNotEquals", {"abc"}, Values{{"xyz"}}, true},
                    Case{"NotEqualsAnyOf", "StringNotEquals", {"xyz", "abc"}, Values{{"abc"}}, false},
                    Case{"NotEqualsAbsent", "StringNotEquals", {"abc"}, kAbsent, true},
                    Case{"IgnoreCase", "StringEqualsIgnoreCase", {"aBc"}, Values{{"AbC"}}, true},
                    Case{"NotIgnoreCase", "StringNotEqualsIgnoreCase", {"aBc"}, Values{{"AbC"}}, false},
                    Case{"Like", "StringLike", {"a*"}, Values{{"abc"}}, true},
                    Case{"LikeOne", "StringLike", {"a?c"}, Values{{"abc"}}, true},
                    Case{"LikeVariable", "StringLike", {"${aws:username}-*"}, Values{{"ana-1"}}, true},
                    Case{"LikeEscaped", "StringLike", {"${*}"}, Values{{"abc"}}, false},
                    Case{"NotLike", "StringNotLike", {"a*"}, Values{{"abc"}}, false},
                    Case{"NotLikeAbsent", "StringNotLike", {"a*"}, kAbsent, true},
                    Case{"NotLikeIfExistsAbsent", "StringNotLikeIfExists", {"*"}, kAbsent, true}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Numeric, ConditionTest,
    testing::Values(Case{"Equals", "NumericEquals", {"10"}, Values{{"10.0"}}, true},
                    Case{"NotEquals", "NumericNotEquals", {"10"}, Values{{"10"}}, false},
                    Case{"NotEqualsAbsent", "NumericNotEquals", {"10"}, kAbsent, true},
                    Case{"Less", "NumericLessThan", {"10"}, Values{{"9.5"}}, true},
                    Case{"LessAtTheLimit", "NumericLessThan", {"10"}, Values{{"10"}}, false},
                    Case{"LessOrEqual", "NumericLessThanEquals", {"10"}, Values{{"10"}}, true},
                    Case{"Greater", "NumericGreaterThan", {"10"}, Values{{"11"}}, true},
                    Case{"GreaterOrEqual", "NumericGreaterThanEquals", {"10"}, Values{{"10"}}, true},
                    Case{"NumbersAreNotTexts", "NumericLessThan", {"10"}, Values{{"9"}}, true},
                    Case{"Negative", "NumericLessThan", {"0"}, Values{{"-1"}}, true},
                    Case{"NoNumber", "NumericLessThan", {"10"}, Values{{"nine"}}, false},
                    Case{"TrailingText", "NumericLessThan", {"10"}, Values{{"9 apples"}}, false},
                    Case{"Nan", "NumericNotEquals", {"nan"}, Values{{"nan"}}, true},
                    Case{"LessAbsent", "NumericLessThan", {"3600"}, kAbsent, false},
                    Case{"LessIfExistsAbsent", "NumericLessThanIfExists", {"3600"}, kAbsent, true}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Date, ConditionTest,
    testing::Values(
        Case{"Less", "DateLessThan", {"2026-01-01T00:00:00Z"}, Values{{"2025-12-31T23:59:59Z"}}, true},
        Case{"LessNot", "DateLessThan", {"2026-01-01T00:00:00Z"}, Values{{"2026-01-01T00:00:00Z"}}, false},
        Case{"LessOrEqual", "DateLessThanEquals", {"2026-01-01T00:00:00Z"}, Values{{"2026-01-01T00:00:00Z"}}, true},
        Case{"Greater", "DateGreaterThan", {"2026-01-01"}, Values{{"2026-01-01T00:00:01Z"}}, true},
        Case{"GreaterOrEqual", "DateGreaterThanEquals", {"2026-01"}, Values{{"2026-01-01T00:00:00Z"}}, true},
        Case{"EqualsEpoch", "DateEquals", {"1767225600"}, Values{{"2026-01-01T00:00:00Z"}}, true},
        Case{"NotEquals", "DateNotEquals", {"1767225600"}, Values{{"2026-01-01T00:00:00Z"}}, false},
        Case{"Offset", "DateEquals", {"2026-01-01T02:00:00+02:00"}, Values{{"2026-01-01T00:00:00Z"}}, true},
        Case{"Minutes", "DateEquals", {"2026-01-01T00:00Z"}, Values{{"2026-01-01T00:00:00Z"}}, true},
        Case{"HugeEpoch", "DateLessThan", {"9223372036854775807"}, Values{{"2026-01-01T00:00:00Z"}}, true},
        Case{"NoDate", "DateLessThan", {"tomorrow"}, Values{{"2026-01-01T00:00:00Z"}}, false},
        Case{"Absent", "DateLessThan", {"2026-01-01T00:00:00Z"}, kAbsent, false}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    IpAddress, ConditionTest,
    testing::Values(Case{"Inside", "IpAddress", {"10.0.0.0/8"}, Values{{"10.255.0.1"}}, true},
                    Case{"Outside", "IpAddress", {"10.0.0.0/8"}, Values{{"11.0.0.1"}}, false},
                    Case{"OddPrefix", "IpAddress", {"192.0.2.128/25"}, Values{{"192.0.2.129"}}, true},
                    Case{"OddPrefixOutside", "IpAddress", {"192.0.2.128/25"}, Values{{"192.0.2.127"}}, false},
                    Case{"Everything", "IpAddress", {"0.0.0.0/0"}, Values{{"203.0.113.9"}}, true},
                    Case{"Alone", "IpAddress", {"192.0.2.1"}, Values{{"192.0.2.1"}}, true},
                    Case{"AloneOther", "IpAddress", {"192.0.2.1"}, Values{{"192.0.2.2"}}, false},
                    Case{"OneOf", "IpAddress", {"192.0.2.0/24", "198.51.100.0/24"}, Values{{"198.51.100.7"}}, true},
                    Case{"V6", "IpAddress", {"2001:db8::/32"}, Values{{"2001:DB8:1::1"}}, true},
                    Case{"V6Outside", "IpAddress", {"2001:db8::/32"}, Values{{"2001:db9::1"}}, false},
                    Case{"V6AgainstV4", "IpAddress", {"0.0.0.0/0"}, Values{{"::1"}}, false},
                    Case{"PrefixTooLong", "IpAddress", {"10.0.0.0/33"}, Values{{"10.0.0.0"}}, false},
                    Case{"PrefixMissing", "IpAddress", {"10.0.0.0/"}, Values{{"10.0.0.0"}}, false},
                    Case{"NoAddress", "IpAddress", {"ten"}, Values{{"10.0.0.0"}}, false},
                    Case{"Not", "NotIpAddress", {"10.0.0.0/8"}, Values{{"11.0.0.5"}}, true},
                    Case{"NotInside", "NotIpAddress", {"10.0.0.0/8"}, Values{{"10.0.0.5"}}, false},
                    Case{"NotAbsent", "NotIpAddress", {"10.0.0.0/8"}, kAbsent, true}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Arn, ConditionTest,
    testing::Values(
        Case{"Like", "ArnLike", {"arn:aws:iam::*:role/ci-*"}, Values{{"arn:aws:iam::123456789012:role/ci-1"}}, true},
        Case{"EqualsTakesWildcardsToo",
             "ArnEquals",
             {"arn:aws:iam::*:role/ci"},
             Values{{"arn:aws:iam::123456789012:role/ci"}},
             true},
        Case{"PartByPart", "ArnLike", {"arn:aws:iam:*/ci"}, Values{{"arn:aws:iam::123456789012:role/ci"}}, false},
        Case{"NoArn", "ArnLike", {"arn:aws:iam::*"}, Values{{"ci"}}, false},
        Case{"NotLike", "ArnNotLike", {"arn:aws:iam::*:role/ci"}, Values{{"arn:aws:iam::123456789012:role/ci"}}, false},
        Case{"NotEqualsAbsent", "ArnNotEquals", {"arn:aws:iam::*:role/ci"}, kAbsent, true}),
    kName);

INSTANTIATE_TEST_SUITE_P(Binary, ConditionTest,
                         testing::Values(Case{"Equals", "BinaryEquals", {"QUI="}, Values{{"QUI="}}, true},
                                         Case{"Differs", "BinaryEquals", {"QUI="}, Values{{"QUM="}}, false},
                                         Case{"NoBase64", "BinaryEquals", {"?"}, Values{{"?"}}, false}),
                         kName);

INSTANTIATE_TEST_SUITE_P(
    Sets, ConditionTest,
    testing::Values(Case{"AllOfThem", "ForAllValues:StringEquals", {"a", "b"}, Values{{"a", "b"}}, true},
                    Case{"AllButOne", "ForAllValues:StringEquals", {"a", "b"}, Values{{"a", "c"}}, false},
                    Case{"AllOfNone", "ForAllValues:StringEquals", {"a"}, Values{std::vector<std::string>{}}, true},
                    Case{"AllAbsent", "ForAllValues:StringEquals", {"a"}, kAbsent, true},
                    Case{"AllNotEqual", "ForAllValues:StringNotEquals", {"x"}, Values{{"a", "b"}}, true},
                    Case{"AllNotEqualButOne", "ForAllValues:StringNotEquals", {"a"}, Values{{"a", "b"}}, false},
                    Case{"AllLike", "ForAllValues:StringLike", {"a*"}, Values{{"a1", "a2"}}, true},
                    Case{"Any", "ForAnyValue:StringEquals", {"a"}, Values{{"x", "a"}}, true},
                    Case{"AnyNone", "ForAnyValue:StringEquals", {"a"}, Values{{"x", "y"}}, false},
                    Case{"AnyAbsent", "ForAnyValue:StringEquals", {"a"}, kAbsent, false},
                    Case{"AnyOfNone", "ForAnyValue:StringEquals", {"a"}, Values{std::vector<std::string>{}}, false},
                    Case{"AnyNotEqual", "ForAnyValue:StringNotEquals", {"a"}, Values{{"a", "b"}}, true},
                    Case{"AnyNotEqualAbsent", "ForAnyValue:StringNotEquals", {"a"}, kAbsent, false},
                    Case{"AnyIfExistsAbsent", "ForAnyValue:StringEqualsIfExists", {"a"}, kAbsent, true},
                    Case{"SeveralWithoutSetOperator", "StringEquals", {"a"}, Values{{"x", "a"}}, true},
                    Case{"SeveralNotEqualWithoutSetOperator", "StringNotEquals", {"a"}, Values{{"x", "a"}}, false}),
    kName);

TEST(ConditionTest, OldDocumentsKnowNoVariables) {
  Context context;
  context.set("aws:username", "ana");
  context.set("aws:Key", "ana");
  EXPECT_FALSE(holds(condition_of("StringEquals", {"${aws:username}"}), false, context));
}

TEST(ConditionTest, OperatorsAreKnownByTheirExactNames) {
  EXPECT_TRUE(is_condition_operator("StringLike"));
  EXPECT_FALSE(is_condition_operator("stringlike"));
  EXPECT_FALSE(is_condition_operator("StringLikeIfExists"));
  EXPECT_FALSE(is_condition_operator(""));
}

TEST(ConditionTest, DescribesWhatWasAskedAndWhatWasThere) {
  Context context;
  EXPECT_EQ(describe(condition_of("Bool", {"true"}), context),
            "Bool aws:Key \"true\", and the request has no such key");
  context.set("aws:key", std::vector<std::string>{"a", "b"});
  EXPECT_EQ(describe(condition_of("ForAnyValue:StringEqualsIfExists", {"c"}), context),
            "ForAnyValue:StringEqualsIfExists aws:Key \"c\", and the request has [\"a\", \"b\"]");
}

}  // namespace
}  // namespace tollgate::policy
