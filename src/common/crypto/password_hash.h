// What is kept of a password that somebody signs in with: Argon2id in the text form that carries its own parameters and
// salt ("$argon2id$v=19$..."). Not for keys (password_key.h). Pure but for the salt, which libsodium draws; costs
// memory_bytes of memory and, by design, some ten milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/secret.h"

namespace tollgate::crypto {

struct PasswordCost {
  std::uint64_t passes = 2;
  std::size_t memory_bytes = 64U << 20;
};

// Errors: Code::unavailable where the memory cannot be had.
Result<std::string> hash_password(const Secret& password, const PasswordCost& cost);
// Also false for a hash that is none, and where the memory cannot be had.
bool password_fits(const Secret& password, const std::string& hash);
// Whether the hash was made with another cost, so that a sign-in is the time to make it anew.
bool needs_new_hash(const std::string& hash, const PasswordCost& cost);

}  // namespace tollgate::crypto
