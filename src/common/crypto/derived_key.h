// Independent keys from one: BLAKE2b under the master key, so that neither the master key nor another purpose's key
// follows from one of them. Not for passphrases (password_key.h). Pure.
#pragma once

#include <string_view>

#include "common/base/secret.h"

namespace tollgate::crypto {

// 32 bytes. `master` is 16 to 64 random bytes; another length throws std::invalid_argument.
Secret derive_key(const Secret& master, std::string_view purpose);

}  // namespace tollgate::crypto
