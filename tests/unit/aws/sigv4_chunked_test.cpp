#include "aws/sigv4_chunked.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate::aws {
namespace {

const Secret kSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
const std::string kBody(66560, 'a');

// The worked examples of the S3 API Reference, "Transferring Payload in Multiple Chunks (Chunked Upload)" and
// "... Including Trailing Headers": 65 KiB of the letter a in chunks of 64 KiB.
Authorization example(std::string payload_hash, std::string seed) {
  Authorization authorization;
  authorization.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  authorization.date = "20130524";
  authorization.scope = {"us-east-1", "s3"};
  authorization.time = *parse_amz_date("20130524T000000Z");
  authorization.payload_hash = std::move(payload_hash);
  authorization.signature = std::move(seed);
  return authorization;
}

Authorization plain_example() {
  return example("STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                 "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
}

std::string plain_encoded() {
  return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
         kBody.substr(0, 65536) +
         "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
         kBody.substr(65536) +
         "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

Authorization trailer_example() {
  return example("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                 "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
}

std::string trailer_encoded() {
  return "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" +
         kBody.substr(0, 65536) +
         "\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" +
         kBody.substr(65536) +
         "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
         "x-amz-checksum-crc32c:sOO8/Q==\r\n"
         "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
}

TEST(SigV4Chunked, SignsAndDecodesTheExampleOfS3) {
  EXPECT_EQ(encode_signed_chunks(kBody, 65536, plain_example(), kSecret), plain_encoded());
  const auto decoded = decode_chunked(plain_encoded(), plain_example(), kSecret);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->body, kBody);
  EXPECT_TRUE(decoded->trailers.empty());
}

TEST(SigV4Chunked, DecodesSignedTrailers) {
  const auto decoded = decode_chunked(trailer_encoded(), trailer_example(), kSecret);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->body, kBody);
  EXPECT_EQ(decoded->trailers, (net::Headers{{"x-amz-checksum-crc32c", "sOO8/Q=="}}));
}

TEST(SigV4Chunked, DecodesUnsignedTrailers) {
  const auto authorization = example("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "seed");
  const auto decoded = decode_chunked("5\r\nhello\r\n6\r\n world\r\n0\r\nX-Amz-Checksum-Crc32: DUoRhQ==\r\n\r\n",
                                      authorization, kSecret);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->body, "hello world");
  EXPECT_EQ(decoded->trailers, (net::Headers{{"x-amz-checksum-crc32", "DUoRhQ=="}}));
  EXPECT_EQ(decode_chunked("0\r\n\r\n", authorization, kSecret)->body, "");
}

TEST(SigV4Chunked, RefusesWhatWasChanged) {
  const auto reason = [](std::string encoded, const Authorization& authorization) {
    const auto decoded = decode_chunked(encoded, authorization, kSecret);
    return decoded ? std::string() : decoded.error().reason;
  };
  std::string changed = plain_encoded();
  changed[200] = 'b';
  EXPECT_EQ(reason(changed, plain_example()), "SignatureDoesNotMatch");
  EXPECT_EQ(reason(plain_encoded(), trailer_example()), "SignatureDoesNotMatch");
  changed = trailer_encoded();
  changed.replace(changed.find("sOO8"), 4, "sOO9");
  EXPECT_EQ(reason(changed, trailer_example()), "SignatureDoesNotMatch");
  changed = trailer_encoded();
  changed.erase(changed.find("x-amz-trailer"));
  EXPECT_EQ(reason(changed, trailer_example()), "SignatureDoesNotMatch");
  EXPECT_EQ(reason("0\r\n\r\n", plain_example()), "SignatureDoesNotMatch") << "an unsigned chunk";
  EXPECT_EQ(reason("0\r\n\r\n", example("UNSIGNED-PAYLOAD", "seed")), "IncompleteBody");
}

TEST(SigV4Chunked, RefusesEveryTornBody) {
  const std::string whole = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
  const auto authorization = example("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "seed");
  const std::size_t end_of_data = whole.find("x-amz");
  for (std::size_t size = 0; size < end_of_data; ++size) {
    const auto decoded = decode_chunked(whole.substr(0, size), authorization, kSecret);
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().reason, "IncompleteBody");
  }
  for (const std::string bad : {"x\r\n", ";\r\n", "-1\r\n", "ffffffffffffffff\r\nab\r\n0\r\n\r\n",
                                "fffffffffffffffff\r\n", "5\r\nhelloXX0\r\n\r\n", "0\r\nno colon\r\n\r\n"}) {
    EXPECT_FALSE(decode_chunked(bad, authorization, kSecret)) << bad;
  }
}

}  // namespace
}  // namespace tollgate::aws
