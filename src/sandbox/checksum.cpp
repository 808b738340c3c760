#include "sandbox/checksum.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <stdexcept>

#include "common/crypto/hash.h"

namespace tollgate::sandbox {
namespace {

// A reflected CRC with all bits set before and inverted after, which is what all three are.
template <class Word>
std::string crc(std::string_view bytes, Word reversed_polynomial) {
  std::array<Word, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    Word value = static_cast<Word>(i);
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1) != 0 ? (value >> 1) ^ reversed_polynomial : value >> 1;
    table[i] = value;
  }
  Word state = ~Word{0};
  for (const char c : bytes)
    state = table[(state ^ static_cast<unsigned char>(c)) & 0xff] ^ (state >> 8);
  state = ~state;
  std::string result(sizeof(Word), '\0');
  for (std::size_t i = 0; i < sizeof(Word); ++i) {
    result[i] = static_cast<char>(state >> (8 * (sizeof(Word) - 1 - i)) & 0xff);
  }
  return result;
}

}  // namespace

std::string md5(std::string_view bytes) {
  std::string digest(16, '\0');
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length, EVP_md5(),
                 nullptr) != 1) {
    throw std::runtime_error("this OpenSSL computes no MD5, which S3 needs for its ETags");
  }
  return digest;
}

std::string crc32(std::string_view bytes) {
  return crc<std::uint32_t>(bytes, 0xedb88320U);
}
std::string crc32c(std::string_view bytes) {
  return crc<std::uint32_t>(bytes, 0x82f63b78U);
}
std::string crc64nvme(std::string_view bytes) {
  return crc<std::uint64_t>(bytes, 0x9a6c9329ac4bc9b5ULL);
}

std::optional<std::string> checksum(std::string_view algorithm, std::string_view bytes) {
  if (algorithm == "crc32") return crc32(bytes);
  if (algorithm == "crc32c") return crc32c(bytes);
  if (algorithm == "crc64nvme") return crc64nvme(bytes);
  if (algorithm == "sha1") return crypto::sha1(bytes);
  if (algorithm == "sha256") return crypto::sha256(bytes);
  return std::nullopt;
}

}  // namespace tollgate::sandbox
