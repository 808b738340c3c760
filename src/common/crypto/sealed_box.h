// Secret-key sealing of small records: XChaCha20-Poly1305 (libsodium). A box says nothing about which key or format
// opens it: the caller's record does. Functions are pure and may be called from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/secret.h"

namespace tollgate::crypto {

inline constexpr std::size_t kSealKeyBytes = 32;
inline constexpr std::size_t kSealOverheadBytes = 24 + 16;  // nonce before, tag behind the ciphertext

// A fresh random key of kSealKeyBytes.
Secret generate_seal_key(RandomSource& random);

// nonce || ciphertext || tag. `associated_data` is authenticated, not stored: open() needs the same. A key of another
// length throws std::invalid_argument, for it is a bug.
std::string seal(const Secret& key, std::string_view plaintext, std::string_view associated_data, RandomSource& random);

// Errors: Code::invalid, reason "sealed_box_refused", when the key or the associated data is another one or a byte was
// changed (which of them cannot be told).
Result<Secret> open(const Secret& key, std::string_view sealed, std::string_view associated_data);

}  // namespace tollgate::crypto
