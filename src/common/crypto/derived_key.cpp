#include "common/crypto/derived_key.h"

#include "common/crypto/hash.h"

namespace tollgate::crypto {

Secret derive_key(const Secret& master, std::string_view purpose) {
  return Secret::take(keyed_hash(master, "tollgate derived key", purpose));
}

}  // namespace tollgate::crypto
