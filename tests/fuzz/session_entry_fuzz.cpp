// Opens arbitrary bytes as a cached session. The first byte chooses: bytes as a whole file, or bytes sealed with our
// own key, so that what lies behind the authentication is reached too.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "broker/vault/session_cache.h"
#include "common/crypto/hash.h"
#include "common/crypto/sealed_box.h"

namespace {

class NoRandom final : public tollgate::RandomSource {
 public:
  std::string bytes(std::size_t count) override { return std::string(count, '\x2a'); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate;
  static const Secret key(std::string(crypto::kSealKeyBytes, 'k'));
  static const vault::CacheKey name = vault::CacheKey::Builder("fuzz").build();
  static const std::string header = [] {
    NoRandom random;
    return vault::seal_entry(key, name, {}, random).substr(0, 13);  // magic, version, key id
  }();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  NoRandom random;
  const std::string file =
      data[0] % 2 == 0 ? std::string(bytes) : header + crypto::seal(key, bytes, header + name.hex(), random);
  const auto entry = vault::open_entry(key, name, file);
  if (!entry) return 0;
  // What was read can be written, and reads the same.
  const auto again = vault::open_entry(key, name, vault::seal_entry(key, name, *entry, random));
  if (!again || !(again->payload == entry->payload) || again->labels != entry->labels || again->kind != entry->kind ||
      again->created != entry->created || again->expires != entry->expires) {
    std::abort();
  }
  return 0;
}
