#include "common/crypto/hash.h"

#include <sodium.h>

#include <new>
#include <stdexcept>

#include "common/base/encoding.h"

// Nothing here calls sodium_init(): its 35 us would be most of a cached answer's cost. Without it libsodium uses its
// portable implementations, which for SHA-256 are the only ones and for a BLAKE2b of a name make no difference.

namespace tollgate::crypto {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(bytes_of(digest), bytes_of(bytes), bytes.size());
  return digest;
}

std::string sha256_hex(std::string_view bytes) {
  return hex_encode(sha256(bytes));
}

Sha256::Sha256() {
  static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(state_) && alignof(crypto_hash_sha256_state) <= 16);
  reset();
}

void Sha256::reset() {
  crypto_hash_sha256_init(new (state_.data()) crypto_hash_sha256_state);
}

Sha256& Sha256::update(std::string_view bytes) {
  crypto_hash_sha256_update(std::launder(reinterpret_cast<crypto_hash_sha256_state*>(state_.data())), bytes_of(bytes),
                            bytes.size());
  return *this;
}

std::string Sha256::finish() {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256_final(std::launder(reinterpret_cast<crypto_hash_sha256_state*>(state_.data())), bytes_of(digest));
  reset();
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(bytes), bytes.size());
  std::string digest(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, bytes_of(digest));
  sodium_memzero(&state, sizeof state);
  return digest;
}

std::string hmac_sha512(std::string_view key, std::string_view bytes) {
  crypto_auth_hmacsha512_state state;
  crypto_auth_hmacsha512_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha512_update(&state, bytes_of(bytes), bytes.size());
  std::string digest(crypto_auth_hmacsha512_BYTES, '\0');
  crypto_auth_hmacsha512_final(&state, bytes_of(digest));
  sodium_memzero(&state, sizeof state);
  return digest;
}

std::string keyed_hash(const Secret& key, std::string_view context, std::string_view bytes) {
  if (key.size() < crypto_generichash_KEYBYTES_MIN || key.size() > crypto_generichash_KEYBYTES_MAX) {
    throw std::invalid_argument("keyed_hash: the key must be 16 to 64 bytes");
  }
  // The context's length goes first, so that no context and text can be taken for another pair.
  std::array<unsigned char, 8> context_size{};
  for (std::size_t i = 0; i < context_size.size(); ++i) {
    context_size[i] = static_cast<unsigned char>(context.size() >> (8 * i));
  }
  crypto_generichash_state state;
  crypto_generichash_init(&state, bytes_of(key.reveal()), key.size(), crypto_generichash_BYTES);
  crypto_generichash_update(&state, context_size.data(), context_size.size());
  crypto_generichash_update(&state, bytes_of(context), context.size());
  crypto_generichash_update(&state, bytes_of(bytes), bytes.size());
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash_final(&state, bytes_of(digest), digest.size());
  sodium_memzero(&state, sizeof state);
  return digest;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tollgate::crypto
