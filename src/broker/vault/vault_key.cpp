#include "broker/vault/vault_key.h"

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/crypto/sealed_box.h"
#include "common/json/value.h"
#include "common/os/file_lock.h"
#include "common/os/keyring.h"

namespace tollgate::vault {
namespace {

constexpr std::string_view kFileName = "vault-key";
constexpr std::string_view kLockName = "vault-key.lock";
constexpr std::string_view kFormat = "tollgate vault key 1";
constexpr std::size_t kMaxFileBytes = 16 << 10;
constexpr std::size_t kMaxSecretBytes = 64 << 10;
constexpr std::size_t kMinKeyFileBytes = 32;
constexpr int kTries = 3;

std::string_view kind_name(Protection::Kind kind) {
  switch (kind) {
    case Protection::Kind::passphrase:
      return "passphrase";
    case Protection::Kind::key_file:
      return "key-file";
    case Protection::Kind::command:
      return "command";
    case Protection::Kind::secret_service:
      return "secret-service";
  }
  return "passphrase";
}

std::optional<Protection::Kind> kind_from(std::string_view name) {
  for (const auto kind : {Protection::Kind::passphrase, Protection::Kind::key_file, Protection::Kind::command,
                          Protection::Kind::secret_service}) {
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

Secret without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return Secret(text);
}

}  // namespace

// The file's content.
struct VaultKey::Wrapped {
  std::string id;     // random; names the key in the keyring
  std::string check;  // a keyed hash that tells whether a key is this one
  Protection protection;
  std::string item;  // the name in the Secret Service; a new one each time the key is wrapped
  crypto::PasswordKeyParameters cost;
  std::string sealed;

  // All that a change could do harm to.
  std::string associated_data() const {
    return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}{}{}", kFormat, id, kind_name(protection.kind),
                       base64_encode(protection.key_file), base64_encode(protection.command), cost.passes,
                       cost.memory_bytes, base64_encode(cost.salt), item.empty() ? "" : "\n", item);
  }
  bool is_check_of(const Secret& key) const {
    return key.size() == crypto::kSealKeyBytes &&
           crypto::constant_time_equal(check, crypto::keyed_hash(key, kFormat, id));
  }
  std::string keyring_name() const { return "tollgate:vault:" + id; }
};

VaultKey::VaultKey(const os::PrivateDirectory& directory, const os::PrivateDirectory& locks,
                   PassphraseSource passphrase, SecretCommand command, RandomSource& random, const Clock& clock,
                   VaultKeyOptions options, SecretService service)
    : directory_(&directory),
      locks_(&locks),
      passphrase_(std::move(passphrase)),
      command_(std::move(command)),
      random_(&random),
      clock_(&clock),
      options_(std::move(options)),
      service_(std::move(service)) {}

Result<std::optional<VaultKey::Wrapped>> VaultKey::read() const {
  auto text = directory_->read(kFileName, kMaxFileBytes);
  if (!text) {
    if (text.error().code == Code::not_found) return std::optional<Wrapped>();
    return fail(std::move(text.error()).while_doing("the key of the stored keys"));
  }
  const auto damaged = [&](Error error) {
    return fail(std::move(error)
                    .while_doing(fmt::format("{}/{}", directory_->path(), kFileName))
                    .do_next("restore the file from a backup; without it the stored keys cannot be read"));
  };
  auto document = json::parse(*text);
  if (!document) return damaged(std::move(document.error()));
  const auto parsed = [&]() -> Result<Wrapped> {
    const json::Reader reader(*document);
    Wrapped wrapped;
    TG_TRY(const std::string format, reader.text("format"));
    if (format != kFormat) return fail(Code::invalid, fmt::format("the format {} is not known", format));
    TG_TRY(wrapped.id, reader.text("id"));
    TG_TRY(const std::string kind, reader.text("kind"));
    const auto known = kind_from(kind);
    if (!known) return fail(Code::invalid, fmt::format("the kind {} is not known", kind));
    wrapped.protection.kind = *known;
    TG_TRY(const auto key_file, reader.optional_text("key_file"));
    TG_TRY(const auto command, reader.optional_text("command"));
    wrapped.protection.key_file = key_file.value_or("");
    wrapped.protection.command = command.value_or("");
    TG_TRY(const auto item, reader.optional_text("item"));
    wrapped.item = item.value_or("");
    TG_TRY(const std::int64_t passes, reader.integer("passes"));
    TG_TRY(const std::int64_t memory, reader.integer("memory_bytes"));
    wrapped.cost.passes = static_cast<std::uint64_t>(passes);
    wrapped.cost.memory_bytes = static_cast<std::size_t>(memory);
    const auto bytes = [&](std::string_view name) -> Result<std::string> {
      TG_TRY(const std::string encoded, reader.text(name));
      auto decoded = base64_decode(encoded);
      if (!decoded) return fail(Error(Code::invalid, "not base64").at(fmt::format("/{}", name)));
      return std::move(*decoded);
    };
    TG_TRY(wrapped.cost.salt, bytes("salt"));
    TG_TRY(wrapped.check, bytes("check"));
    TG_TRY(wrapped.sealed, bytes("sealed"));
    return wrapped;
  }();
  if (!parsed) return damaged(parsed.error());
  return std::optional<Wrapped>(*parsed);
}

Result<os::FileLock> VaultKey::lock() const {
  auto lock = os::FileLock::acquire(*locks_, kLockName, options_.patience, *clock_);
  if (lock || lock.error().code != Code::locked) return lock;
  return fail(Error(Code::locked, "another process is asking how to unlock the stored keys")
                  .do_next("answer it there, then try again")
                  .because("unlock_elsewhere"));
}

Result<std::optional<Protection>> VaultKey::protection() const {
  TG_TRY(const std::optional<Wrapped> wrapped, read());
  if (!wrapped) return std::optional<Protection>();
  return std::optional<Protection>(wrapped->protection);
}

// The secret that wraps, as its source gives it.
Result<Secret> VaultKey::fetch(const Wrapped& wrapped, const PassphraseRequest& request) {
  const Protection& protection = wrapped.protection;
  if (protection.kind == Protection::Kind::passphrase) return passphrase_(request);
  if (protection.kind == Protection::Kind::secret_service) {
    if (!service_.lookup) {
      return fail(
          Error(Code::unavailable, "this program cannot reach the desktop's keyring").because("no_secret_service"));
    }
    return service_.lookup(wrapped.item);
  }
  if (protection.kind == Protection::Kind::command) {
    TG_TRY(const Secret printed, command_(protection.command));
    Secret secret = without_line_end(printed.reveal());
    if (secret.size() < kMinPassphraseBytes) {
      return fail(too_short_passphrase(fmt::format("what `{}` prints", protection.command)));
    }
    return secret;
  }
  auto content = os::read_private_file(protection.key_file, kMaxSecretBytes);
  if (!content) {
    return fail(std::move(content.error())
                    .while_doing("the key file of the stored keys")
                    .do_next(fmt::format("make {} available again, readable by you alone", protection.key_file)));
  }
  if (content->size() < kMinKeyFileBytes) {
    wipe(*content);
    return fail(Error(Code::invalid,
                      fmt::format("the key file {} is shorter than {} bytes", protection.key_file, kMinKeyFileBytes))
                    .do_next("name a file that does not exist yet: tollgate makes it"));
  }
  return Secret::take(std::move(*content));
}

Result<Secret> VaultKey::wrapping_key(const Wrapped& wrapped, const Secret& secret) const {
  // These two are random already; everything else may be a person's choice.
  if (wrapped.protection.kind == Protection::Kind::key_file ||
      wrapped.protection.kind == Protection::Kind::secret_service) {
    return Secret::take(crypto::hmac_sha256(wrapped.cost.salt, secret.reveal()));
  }
  return crypto::derive_password_key(secret, wrapped.cost);
}

Result<Secret> VaultKey::unwrap(const Wrapped& wrapped) {
  const bool person = wrapped.protection.kind == Protection::Kind::passphrase;
  for (int attempt = 1;; ++attempt) {
    TG_TRY(const Secret secret, fetch(wrapped, {.is_new = false, .attempt = attempt}));
    TG_TRY(const Secret outer, wrapping_key(wrapped, secret));
    auto key = crypto::open(outer, wrapped.sealed, wrapped.associated_data());
    if (key && wrapped.is_check_of(*key)) return std::move(*key);
    if (person && attempt < kTries) continue;
    switch (wrapped.protection.kind) {
      case Protection::Kind::passphrase:
        return fail(Error(Code::forbidden, "the passphrase of the stored keys is wrong")
                        .do_next("try again; without it the keys must be made anew in AWS and stored again")
                        .because("wrong_passphrase"));
      case Protection::Kind::key_file:
        return fail(Error(Code::forbidden, fmt::format("the key file {} is not the one that the stored keys were "
                                                       "locked with",
                                                       wrapped.protection.key_file))
                        .do_next("put the right file back")
                        .because("wrong_key_file"));
      case Protection::Kind::command:
        return fail(Error(Code::forbidden,
                          fmt::format("what `{}` prints does not unlock the stored keys", wrapped.protection.command))
                        .do_next("run it by hand: it must print what it printed when the keys were stored")
                        .because("wrong_command_output"));
      case Protection::Kind::secret_service:
        return fail(Error(Code::forbidden, "what the desktop's keyring holds does not unlock the stored keys")
                        .do_next("restore the keyring; without it the keys must be made anew in AWS and stored again")
                        .because("wrong_secret"));
    }
  }
}

// What a source needs before it is asked for the first time: a key file or a secret of its own.
Result<void> VaultKey::prepare_source(Wrapped& wrapped) {
  wrapped.item.clear();
  const Protection& protection = wrapped.protection;
  if (protection.kind == Protection::Kind::secret_service) {
    if (!service_.store) {
      return fail(
          Error(Code::unavailable, "this program cannot reach the desktop's keyring").because("no_secret_service"));
    }
    // Under a name of its own, so that the file as it is now can be opened until it is replaced.
    wrapped.item = hex_encode(random_->bytes(16));
    return service_.store(wrapped.item, Secret::take(base64_encode(random_->bytes(crypto::kSealKeyBytes))));
  }
  if (protection.kind != Protection::Kind::key_file) return {};
  if (!protection.key_file.starts_with('/')) {
    return fail(Error(Code::usage, fmt::format("{} is not an absolute path", protection.key_file)).at("--key-file"));
  }
  auto present = os::read_private_file(protection.key_file, kMaxSecretBytes);
  if (!present && present.error().code == Code::not_found) {
    std::string text = base64_encode(random_->bytes(crypto::kSealKeyBytes)) + "\n";
    auto written = os::write_file_atomically(protection.key_file, text, {.mode = 0400, .durable = true});
    wipe(text);
    TG_CHECK(std::move(written));
  }
  if (present) wipe(*present);
  return {};
}

Result<void> VaultKey::wrap_and_write(Wrapped wrapped, const Protection& protection, const Secret& key) {
  wrapped.protection = protection;
  wrapped.cost = options_.passphrase_cost;
  wrapped.cost.salt = random_->bytes(crypto::kPasswordSaltBytes);
  const std::string replaced = std::exchange(wrapped.item, "");
  TG_CHECK(prepare_source(wrapped));
  TG_TRY(const Secret secret, fetch(wrapped, {.is_new = true, .attempt = 1}));
  if (protection.kind == Protection::Kind::command) {
    TG_TRY(const Secret again, fetch(wrapped, {.is_new = true, .attempt = 1}));
    if (!(again == secret)) {
      return fail(Error(Code::config, fmt::format("`{}` prints something else each time, so the keys could never be "
                                                  "unlocked again",
                                                  protection.command))
                      .do_next("name a command that prints a stored secret"));
    }
  }
  TG_TRY(const Secret outer, wrapping_key(wrapped, secret));
  wrapped.sealed = crypto::seal(outer, key.reveal(), wrapped.associated_data(), *random_);

  json::Value document =
      json::Value::object({{"format", kFormat}, {"id", wrapped.id}, {"kind", kind_name(protection.kind)}});
  if (!protection.key_file.empty()) document.set("key_file", protection.key_file);
  if (!protection.command.empty()) document.set("command", protection.command);
  if (!wrapped.item.empty()) document.set("item", wrapped.item);
  document.set("passes", static_cast<std::int64_t>(wrapped.cost.passes));
  document.set("memory_bytes", static_cast<std::int64_t>(wrapped.cost.memory_bytes));
  document.set("salt", base64_encode(wrapped.cost.salt));
  document.set("check", base64_encode(wrapped.check));
  document.set("sealed", base64_encode(wrapped.sealed));
  TG_CHECK(directory_->write(kFileName, json::to_pretty_text(document), {.mode = 0600, .durable = true}));
  // The secret of before would open an old copy of the file. Where the service is gone, so is the secret.
  if (!replaced.empty() && service_.clear) [[maybe_unused]]
    const auto ignored = service_.clear(replaced);
  return {};
}

Result<void> VaultKey::create(const Protection& protection) {
  TG_TRY(const os::FileLock lock, this->lock());
  TG_TRY(const std::optional<Wrapped> present, read());
  if (present) {
    return fail(
        Error(Code::conflict, fmt::format("the stored keys are locked with {} already", describe(present->protection)))
            .do_next("use `tollgate keys protect` to change that"));
  }
  Secret key = crypto::generate_seal_key(*random_);
  Wrapped wrapped;
  wrapped.id = hex_encode(random_->bytes(16));
  wrapped.check = crypto::keyed_hash(key, kFormat, wrapped.id);
  TG_CHECK(wrap_and_write(wrapped, protection, key));
  cache(wrapped, key);
  key_ = std::move(key);
  return {};
}

Result<void> VaultKey::protect_by(const Protection& protection) {
  TG_TRY(const os::FileLock lock, this->lock());
  TG_TRY(const std::optional<Wrapped> wrapped, read());
  if (!wrapped) return fail(Error(Code::not_found, "no keys are stored yet").because("no_vault"));
  TG_TRY(Secret key, unwrap(*wrapped));
  TG_CHECK(wrap_and_write(*wrapped, protection, key));
  key_ = std::move(key);
  return {};
}

std::optional<Secret> VaultKey::cached(const Wrapped& wrapped) const {
  if (!options_.use_keyring) return std::nullopt;
  const auto ring = os::Keyring::open();
  if (!ring) return std::nullopt;
  auto key = ring->read(wrapped.keyring_name());
  if (!key || !wrapped.is_check_of(*key)) return std::nullopt;
  return std::move(*key);
}

void VaultKey::cache(const Wrapped& wrapped, const Secret& key) const {
  if (!options_.use_keyring) return;
  const auto ring = os::Keyring::open();
  // Without a keyring the secret is asked for each time: nothing is lost.
  if (ring) [[maybe_unused]]
    const auto ignored = ring->store(wrapped.keyring_name(), key, options_.keep_in_keyring);
}

Result<Secret> VaultKey::obtain() {
  if (!key_.empty()) return key_;
  TG_TRY(const std::optional<Wrapped> wrapped, read());
  if (!wrapped) {
    return fail(Error(Code::not_found, "no keys are stored yet")
                    .do_next("store some with `tollgate keys add PROFILE`")
                    .because("no_vault"));
  }
  if (auto held = cached(*wrapped)) {
    key_ = std::move(*held);
    return key_;
  }
  // Of many processes that need the key at once, one asks the person.
  TG_TRY(const os::FileLock lock, this->lock());
  if (auto held = cached(*wrapped)) {
    key_ = std::move(*held);
    return key_;
  }
  TG_TRY(key_, unwrap(*wrapped));
  cache(*wrapped, key_);
  return key_;
}

Result<void> VaultKey::forget_cached() {
  key_ = Secret();
  TG_TRY(const std::optional<Wrapped> wrapped, read());
  if (!wrapped || !options_.use_keyring) return {};
  const auto ring = os::Keyring::open();
  return ring ? ring->remove(wrapped->keyring_name()) : Result<void>();
}

}  // namespace tollgate::vault
