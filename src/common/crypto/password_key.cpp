#include "common/crypto/password_key.h"

#include <sodium.h>

#include <stdexcept>

#include "common/crypto/sealed_box.h"

namespace tollgate::crypto {

static_assert(kPasswordSaltBytes == crypto_pwhash_SALTBYTES);

Result<Secret> derive_password_key(const Secret& passphrase, const PasswordKeyParameters& parameters) {
  if (parameters.salt.size() != kPasswordSaltBytes || parameters.passes < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
      parameters.passes > kMaxPasswordPasses || parameters.memory_bytes < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
      parameters.memory_bytes > kMaxPasswordMemoryBytes) {
    return fail(Code::invalid, "the passphrase parameters are outside what is allowed");
  }
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
  std::string key(kSealKeyBytes, '\0');
  const int outcome =
      crypto_pwhash(reinterpret_cast<unsigned char*>(key.data()), key.size(), passphrase.reveal().data(),
                    passphrase.size(), reinterpret_cast<const unsigned char*>(parameters.salt.data()),
                    parameters.passes, parameters.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
  if (outcome != 0) {
    return fail(Error(Code::unavailable, fmt::format("deriving the key needs {} MiB of memory, which are not to be had",
                                                     parameters.memory_bytes >> 20)));
  }
  return Secret::take(std::move(key));
}

}  // namespace tollgate::crypto
