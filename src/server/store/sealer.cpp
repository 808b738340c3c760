#include "server/store/field_walkers.h"

namespace tollgate::store {

Secret Sealer::open(std::string_view sealed, const SealContext& context, std::string_view place) const {
  auto opened = keys_.open(kRowPurpose, sealed, context);
  if (!opened) {
    throw DatabaseError(DatabaseError::Kind::tampered, fmt::format("{}: {}", place, opened.error().message));
  }
  return std::move(*opened);
}

}  // namespace tollgate::store
