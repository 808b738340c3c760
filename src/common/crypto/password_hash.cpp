#include "common/crypto/password_hash.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace tollgate::crypto {

namespace {

void initialise() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
}

// libsodium takes no null pointer, not even for no bytes.
const char* bytes_of(const Secret& password) {
  return password.size() == 0 ? "" : password.reveal().data();
}

}  // namespace

Result<std::string> hash_password(const Secret& password, const PasswordCost& cost) {
  initialise();
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str_alg(text.data(), bytes_of(password), password.size(), cost.passes, cost.memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(Error(Code::unavailable, fmt::format("a password needs {} MiB of memory, which are not to be had",
                                                     cost.memory_bytes >> 20)));
  }
  return std::string(text.data());
}

bool password_fits(const Secret& password, const std::string& hash) {
  initialise();
  // The reader wants the whole field, zeros behind the text.
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (hash.empty() || hash.size() >= text.size()) return false;
  hash.copy(text.data(), hash.size());
  return crypto_pwhash_str_verify(text.data(), bytes_of(password), password.size()) == 0;
}

bool needs_new_hash(const std::string& hash, const PasswordCost& cost) {
  initialise();
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (hash.size() >= text.size()) return true;
  hash.copy(text.data(), hash.size());
  return crypto_pwhash_str_needs_rehash(text.data(), cost.passes, cost.memory_bytes) != 0;
}

}  // namespace tollgate::crypto
