#include <bit>
#include <cstdint>

#include "common/crypto/hash.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kBlock = 64;

// FIPS 180-4 6.1.2.
void compress(std::array<std::uint32_t, 5>& hash, const char* block) {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t t = 0; t < 16; ++t) {
    for (std::size_t i = 0; i < 4; ++i)
      w[t] = (w[t] << 8) | static_cast<unsigned char>(block[4 * t + i]);
  }
  for (std::size_t t = 16; t < 80; ++t)
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  auto [a, b, c, d, e] = hash;
  for (std::size_t t = 0; t < 80; ++t) {
    std::uint32_t f = 0;
    std::uint32_t k = 0;
    if (t < 20) {
      f = (b & c) | (~b & d);
      k = 0x5a827999;
    } else if (t < 40) {
      f = b ^ c ^ d;
      k = 0x6ed9eba1;
    } else if (t < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8f1bbcdc;
    } else {
      f = b ^ c ^ d;
      k = 0xca62c1d6;
    }
    const std::uint32_t next = std::rotl(a, 5) + f + e + k + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
}

}  // namespace

std::string sha1(std::string_view bytes) {
  std::array<std::uint32_t, 5> hash = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock)
    compress(hash, bytes.data() + at);
  std::string tail(bytes.substr(at));
  tail.push_back('\x80');
  while (tail.size() % kBlock != kBlock - 8)
    tail.push_back('\0');
  const std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
  for (int shift = 56; shift >= 0; shift -= 8)
    tail.push_back(static_cast<char>(bits >> shift));
  for (at = 0; at < tail.size(); at += kBlock)
    compress(hash, tail.data() + at);
  wipe(tail);
  std::string digest;
  for (const std::uint32_t word : hash) {
    for (int shift = 24; shift >= 0; shift -= 8)
      digest.push_back(static_cast<char>(word >> shift));
  }
  return digest;
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  std::string block = key.size() > kBlock ? sha1(key) : std::string(key);
  block.resize(kBlock, '\0');
  std::string inner;
  inner.reserve(kBlock + bytes.size());
  std::string outer;
  outer.reserve(kBlock + 20);
  for (const char c : block) {
    inner.push_back(static_cast<char>(c ^ 0x36));
    outer.push_back(static_cast<char>(c ^ 0x5c));
  }
  inner += bytes;
  outer += sha1(inner);
  std::string digest = sha1(outer);
  wipe(block);
  wipe(inner);
  wipe(outer);
  return digest;
}

}  // namespace tollgate::crypto
