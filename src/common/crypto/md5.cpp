#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "common/crypto/hash.h"

namespace tollgate::crypto {

namespace {

constexpr std::array<std::array<int, 4>, 4> kShifts{
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

// RFC 1321, 3.4: the integer part of 2^32 times |sin(i)|.
std::array<std::uint32_t, 64> sines() {
  std::array<std::uint32_t, 64> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<std::uint32_t>(std::floor(4294967296.0 * std::fabs(std::sin(static_cast<double>(i + 1)))));
  }
  return table;
}

using State = std::array<std::uint32_t, 4>;

void add_block(State& state, const unsigned char* block) {
  static const std::array<std::uint32_t, 64> kSines = sines();
  std::array<std::uint32_t, 16> words{};
  for (std::size_t i = 0; i < 64; ++i) {
    words[i / 4] |= static_cast<std::uint32_t>(block[i]) << (8 * (i % 4));
  }
  auto [a, b, c, d] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t round = i / 16;
    std::uint32_t mixed = 0;
    std::size_t word = 0;
    if (round == 0) {
      mixed = (b & c) | (~b & d);
      word = i;
    } else if (round == 1) {
      mixed = (d & b) | (~d & c);
      word = (5 * i + 1) % 16;
    } else if (round == 2) {
      mixed = b ^ c ^ d;
      word = (3 * i + 5) % 16;
    } else {
      mixed = c ^ (b | ~d);
      word = (7 * i) % 16;
    }
    const std::uint32_t turned = std::rotl(a + mixed + kSines[i] + words[word], kShifts[round][i % 4]);
    a = d;
    d = c;
    c = b;
    b += turned;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::string md5(std::string_view bytes) {
  State state{0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U};
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t done = 0;
  for (; bytes.size() - done >= 64; done += 64)
    add_block(state, data + done);
  std::string rest(bytes.substr(done));
  rest.push_back('\x80');
  while (rest.size() % 64 != 56)
    rest.push_back('\0');
  const std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
  for (int i = 0; i < 8; ++i)
    rest.push_back(static_cast<char>((bits >> (8 * i)) & 0xff));
  for (std::size_t at = 0; at < rest.size(); at += 64) {
    add_block(state, reinterpret_cast<const unsigned char*>(rest.data()) + at);
  }
  std::string digest;
  for (const std::uint32_t word : state) {
    for (int i = 0; i < 4; ++i)
      digest.push_back(static_cast<char>((word >> (8 * i)) & 0xff));
  }
  return digest;
}

}  // namespace tollgate::crypto
