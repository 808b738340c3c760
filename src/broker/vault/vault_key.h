// The vault key: 32 random bytes that seal long-term keys. It is always wrapped durably (by a passphrase, a key file, a
// command that prints a secret or a secret in the desktop's keyring), so that losing the kernel's keyring, where it is
// only cached, loses nothing. Not the session key, whose loss costs a cache miss. Safe between processes; one object
// serves one thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/crypto/password_key.h"
#include "common/os/atomic_file.h"
#include "common/os/environment.h"
#include "common/os/file_lock.h"

namespace tollgate::vault {

// What the vault key is wrapped by.
struct Protection {
  enum class Kind { passphrase, key_file, command, secret_service };
  Kind kind = Kind::passphrase;
  std::string key_file;  // absolute path; made with 32 random bytes where it is missing, else at least 32 bytes
  std::string command;   // for sh -c; the secret is its stdout without the final newline
};

// "a passphrase", "the key file /media/key", "the command `pass show tollgate`".
std::string describe(const Protection& protection);

// The desktop's keyring (freedesktop.org Secret Service). An item is a name and no secret. Errors: Code::not_found
// where lookup finds none; Code::unavailable (reason no_secret_service) without a service in this session.
struct SecretService {
  std::function<Result<Secret>(const std::string& item)> lookup;
  std::function<Result<void>(const std::string& item, const Secret& secret)> store;
  std::function<Result<void>(const std::string& item)> clear;
};
// By way of the program tollgate-secret-service at that absolute path; `time_limit` is for a person who unlocks it.
SecretService secret_service_program(std::string program, os::Environment environment,
                                     Duration time_limit = Duration(60000));

struct PassphraseRequest {
  bool is_new = false;  // to be chosen, hence asked for twice
  int attempt = 1;      // more than 1: the last one was wrong
};
// Errors: Code::needs_person where nobody can be asked, Code::cancelled.
using PassphraseSource = std::function<Result<Secret>(const PassphraseRequest&)>;

inline constexpr std::size_t kMinPassphraseBytes = 8;
// The error for anything shorter; `what` is "the passphrase".
Error too_short_passphrase(std::string_view what);

// TOLLGATE_PASSPHRASE_FD: the number of a descriptor from which the first line is read, for scripts; else /dev/tty.
// Never an argument, never the value of a variable.
inline constexpr std::string_view kPassphraseDescriptorVariable = "TOLLGATE_PASSPHRASE_FD";
struct PersonOptions {
  bool may_ask = true;          // false: a descriptor or nothing
  Duration time_limit{300000};  // keep it under the patience of whoever waits for us (Go's SDK: 60 s)
};
// `options` is looked at when a question comes up, and must outlive the source.
PassphraseSource passphrase_from_person(const os::Environment& environment, const PersonOptions& options);

// Runs `command` with sh -c and returns what it prints. A parameter, for tests.
using SecretCommand = std::function<Result<Secret>(const std::string& command)>;
// At most `time_limit`; the command may use the terminal (a touch, a PIN).
SecretCommand shell_secret_command(os::Environment environment, Duration time_limit = Duration(60000));

struct VaultKeyOptions {
  bool use_keyring = true;
  std::chrono::seconds keep_in_keyring{12 * 3600};
  crypto::PasswordKeyParameters passphrase_cost;  // of new wrappers; the salt is filled in
  Duration patience{50000};                       // for another process that is asking the person
};

class VaultKey {
 public:
  // `directory` is the data directory; it holds the file vault-key (0600), `locks` the lock. All but the options must
  // outlive this. Does nothing yet.
  VaultKey(const os::PrivateDirectory& directory, const os::PrivateDirectory& locks, PassphraseSource passphrase,
           SecretCommand command, RandomSource& random, const Clock& clock, VaultKeyOptions options = {},
           SecretService service = {});

  // What wraps the key; nullopt where there is no vault yet. Asks nobody. Errors: Code::invalid for a damaged file;
  // Code::forbidden where it is not ours alone.
  Result<std::optional<Protection>> protection() const;

  // Makes the key under `protection`. The secret of a key file or command is fetched twice and must be the same:
  // otherwise the keys would be lost. Errors: Code::conflict if there is one; those of the sources.
  Result<void> create(const Protection& protection);
  // Wraps the same key anew; asks for the old secret even if the key is cached.
  Result<void> protect_by(const Protection& protection);

  // The key, from the keyring or unwrapped; of several processes that need it at once one asks. A wrong passphrase is
  // asked for again twice. Errors: Code::not_found (reason no_vault); Code::forbidden (reason wrong_passphrase,
  // wrong_key_file, wrong_command_output, wrong_secret); those of the sources; Code::locked while another process asks.
  Result<Secret> obtain();

  // Takes the key out of the kernel's keyring (and out of this object).
  Result<void> forget_cached();

 private:
  struct Wrapped;
  Result<os::FileLock> lock() const;
  Result<std::optional<Wrapped>> read() const;
  Result<Secret> fetch(const Wrapped& wrapped, const PassphraseRequest& request);
  Result<void> prepare_source(Wrapped& wrapped);
  Result<Secret> wrapping_key(const Wrapped& wrapped, const Secret& secret) const;
  Result<Secret> unwrap(const Wrapped& wrapped);
  Result<void> wrap_and_write(Wrapped wrapped, const Protection& protection, const Secret& key);
  std::optional<Secret> cached(const Wrapped& wrapped) const;
  void cache(const Wrapped& wrapped, const Secret& key) const;

  const os::PrivateDirectory* directory_;
  const os::PrivateDirectory* locks_;
  PassphraseSource passphrase_;
  SecretCommand command_;
  RandomSource* random_;
  const Clock* clock_;
  VaultKeyOptions options_;
  SecretService service_;
  Secret key_;  // once obtained
};

}  // namespace tollgate::vault
