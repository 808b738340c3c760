#include <gtest/gtest.h>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::crypto {
namespace {

// RFC 1321, A.5.
TEST(Md5, AnswersAsTheStandardsTestSuite) {
  EXPECT_EQ(hex_encode(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex_encode(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex_encode(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(hex_encode(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890")),
            "57edf4a22be3c955ac49da2e2107b67a");
}

}  // namespace
}  // namespace tollgate::crypto
