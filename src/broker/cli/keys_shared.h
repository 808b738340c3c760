// What the `keys` commands share. Not a class: each command is a few steps over the vault. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/app.h"
#include "broker/cli/command.h"
#include "broker/vault/long_term_keys.h"
#include "broker/vault/vault_key.h"

namespace tollgate::cli {

// --key-file, --key-command and --secret-service: what the stored keys are locked with, where a command may have to
// choose.
struct ProtectionFlags {
  std::string key_file;
  std::string key_command;
  bool secret_service = false;
  int count() const { return (key_file.empty() ? 0 : 1) + (key_command.empty() ? 0 : 1) + (secret_service ? 1 : 0); }
  bool given() const { return count() > 0; }
};
std::vector<Option> protection_flags(ProtectionFlags& flags);
Result<vault::Protection> protection_from(const ProtectionFlags& flags);

// Makes the vault key if there is none yet, and says so.
Result<void> ensure_vault(App& app, const ProtectionFlags& flags);

// How long one command waits for another that changes the same keys.
inline constexpr Duration kKeyLockPatience{5000};

Error unfinished_rotation(std::string_view profile);

// The path that a credential_process line should name: this program as it is installed on PATH, so that an upgrade
// behind a symbolic link does not break the line; else where it is.
Result<std::string> durable_program_path(const App& app);

}  // namespace tollgate::cli
