// tollgate keys protect, unlock, lock: what the stored keys are locked with, and when they are.
#include "broker/cli/keys_shared.h"
#include "broker/cli/output.h"

namespace tollgate::cli {
namespace {

struct ProtectInput {
  bool passphrase = false;
  ProtectionFlags protection;
};

Result<vault::VaultKey*> existing_key(App& app) {
  TG_TRY(KeyVault* const keys, app.vault());
  TG_TRY(const auto present, keys->protection());
  if (!present) {
    return fail(Error(Code::not_found, "no keys are stored yet")
                    .do_next("store some with `tollgate keys add PROFILE` or `tollgate keys import PROFILE`")
                    .because("no_vault"));
  }
  return keys->key();
}

Result<void> protect(App& app, const ProtectInput& input) {
  if (input.passphrase == input.protection.given()) {
    return fail(
        Error(Code::usage, "exactly one of --passphrase, --key-file, --key-command and --secret-service is needed"));
  }
  TG_TRY(vault::VaultKey* const key, existing_key(app));
  TG_TRY(const vault::Protection wanted, protection_from(input.protection));
  TG_CHECK(key->protect_by(wanted));
  print_notice(fmt::format("the stored keys are locked with {} now", describe(wanted)));
  return {};
}

Result<void> unlock(App& app) {
  TG_TRY(vault::VaultKey* const key, existing_key(app));
  TG_CHECK(key->obtain());
  print_notice("the stored keys are unlocked");
  return {};
}

Result<void> lock(App& app) {
  TG_TRY(vault::VaultKey* const key, existing_key(app));
  TG_CHECK(key->forget_cached());
  print_notice("the stored keys are locked; sessions that are cached stay usable (`tollgate clear` forgets them)");
  return {};
}

int finish(const Result<void>& done) {
  return done ? 0 : report(done.error());
}

}  // namespace

Command keys_protect_command() {
  auto input = std::make_shared<ProtectInput>();
  Command command;
  command.name = "keys protect";
  command.summary = "Change what the stored keys are locked with";
  command.examples =
      "tollgate keys protect --passphrase\n"
      "tollgate keys protect --key-file /media/stick/tollgate.key\n"
      "tollgate keys protect --secret-service\n"
      "tollgate keys protect --key-command 'pass show tollgate'";
  command.details =
      "The keys themselves are not touched: only the key that seals them is wrapped anew. A command must print the "
      "same "
      "text each time; with pass, op or vault the secret lives in your company's store.";
  command.options = {{"--passphrase", "", "A new passphrase, asked for on the terminal.", &input->passphrase}};
  for (Option& option : protection_flags(input->protection))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) { return finish(protect(app, *input)); };
  return command;
}

Command keys_unlock_command() {
  Command command;
  command.name = "keys unlock";
  command.summary = "Ask for the passphrase now, so that nothing asks later";
  command.examples = "tollgate keys unlock";
  command.details = "The kernel's keyring remembers the key for 12 hours. Where it cannot, this has no effect.";
  command.run = [](App& app) { return finish(unlock(app)); };
  return command;
}

Command keys_lock_command() {
  Command command;
  command.name = "keys lock";
  command.summary = "Make the kernel's keyring forget the key of the stored keys";
  command.examples = "tollgate keys lock";
  command.run = [](App& app) { return finish(lock(app)); };
  return command;
}

}  // namespace tollgate::cli
