#include "common/crypto/sealed_box.h"

#include <sodium.h>

#include <stdexcept>

namespace tollgate::crypto {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kSealKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kSealOverheadBytes == kNonceBytes + kTagBytes);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void require_key(const Secret& key) {
  if (key.size() != kSealKeyBytes) throw std::invalid_argument("sealed box: the key must be 32 bytes");
}

// Choosing the fastest cipher for this processor (sodium_init) costs 35 us, the portable one costs 2 us per KiB more:
// a cached credential must not pay for the choice, a large record gains by it.
void prepare_for(std::size_t bytes) {
  constexpr std::size_t kWorthChoosing = 32U << 10;
  if (bytes >= kWorthChoosing && sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
}

}  // namespace

Secret generate_seal_key(RandomSource& random) {
  return Secret::take(random.bytes(kSealKeyBytes));
}

std::string seal(const Secret& key, std::string_view plaintext, std::string_view associated_data,
                 RandomSource& random) {
  require_key(key);
  prepare_for(plaintext.size());
  std::string sealed = random.bytes(kNonceBytes);
  if (sealed.size() != kNonceBytes) throw std::runtime_error("the random source gave no nonce");
  sealed.resize(kNonceBytes + plaintext.size() + kTagBytes);
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + kNonceBytes, nullptr, bytes_of(plaintext), plaintext.size(),
                                             bytes_of(associated_data), associated_data.size(), nullptr, out,
                                             bytes_of(key.reveal()));
  return sealed;
}

Result<Secret> open(const Secret& key, std::string_view sealed, std::string_view associated_data) {
  require_key(key);
  prepare_for(sealed.size());
  if (sealed.size() < kSealOverheadBytes) {
    return fail(Error(Code::invalid, "the sealed record is cut short").because("sealed_box_refused"));
  }
  std::string plaintext(sealed.size() - kSealOverheadBytes, '\0');
  const int outcome = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<unsigned char*>(plaintext.data()), nullptr, nullptr, bytes_of(sealed) + kNonceBytes,
      sealed.size() - kNonceBytes, bytes_of(associated_data), associated_data.size(), bytes_of(sealed),
      bytes_of(key.reveal()));
  if (outcome != 0) {
    return fail(Error(Code::invalid, "the sealed record does not open: another key, another place, or changed bytes")
                    .because("sealed_box_refused"));
  }
  return Secret::take(std::move(plaintext));
}

}  // namespace tollgate::crypto
