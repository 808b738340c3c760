#include "broker/cli/key_vault.h"

#include <fcntl.h>
#include <unistd.h>

#include "broker/cli/app.h"
#include "common/os/program_search.h"

namespace tollgate::cli {

bool KeyVault::exists() {
  if (!looked_) {
    folder_.reset(::open(data_path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    looked_ = true;
  }
  return static_cast<bool>(folder_);
}

bool KeyVault::has(std::string_view profile) {
  return exists() && ::faccessat(folder_.get(), vault::record_path(profile).c_str(), F_OK, 0) == 0;
}

std::string KeyVault::identity(std::string_view profile) {
  if (!has(profile)) return {};
  const auto all = records();
  const auto summary = all ? (*all)->summary(profile) : Result<std::optional<vault::KeySummary>>(std::nullopt);
  return summary && *summary ? (*summary)->identity : std::string();
}

std::vector<std::string> KeyVault::profiles() {
  std::vector<std::string> names;
  if (const auto stored = list()) {
    for (const vault::KeySummary& summary : *stored) {
      if (summary.problem.empty()) names.push_back(summary.profile);
    }
  }
  return names;
}

Result<aws::Credentials> KeyVault::credentials(std::string_view profile) {
  std::optional<vault::KeyRecord> record;
  if (has(profile)) {
    TG_TRY(const vault::LongTermKeys* const all, records());
    TG_TRY(record, all->get(profile));
  }
  if (!record) {
    return fail(Error(Code::not_found, fmt::format("no keys are stored for profile {}", profile))
                    .do_next(fmt::format("store them with `tollgate keys add {}`", profile))
                    .because("no_stored_key"));
  }
  aws::Credentials credentials;
  credentials.access_key_id = record->current.access_key_id;
  credentials.secret_access_key = std::move(record->current.secret_access_key);
  return credentials;
}

Result<const os::PrivateDirectory*> KeyVault::data() {
  if (!data_) {
    auto directory = os::PrivateDirectory::create(data_path_);
    if (!directory) return fail(std::move(directory.error()).while_doing("the stored keys"));
    data_ = std::move(*directory);
    looked_ = false;
  }
  return &*data_;
}

Result<vault::VaultKey*> KeyVault::key() {
  if (!key_) {
    TG_TRY(const os::PrivateDirectory* const directory, data());
    TG_TRY(const os::PrivateDirectory* const locks, locks_());
    vault::VaultKeyOptions options;
    options.use_keyring = environment_->get_or("TOLLGATE_VAULT_CACHE", "keyring") != "none";
    TG_TRY(const std::string secret_service, os::program_beside("tollgate-secret-service"));
    const os::Environment environment = environment_->without(vault::kPassphraseDescriptorVariable);
    key_.emplace(*directory, *locks, vault::passphrase_from_person(*environment_, person_),
                 vault::shell_secret_command(environment), *random_, *clock_, options,
                 vault::secret_service_program(secret_service, environment));
  }
  return &*key_;
}

Result<const vault::LongTermKeys*> KeyVault::records() {
  if (!records_) {
    TG_TRY(const os::PrivateDirectory* const directory, data());
    records_.emplace(
        *directory,
        [this]() -> Result<Secret> {
          TG_TRY(vault::VaultKey* const vault, key());
          return vault->obtain();
        },
        *random_);
  }
  return &*records_;
}

Result<std::vector<vault::KeySummary>> KeyVault::list() {
  if (!exists()) return std::vector<vault::KeySummary>();
  TG_TRY(const vault::LongTermKeys* const all, records());
  return all->list();
}

Result<std::optional<vault::Protection>> KeyVault::protection() {
  if (!exists()) return std::optional<vault::Protection>();
  TG_TRY(vault::VaultKey* const vault, key());
  return vault->protection();
}

}  // namespace tollgate::cli
