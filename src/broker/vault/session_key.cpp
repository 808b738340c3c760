#include "broker/vault/session_key.h"

#include "common/crypto/hash.h"
#include "common/crypto/sealed_box.h"
#include "common/os/file_lock.h"
#include "common/os/keyring.h"

namespace tollgate::vault {
namespace {

constexpr std::string_view kKeyFile = "session-key";
constexpr std::string_view kLockFile = "session-key.lock";
constexpr Duration kLockPatience{10000};
// Long enough not to cost a code now and then; the machine's restart ends it anyway.
constexpr std::chrono::hours kKeyLifetime{30 * 24};

std::string key_description(const os::PrivateDirectory& cache_directory) {
  // One key per cache: two caches (a test's, another HOME's) must not open each other's files. The keyring is the
  // user's own.
  return "tollgate:session-key:" + crypto::sha256_hex(cache_directory.path()).substr(0, 16);
}

Result<Secret> read_from_keyring(const os::Keyring& ring, const std::string& description) {
  TG_TRY(Secret key, ring.read(description));
  if (key.size() != crypto::kSealKeyBytes) return fail(Code::not_found, "the session key is damaged");
  return key;
}

Result<Secret> read_from_file(const os::PrivateDirectory& directory) {
  TG_TRY(std::string text, directory.read(kKeyFile, 1024));
  Secret key = Secret::take(std::move(text));
  if (key.size() != crypto::kSealKeyBytes) return fail(Code::not_found, "the session key file is damaged");
  return key;
}

Result<SessionKey> from_keyring(const os::PrivateDirectory& directory, RandomSource& random, const Clock& clock) {
  TG_TRY(const os::Keyring ring, os::Keyring::open());
  const std::string description = key_description(directory);
  auto key = read_from_keyring(ring, description);
  if (!key && key.error().code == Code::not_found) {
    TG_TRY(const os::FileLock lock, os::FileLock::acquire(directory, kLockFile, kLockPatience, clock));
    key = read_from_keyring(ring, description);
    if (!key && key.error().code == Code::not_found) {
      key = crypto::generate_seal_key(random);
      TG_CHECK(ring.store(description, *key, kKeyLifetime));
    }
  }
  if (!key) return fail(std::move(key).error());
  return SessionKey{std::move(*key), SessionKey::Place::keyring, ""};
}

Error with_advice(Error error, const os::PrivateDirectory& directory) {
  if (error.code != Code::forbidden) return error;
  return std::move(error).do_next(
      fmt::format("remove {}/{}; sessions cached so far are then lost", directory.path(), kKeyFile));
}

Result<SessionKey> from_file(const os::PrivateDirectory& directory, RandomSource& random, const Clock& clock) {
  std::string notice;
  auto key = read_from_file(directory);
  if (!key && key.error().code == Code::not_found) {
    TG_TRY(const os::FileLock lock, os::FileLock::acquire(directory, kLockFile, kLockPatience, clock));
    key = read_from_file(directory);
    if (!key && key.error().code == Code::not_found) {
      key = crypto::generate_seal_key(random);
      TG_CHECK(directory.write(kKeyFile, key->reveal()));
      notice = fmt::format(
          "the kernel's keyring cannot be used here: the key to cached sessions is in {}/{}, so whoever can read that "
          "file can read them",
          directory.path(), kKeyFile);
    }
  }
  if (!key) return fail(with_advice(std::move(key).error(), directory));
  return SessionKey{std::move(*key), SessionKey::Place::file, std::move(notice)};
}

}  // namespace

Result<SessionKey> obtain_session_key(const os::PrivateDirectory& cache_directory, RandomSource& random,
                                      const Clock& clock, const SessionKeyOptions& options) {
  if (options.use_keyring) {
    auto key = from_keyring(cache_directory, random, clock);
    if (key || key.error().code != Code::unavailable) return key;
  }
  return from_file(cache_directory, random, clock);
}

Result<void> forget_session_key(const os::PrivateDirectory& cache_directory) {
  if (const auto ring = os::Keyring::open()) {
    TG_CHECK(ring->remove(key_description(cache_directory)));
  }
  return cache_directory.remove(kKeyFile);
}

}  // namespace tollgate::vault
