#include "common/crypto/password_hash.h"

#include <gtest/gtest.h>

namespace tollgate::crypto {
namespace {

// Cheap: the tests are about the form, not the cost.
constexpr PasswordCost kCheap{1, 8U << 10};

TEST(PasswordHash, FitsItsPasswordAlone) {
  const auto hash = hash_password(Secret("correct horse"), kCheap);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->rfind("$argon2id$", 0), 0U);
  EXPECT_TRUE(password_fits(Secret("correct horse"), *hash));
  EXPECT_FALSE(password_fits(Secret("correct hors"), *hash));
  EXPECT_FALSE(password_fits(Secret(""), *hash));
}

TEST(PasswordHash, IsAnotherOneEachTime) {
  EXPECT_NE(*hash_password(Secret("x"), kCheap), *hash_password(Secret("x"), kCheap));
}

TEST(PasswordHash, WhatIsNoHashFitsNothing) {
  for (const std::string& text :
       {std::string(), std::string("$argon2id$"), std::string("plain"), std::string(500, 'a')}) {
    EXPECT_FALSE(password_fits(Secret(""), text)) << text;
    EXPECT_FALSE(password_fits(Secret("plain"), text)) << text;
  }
}

TEST(PasswordHash, SaysWhenItIsOfAnotherCost) {
  const std::string hash = *hash_password(Secret("x"), kCheap);
  EXPECT_FALSE(needs_new_hash(hash, kCheap));
  EXPECT_TRUE(needs_new_hash(hash, PasswordCost{2, 8U << 10}));
  EXPECT_TRUE(needs_new_hash("plain", kCheap));
}

}  // namespace
}  // namespace tollgate::crypto
