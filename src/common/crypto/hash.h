// Hashes, message authentication codes and constant-time comparison (libsodium; SHA-1 is our own, for TOTP alone). Not
// encryption: see sealed_box.h. Digests are raw bytes in a std::string. Functions are pure and may be called from any
// thread; a Sha256 belongs to one.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/secret.h"

namespace tollgate::crypto {

std::string sha256(std::string_view bytes);      // FIPS 180-4, 32 bytes
std::string sha256_hex(std::string_view bytes);  // the same in lower-case hex

// SHA-256 of data that comes in pieces.
class Sha256 {
 public:
  Sha256();
  Sha256& update(std::string_view bytes);
  // 32 bytes. The object starts over afterwards.
  std::string finish();

 private:
  void reset();
  alignas(16) std::array<unsigned char, 128> state_;  // crypto_hash_sha256_state, which stays out of this header
};

std::string hmac_sha256(std::string_view key, std::string_view bytes);  // RFC 2104, 32 bytes, keys of any length
std::string hmac_sha512(std::string_view key, std::string_view bytes);  // the same with SHA-512, 64 bytes

// SHA-1 is broken for signatures; RFC 6238 (TOTP) still prescribes it inside HMAC. For nothing else.
std::string sha1(std::string_view bytes);                             // FIPS 180-4, 20 bytes
std::string hmac_sha1(std::string_view key, std::string_view bytes);  // RFC 2104, 20 bytes

// MD5 is broken for signatures; clients of Terraform's API still announce it beside the bytes of a state. For nothing
// else.
std::string md5(std::string_view bytes);  // RFC 1321, 16 bytes

// BLAKE2b-256 under a key, for names and fingerprints that must not be guessable without it. `context` separates uses
// of the same key. The key is 16 to 64 bytes; another length throws std::invalid_argument.
std::string keyed_hash(const Secret& key, std::string_view context, std::string_view bytes);

// Time depends on the lengths alone.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace tollgate::crypto
