#include "broker/cli/keys_shared.h"

#include <unistd.h>

#include <climits>

#include "broker/cli/output.h"
#include "common/os/program_search.h"

namespace tollgate::cli {

std::vector<Option> protection_flags(ProtectionFlags& flags) {
  return {
      {"--key-file", "FILE", "Lock the stored keys with this file instead of a passphrase; it is made if missing.",
       &flags.key_file},
      {"--key-command", "CMD", "Lock them with what this command prints, as in `pass show tollgate`.",
       &flags.key_command},
      {"--secret-service", "",
       "Lock them with a secret in the desktop's keyring (GNOME Keyring, KWallet), which is made for it.",
       &flags.secret_service},
  };
}

Result<vault::Protection> protection_from(const ProtectionFlags& flags) {
  vault::Protection protection;
  if (flags.count() > 1) {
    return fail(
        Error(Code::usage, "only one of --key-file, --key-command and --secret-service can lock the stored keys"));
  }
  if (flags.secret_service) {
    protection.kind = vault::Protection::Kind::secret_service;
  } else if (!flags.key_command.empty()) {
    protection.kind = vault::Protection::Kind::command;
    protection.command = flags.key_command;
  } else if (!flags.key_file.empty()) {
    protection.kind = vault::Protection::Kind::key_file;
    protection.key_file = flags.key_file;
    if (!flags.key_file.starts_with('/')) {
      char here[PATH_MAX];
      if (::getcwd(here, sizeof here) == nullptr) return fail(Code::io, "the current directory has no path");
      protection.key_file = fmt::format("{}/{}", here, flags.key_file);
    }
  }
  return protection;
}

Result<void> ensure_vault(App& app, const ProtectionFlags& flags) {
  TG_TRY(KeyVault* const keys, app.vault());
  TG_TRY(const auto present, keys->protection());
  TG_TRY(const vault::Protection wanted, protection_from(flags));
  if (present) {
    if (flags.given() && describe(*present) != describe(wanted)) {
      return fail(Error(Code::conflict, fmt::format("the stored keys are locked with {} already", describe(*present)))
                      .do_next("change that with `tollgate keys protect`"));
    }
    return {};
  }
  TG_TRY(vault::VaultKey* const key, keys->key());
  TG_CHECK(key->create(wanted));
  print_notice(fmt::format("from now on stored keys are locked with {}", describe(wanted)));
  if (wanted.kind == vault::Protection::Kind::key_file) {
    print_notice("keep the key file on another disk or stick if you can: together with the stored keys it opens them");
  }
  return {};
}

Error unfinished_rotation(std::string_view profile) {
  return Error(Code::conflict, fmt::format("a rotation of the keys of profile {} is unfinished", profile))
      .do_next(fmt::format("finish it with `tollgate keys rotate {}`", profile))
      .because("rotation_unfinished");
}

Result<std::string> durable_program_path(const App& app) {
  TG_TRY(const std::string path, os::own_program());
  const auto self = os::file_identity(path);
  const auto installed = os::find_program("tollgate", app.environment().get_or("PATH", "/usr/local/bin:/usr/bin:/bin"));
  if (self && installed && installed->identity == *self && installed->path.starts_with('/')) return installed->path;
  return path;
}

}  // namespace tollgate::cli
