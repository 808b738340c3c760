#include "common/base/encoding.h"

#include <gtest/gtest.h>

#include "common/base/secret.h"

namespace tollgate {
namespace {

TEST(Encoding, RoundTripsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i)
    bytes.push_back(static_cast<char>(i));
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const std::string part = bytes.substr(0, length);
    EXPECT_EQ(hex_decode(hex_encode(part)), part);
    EXPECT_EQ(base64_decode(base64_encode(part)), part);
    EXPECT_EQ(base64url_decode(base64url_encode(part)), part);
    EXPECT_EQ(base32_decode(base32_encode(part)), part);
    EXPECT_EQ(percent_decode(percent_encode(part)), part);
  }
}

TEST(Encoding, KnownAnswersOfRfc4648) {
  EXPECT_EQ(base64_encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base32_encode("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(base32_decode("mzxw 6ytb-oi======"), "foobar");
}

TEST(Encoding, RefusesWhatIsNotTheEncoding) {
  EXPECT_FALSE(hex_decode("abc"));
  EXPECT_FALSE(base64_decode("Zm9vYmE"));
  EXPECT_FALSE(base64_decode("Zm9=YmE="));
  EXPECT_FALSE(base64_decode("Zm9vYmF="));  // bits that nobody reads
  EXPECT_FALSE(base32_decode("a1"));
  EXPECT_FALSE(percent_decode("%4"));
  EXPECT_FALSE(percent_decode("%zz"));
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
}

TEST(Secret, IsWipedAndCompared) {
  std::string text = "hunter2hunter2hunter2hunter2";
  Secret secret = Secret::take(std::move(text));
  EXPECT_EQ(secret.reveal(), "hunter2hunter2hunter2hunter2");
  EXPECT_TRUE(secret == Secret("hunter2hunter2hunter2hunter2"));
  EXPECT_FALSE(secret == Secret("x"));
  const Secret moved = std::move(secret);
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): being empty is the promise
  EXPECT_EQ(last_four("AKIAIOSFODNN7EXAMPLE"), "…MPLE");
}

}  // namespace
}  // namespace tollgate
