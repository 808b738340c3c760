#include "common/crypto/password_key.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/encoding.h"

namespace tollgate::crypto {
namespace {

PasswordKeyParameters cheap() {
  PasswordKeyParameters parameters;
  parameters.passes = 1;
  parameters.memory_bytes = 64U << 10;
  parameters.salt = std::string(kPasswordSaltBytes, 's');
  return parameters;
}

TEST(PasswordKey, DependsOnEveryInput) {
  const auto key = derive_password_key(Secret("correct horse"), cheap());
  ASSERT_TRUE(key);
  EXPECT_EQ(key->size(), 32U);
  EXPECT_EQ(*key, *derive_password_key(Secret("correct horse"), cheap()));
  EXPECT_FALSE(*key == *derive_password_key(Secret("battery staple"), cheap()));
  auto other = cheap();
  other.passes = 2;
  EXPECT_FALSE(*key == *derive_password_key(Secret("correct horse"), other));
  other = cheap();
  other.salt[0] = 't';
  EXPECT_FALSE(*key == *derive_password_key(Secret("correct horse"), other));
}

// The value is libargon2's: argon2 somesaltsomesalt -id -t 2 -m 16 -p 1 -l 32.
TEST(PasswordKey, AgreesWithTheReferenceImplementation) {
  PasswordKeyParameters parameters;
  parameters.passes = 2;
  parameters.memory_bytes = 64U << 20;
  parameters.salt = "somesaltsomesalt";
  const auto key = derive_password_key(Secret("password"), parameters);
  ASSERT_TRUE(key);
  EXPECT_EQ(hex_encode(key->reveal()), "fc33b78139231d34b71626bd6245c1d72efa190ad605c3d8166a72adcedfa2c2");
}

TEST(PasswordKey, RefusesParametersThatWouldHurt) {
  for (const auto change : {0, 1, 2, 3, 4}) {
    auto parameters = cheap();
    if (change == 0) parameters.passes = 0;
    if (change == 1) parameters.passes = kMaxPasswordPasses + 1;
    if (change == 2) parameters.memory_bytes = 1024;
    if (change == 3) parameters.memory_bytes = kMaxPasswordMemoryBytes + 1;
    if (change == 4) parameters.salt = "short";
    const auto key = derive_password_key(Secret("x"), parameters);
    ASSERT_FALSE(key) << change;
    EXPECT_EQ(key.error().code, Code::invalid);
  }
}

}  // namespace
}  // namespace tollgate::crypto
