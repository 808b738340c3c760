#include "common/crypto/derived_key.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "common/crypto/hash.h"

namespace tollgate::crypto {
namespace {

TEST(DerivedKey, DependsOnTheMasterKeyAndThePurpose) {
  const Secret master(std::string(32, 'a'));
  const Secret key = derive_key(master, "rows");
  EXPECT_EQ(key.size(), 32U);
  EXPECT_EQ(key, derive_key(master, "rows"));
  EXPECT_FALSE(key == derive_key(master, "blobs"));
  EXPECT_FALSE(key == derive_key(Secret(std::string(32, 'b')), "rows"));
  EXPECT_NE(std::string(key.reveal()), keyed_hash(master, "", "rows"));
}

TEST(DerivedKey, RefusesAKeyThatIsNoKey) {
  EXPECT_THROW(derive_key(Secret("short"), "rows"), std::invalid_argument);
}

}  // namespace
}  // namespace tollgate::crypto
