// A key from a passphrase: Argon2id (RFC 9106, libsodium). Parameters travel with the wrapped key, so that they can be
// raised later. Pure; costs memory_bytes of memory and, by design, a good part of a second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/secret.h"

namespace tollgate::crypto {

struct PasswordKeyParameters {
  std::uint64_t passes = 3;
  std::size_t memory_bytes = 256U << 20;
  std::string salt;  // kPasswordSaltBytes random bytes

  friend bool operator==(const PasswordKeyParameters&, const PasswordKeyParameters&) = default;
};

inline constexpr std::size_t kPasswordSaltBytes = 16;
// What a file may ask of us: more is refused, so that a hostile file cannot eat the machine.
inline constexpr std::uint64_t kMaxPasswordPasses = 64;
inline constexpr std::size_t kMaxPasswordMemoryBytes = 1U << 30;

// kSealKeyBytes bytes. Errors: Code::invalid for parameters outside the limits (passes 1.., memory 8 KiB.., salt
// exactly kPasswordSaltBytes); Code::unavailable where the memory cannot be had.
Result<Secret> derive_password_key(const Secret& passphrase, const PasswordKeyParameters& parameters);

}  // namespace tollgate::crypto
