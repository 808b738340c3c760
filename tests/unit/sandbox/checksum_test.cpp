#include "sandbox/checksum.h"

#include <gtest/gtest.h>

#include "common/base/encoding.h"

namespace tollgate::sandbox {
namespace {

// The check values of the catalogue of parametrised CRC algorithms (CRC RevEng) and RFC 1321 A.5.
TEST(Checksum, AgreesWithPublishedValues) {
  constexpr std::string_view kCheck = "123456789";
  EXPECT_EQ(hex_encode(crc32(kCheck)), "cbf43926");
  EXPECT_EQ(hex_encode(crc32c(kCheck)), "e3069283");
  EXPECT_EQ(hex_encode(crc64nvme(kCheck)), "ae8b14860a799888");
  EXPECT_EQ(hex_encode(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex_encode(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Checksum, IsFoundByName) {
  for (const char* name : {"crc32", "crc32c", "crc64nvme", "sha1", "sha256"})
    EXPECT_TRUE(checksum(name, "x")) << name;
  EXPECT_FALSE(checksum("type", "x"));
}

}  // namespace
}  // namespace tollgate::sandbox
