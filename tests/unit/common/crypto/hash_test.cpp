#include "common/crypto/hash.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "common/base/encoding.h"

namespace tollgate::crypto {
namespace {

struct DigestCase {
  std::string name;
  std::string input;
  std::string sha256;
  std::string sha1;
};

// FIPS 180 example values; the empty input is in every implementation's tests.
const std::vector<DigestCase>& digest_cases() {
  static const std::vector<DigestCase> cases = {
      {"empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
       "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {"abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
       "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {"two_blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
      {"million_a", std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
       "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
  };
  return cases;
}

TEST(Hash, AgreesWithFips180) {
  for (const auto& one : digest_cases()) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(sha256_hex(one.input), one.sha256);
    EXPECT_EQ(hex_encode(sha256(one.input)), one.sha256);
    EXPECT_EQ(hex_encode(sha1(one.input)), one.sha1);
  }
}

TEST(Hash, Sha1PadsEveryLengthAroundABlock) {
  // Each length is compared with a second way of reaching it: HMAC under an empty key, by RFC 2104's definition.
  for (std::size_t length = 50; length < 140; ++length) {
    const std::string text(length, 'x');
    EXPECT_EQ(hmac_sha1("", text), sha1(std::string(64, '\x5c') + sha1(std::string(64, '\x36') + text))) << length;
  }
}

TEST(Hash, PiecesHashAsTheWhole) {
  Sha256 hash;
  const std::string text = digest_cases()[2].input;
  for (const char c : text)
    hash.update({&c, 1});
  EXPECT_EQ(hex_encode(hash.finish()), digest_cases()[2].sha256);
  EXPECT_EQ(hex_encode(hash.update("abc").finish()), digest_cases()[1].sha256) << "finish() must start over";
}

struct HmacCase {
  std::string name;
  std::string key;
  std::string data;
  std::string sha256;
  std::string sha1;
};

TEST(Hash, HmacAgreesWithRfc2202And4231) {
  const std::string key_25 = *hex_decode("0102030405060708090a0b0c0d0e0f10111213141516171819");
  const std::string long_data =
      "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed "
      "before being used by the HMAC algorithm.";
  const std::vector<HmacCase> cases = {
      {"one_sha256", std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", "b617318655057264e28bc0b6fb378c8ef146be00"},
      {"jefe", "Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {"dd", std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
      {"cd", key_25, std::string(50, '\xcd'), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
       "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
      {"large_key_131", std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", ""},
      {"large_key_and_data", std::string(131, '\xaa'), long_data,
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", ""},
      {"large_key_80", std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First", "",
       "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    if (!one.sha256.empty()) {
      EXPECT_EQ(hex_encode(hmac_sha256(one.key, one.data)), one.sha256);
    }
    if (!one.sha1.empty()) {
      EXPECT_EQ(hex_encode(hmac_sha1(one.key, one.data)), one.sha1);
    }
  }
}

TEST(Hash, HmacSha512AgreesWithRfc4231) {
  EXPECT_EQ(
      hex_encode(hmac_sha512(std::string(20, '\x0b'), "Hi There")),
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f17"
      "02e696c203a126854");
  EXPECT_EQ(
      hex_encode(hmac_sha512("Jefe", "what do ya want for nothing?")),
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4"
      "b636e070a38bce737");
  EXPECT_EQ(
      hex_encode(hmac_sha512(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0ae"
      "c8b915a985d786598");
}

TEST(Hash, KeyedHashSeparatesKeysContextsAndBytes) {
  const Secret key(std::string(32, 'k'));
  const std::string base = keyed_hash(key, "name", "bytes");
  EXPECT_EQ(base.size(), 32U);
  EXPECT_EQ(base, keyed_hash(key, "name", "bytes"));
  EXPECT_NE(base, keyed_hash(Secret(std::string(32, 'l')), "name", "bytes"));
  EXPECT_NE(base, keyed_hash(key, "nameb", "ytes")) << "moving a byte from the text to the context must show";
  EXPECT_NE(base, keyed_hash(key, "name", "byte"));
  EXPECT_THROW(keyed_hash(Secret("short"), "name", "bytes"), std::invalid_argument);
}

TEST(Hash, ConstantTimeEqualComparesContentAndLength) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "abcd"));
}

}  // namespace
}  // namespace tollgate::crypto
