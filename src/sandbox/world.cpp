#include "sandbox/world.h"

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::sandbox {

const Role* World::role_by_arn(std::string_view arn) const {
  for (const auto& [key, role] : roles.all()) {
    if (role.arn() == arn) return &role;
  }
  return nullptr;
}

std::string derived_id(std::string_view prefix, std::string_view arn) {
  return fmt::format("{}{}", prefix, base32_encode(crypto::sha256(arn)).substr(0, 17));
}

}  // namespace tollgate::sandbox
