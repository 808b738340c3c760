#include "server/api/sign_in.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace tollgate::api {
namespace {

using Answer = SignIn::Answer;
constexpr crypto::PasswordCost kCheap{1, 8U << 10};

class SignInLimits : public ::testing::Test {
 protected:
  Answer attempt(std::string_view account, std::string_view address, std::string_view password = "guess") {
    return last(account, address, password).answer;
  }
  SignIn::Verdict last(std::string_view account, std::string_view address, std::string_view password = "guess") {
    return sign_in.check("sign-in", account, address, Secret(password), hash);
  }

  tollgate::test::ManualClock clock;
  SignIn sign_in{clock,
                 {.cost = kCheap, .account = {3, std::chrono::minutes(6)}, .address = {5, std::chrono::minutes(1)}}};
  std::optional<std::string> hash = *crypto::hash_password(Secret("right"), kCheap);
};

TEST_F(SignInLimits, RightAndWrong) {
  EXPECT_EQ(attempt("ana", "192.0.2.1", "right"), Answer::right);
  EXPECT_EQ(attempt("ana", "192.0.2.1"), Answer::wrong);
  hash.reset();
  EXPECT_EQ(attempt("ana", "192.0.2.1", "right"), Answer::wrong);
  hash = "";
  EXPECT_EQ(attempt("ana", "192.0.2.1", ""), Answer::wrong);
}

TEST_F(SignInLimits, AnAccountHasSoManyTriesFromEverywhere) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(attempt("ana", fmt::format("192.0.2.{}", i)), Answer::wrong);
  const auto refused = last("ana", "192.0.2.9", "right");
  EXPECT_EQ(refused.answer, Answer::too_often);
  EXPECT_EQ(refused.retry_after, std::chrono::minutes(6));
  EXPECT_EQ(attempt("bob", "192.0.2.9"), Answer::wrong);
  clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(attempt("ana", "192.0.2.9", "right"), Answer::right);
  EXPECT_EQ(attempt("ana", "192.0.2.9", "right"), Answer::right);
}

TEST_F(SignInLimits, AnAddressHasSoManyTriesForAllAccounts) {
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(attempt(fmt::format("user{}", i), "2001:db8::1"), Answer::wrong);
  // The same network, and an address of its own beside it.
  EXPECT_EQ(attempt("ana", "2001:db8::ffff"), Answer::too_often);
  EXPECT_EQ(attempt("ana", "2001:db8:0:1::1"), Answer::wrong);
}

TEST_F(SignInLimits, WhoKnowsThePasswordIsNeverTooOften) {
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(attempt("ana", "192.0.2.1", "right"), Answer::right);
}

// 10,000 guesses at one account within an hour, by the limits that the server has.
TEST_F(SignInLimits, FewGuessesOfManyAreEvaluated) {
  SignIn strict(clock, {.cost = kCheap});
  int evaluated = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto verdict = strict.check("sign-in", "ana", fmt::format("10.0.{}.{}", i / 250, i % 250), Secret("x"), hash);
    if (verdict.answer == Answer::wrong) ++evaluated;
    clock.advance(std::chrono::milliseconds(359));
  }
  EXPECT_LE(evaluated, 20);
  EXPECT_GE(evaluated, 10);
}

TEST_F(SignInLimits, KeepsOnlySoManyBuckets) {
  SignIn small(clock, {.cost = kCheap, .known = 8});
  for (int i = 0; i < 100; ++i)
    (void)small.check("sign-in", fmt::format("user{}", i), fmt::format("192.0.2.{}", i), Secret("x"), hash);
  clock.advance(std::chrono::seconds(1));
  for (int i = 0; i < 10; ++i)
    (void)small.check("sign-in", "ana", fmt::format("198.51.100.{}", i), Secret("x"), hash);
  EXPECT_EQ(small.check("sign-in", "ana", "203.0.113.1", Secret("x"), hash).answer, Answer::too_often);
}

TEST(AddressGroup, IsTheNetworkOfIPv6) {
  EXPECT_EQ(address_group("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address_group("2001:db8::1"), address_group("2001:db8:0:0:1::"));
  EXPECT_NE(address_group("2001:db8::1"), address_group("2001:db8:1::1"));
  EXPECT_NE(address_group("::ffff:192.0.2.1"), address_group("::ffff:192.0.2.2"));
}

}  // namespace
}  // namespace tollgate::api
