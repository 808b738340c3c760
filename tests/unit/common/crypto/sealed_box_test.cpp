#include "common/crypto/sealed_box.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "common/base/encoding.h"

namespace tollgate::crypto {
namespace {

// Gives the bytes it was told to give.
class FixedRandom final : public RandomSource {
 public:
  explicit FixedRandom(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string bytes(std::size_t count) override { return bytes_.substr(0, count); }

 private:
  std::string bytes_;
};

// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
TEST(SealedBox, AgreesWithThePublishedVector) {
  const Secret key(*hex_decode("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
  const std::string nonce = *hex_decode("404142434445464748494a4b4c4d4e4f5051525354555657");
  const std::string aad = *hex_decode("50515253c0c1c2c3c4c5c6c7");
  const std::string plaintext =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  FixedRandom random(nonce);
  const std::string sealed = seal(key, plaintext, aad, random);
  EXPECT_EQ(
      hex_encode(sealed),
      "404142434445464748494a4b4c4d4e4f5051525354555657"
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54"
      "c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f6"
      "15c68b13b52ec0875924c1c7987947deafd8780acf49");
  const auto opened = open(key, sealed, aad);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->reveal(), plaintext);
}

TEST(SealedBox, OpensEverySizeItSealed) {
  SystemRandom random;
  const Secret key = generate_seal_key(random);
  EXPECT_EQ(key.size(), kSealKeyBytes);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2048}, std::size_t{100000}}) {
    const std::string plaintext(size, 'p');
    const std::string sealed = seal(key, plaintext, "place", random);
    EXPECT_EQ(sealed.size(), size + kSealOverheadBytes);
    const auto opened = open(key, sealed, "place");
    ASSERT_TRUE(opened) << size;
    EXPECT_EQ(opened->reveal(), plaintext);
  }
  EXPECT_NE(seal(key, "same", "place", random), seal(key, "same", "place", random)) << "a nonce must not repeat";
}

TEST(SealedBox, RefusesEveryChangedByte) {
  SystemRandom random;
  const Secret key = generate_seal_key(random);
  const std::string sealed = seal(key, "secret", "place", random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto opened = open(key, changed, "place");
    ASSERT_FALSE(opened) << i;
    EXPECT_EQ(opened.error().reason, "sealed_box_refused");
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(open(key, std::string_view(sealed).substr(0, size), "place")) << size;
  }
}

TEST(SealedBox, IsBoundToKeyAndPlace) {
  SystemRandom random;
  const Secret key = generate_seal_key(random);
  const std::string sealed = seal(key, "secret", "table|row|1", random);
  EXPECT_FALSE(open(key, sealed, "table|row|2"));
  EXPECT_FALSE(open(generate_seal_key(random), sealed, "table|row|1"));
  EXPECT_THROW(seal(Secret("short"), "x", "", random), std::invalid_argument);
  EXPECT_THROW((void)open(Secret("short"), sealed, ""), std::invalid_argument);
}

}  // namespace
}  // namespace tollgate::crypto
