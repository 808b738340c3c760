#include "broker/cli/app.h"

#include <unistd.h>

#include <algorithm>

#include "broker/cli/output.h"
#include "broker/deliver/key_import.h"
#include "broker/deliver/stand_in_profile.h"
#include "broker/mfa/device_gate.h"
#include "broker/mfa/used_codes.h"
#include "broker/vault/session_key.h"
#include "common/base/encoding.h"
#include "common/fetch/client/fetch_client.h"
#include "common/os/atomic_file.h"
#include "common/os/child_process.h"
#include "common/os/parent_command.h"
#include "common/os/program_search.h"
#include "common/os/terminal.h"
#include "common/os/user.h"

namespace tollgate::cli {
namespace {

constexpr std::string_view kClockOffsetFile = "clock-offset";
constexpr std::string_view kProcessGuard = "TOLLGATE_PROCESS_PROFILES";
constexpr std::size_t kMaxProcessDepth = 4;

// A credential_process line may itself call tollgate for another profile; for the same one it would never end.
Result<os::Environment> guarded_environment(const os::Environment& environment, std::string_view profile) {
  const std::string running = environment.get_or(kProcessGuard, "");
  const std::string entry = fmt::format(",{},", base64url_encode(profile));
  const auto depth = static_cast<std::size_t>(std::count(running.begin(), running.end(), ',')) / 2;
  if (running.find(entry) != std::string::npos || depth >= kMaxProcessDepth) {
    return fail(
        Error(Code::config,
              fmt::format("the credential_process of profile {} calls tollgate for the same profile again", profile))
            .do_next(
                "let the command fetch credentials by itself, or remove it and give the profile a source_profile"));
  }
  return environment.with(kProcessGuard, running + entry).without(vault::kPassphraseDescriptorVariable);
}

Error no_stored_keys(std::string_view profile) {
  return Error(Code::not_found,
               fmt::format("the keys of profile {} should be in tollgate's vault, and are not", profile))
      .do_next(fmt::format("store them with `tollgate keys add {}`, or remove the credential_process line", profile))
      .because("no_stored_key");
}

// Beside this program lies tollgate-fetch.
fetch::FetchOptions fetch_options(const os::Environment& environment) {
  auto program = os::program_beside("tollgate-fetch");
  if (!program) throw std::runtime_error(program.error().message);
  fetch::FetchOptions options;
  options.program = std::move(*program);
  for (const auto& [name, value] : environment.variables())
    options.environment.push_back(name + "=" + value);
  return options;
}

}  // namespace

struct App::Parts {
  std::optional<os::UserDirectories> directories;
  std::optional<Configuration> configuration;
  std::optional<aws::ProfileSet> profiles;
  std::optional<os::PrivateDirectory> cache_directory;
  std::optional<os::PrivateDirectory> lock_directory;
  std::optional<Secret> session_key;
  std::optional<vault::SessionCache> sessions;
  std::unique_ptr<net::Client> network;
  std::unique_ptr<net::Client> server_network;
  std::unique_ptr<mfa::CodeSource> codes;
  std::unique_ptr<mfa::UsedCodes> used_codes;
  std::unique_ptr<mfa::DeviceGate> gate;
  std::unique_ptr<deliver::CredentialBroker> broker;
  std::optional<KeyVault> vault;
  CodeOptions code_options;
  std::string code_profile;
};

App::App(os::Environment environment, os::Inherited inherited)
    : environment_(std::move(environment)), inherited_(inherited), parts_(std::make_unique<Parts>()) {}
App::~App() = default;

aws::Environment App::lookup() const {
  return deliver::without_stand_in([this](std::string_view name) { return environment_.get(name); });
}

Result<const os::UserDirectories*> App::directories() {
  if (!parts_->directories) {
    TG_TRY(parts_->directories, os::user_directories(environment_));
  }
  return &*parts_->directories;
}

Result<const Configuration*> App::configuration() {
  if (!parts_->configuration) {
    TG_TRY(parts_->configuration, Configuration::read(environment_, configuration_files(environment_)));
  }
  return &*parts_->configuration;
}

Result<const aws::ProfileSet*> App::profiles() {
  if (!parts_->profiles) {
    TG_TRY(parts_->profiles, aws::read_profiles(aws::locate_files(lookup())));
  }
  return &*parts_->profiles;
}

Result<const os::PrivateDirectory*> App::cache_directory() {
  if (!parts_->cache_directory) {
    TG_TRY(const os::UserDirectories* const all, directories());
    auto opened = os::PrivateDirectory::open(all->cache);
    if (!opened && opened.error().code == Code::not_found) opened = os::PrivateDirectory::create(all->cache);
    if (!opened) return fail(std::move(opened.error()).while_doing("the session cache"));
    parts_->cache_directory = std::move(*opened);
  }
  return &*parts_->cache_directory;
}

Result<const os::PrivateDirectory*> App::lock_directory() {
  if (!parts_->lock_directory) {
    TG_TRY(const os::UserDirectories* const all, directories());
    TG_TRY(os::PrivateDirectory state, os::PrivateDirectory::create(all->state));
    TG_TRY(parts_->lock_directory, state.create_below("locks"));
  }
  return &*parts_->lock_directory;
}

Result<const vault::SessionCache*> App::sessions() {
  if (!parts_->sessions) {
    TG_TRY(const os::PrivateDirectory* const directory, cache_directory());
    vault::SessionKeyOptions options;
    options.use_keyring = environment_.get_or("TOLLGATE_SESSION_KEY", "keyring") != "file";
    TG_TRY(vault::SessionKey key, vault::obtain_session_key(*directory, random_, clock_, options));
    if (!key.notice.empty()) print_notice(key.notice);
    parts_->session_key = key.key;
    TG_TRY(parts_->sessions, vault::SessionCache::open(*directory, std::move(key.key), random_));
  }
  return &*parts_->sessions;
}

Result<KeyVault*> App::vault() {
  if (!parts_->vault) {
    TG_TRY(const os::UserDirectories* const all, directories());
    parts_->vault.emplace(
        all->data, [this] { return lock_directory(); }, environment_, random_, clock_);
  }
  return &*parts_->vault;
}

aws::HasVaultKeys App::has_vault_keys() {
  return [this](std::string_view profile) {
    const auto keys = vault();
    return keys && (*keys)->has(profile);
  };
}

Duration App::clock_offset() {
  const auto locks = lock_directory();
  const auto text = locks ? (*locks)->read(kClockOffsetFile, 32) : Result<std::string>("0");
  return Duration(text ? std::strtoll(text->c_str(), nullptr, 10) : 0);
}

Result<std::string> App::overlay_directory() {
  TG_CHECK(cache_directory());
  return parts_->directories->cache + "/overlay";
}

net::Client& App::network() {
  if (!parts_->network) {
    fetch::FetchOptions options = fetch_options(environment_);
    if (parts_->profiles) {
      const aws::Profile* profile = parts_->profiles->find(parts_->code_profile);
      if (profile != nullptr && !environment_.has("AWS_CA_BUNDLE")) options.ca_file = profile->text("ca_bundle");
    }
    parts_->network = fetch::make_fetch_client(std::move(options));
  }
  return *parts_->network;
}

net::Client& App::server_network() {
  if (!parts_->server_network) {
    parts_->server_network = fetch::make_fetch_client(fetch_options(environment_.without("AWS_CA_BUNDLE")));
  }
  return *parts_->server_network;
}

Result<mfa::DeviceGate*> App::gate() {
  if (!parts_->gate) {
    TG_TRY(const os::PrivateDirectory* const locks, lock_directory());
    const CodeOptions& options = parts_->code_options;
    std::string command = options.mfa_process;
    if (command.empty() && parts_->profiles) {
      const aws::Profile* profile = parts_->profiles->find(parts_->code_profile);
      if (profile != nullptr) command = profile->text("mfa_process");
    }
    if (command.empty()) {
      TG_TRY(const Configuration* const settings, configuration());
      command = settings->text(Key::mfa_process);
    }
    if (!command.empty()) {
      mfa::ProgramOptions program;
      program.command = command;
      program.environment = environment_;
      parts_->codes = std::make_unique<mfa::ProgramCodeSource>(std::move(program), clock_);
    } else if (options.no_input) {
      parts_->codes = std::make_unique<mfa::NoCodeSource>("--no-input was given");
    } else if (os::Terminal::open()) {
      mfa::TerminalOptions terminal;
      terminal.time_limit = options.time_limit;
      parts_->codes = std::make_unique<mfa::TerminalCodeSource>(terminal);
    } else {
      parts_->codes = std::make_unique<mfa::NoCodeSource>();
    }
    parts_->used_codes = std::make_unique<mfa::UsedCodes>(*locks, *parts_->session_key, clock_);
    mfa::GateOptions gate_options;
    gate_options.fresh_request = options.fresh_request;
    parts_->gate = std::make_unique<mfa::DeviceGate>(*locks, *parts_->codes, *parts_->used_codes, clock_, gate_options);
  }
  return parts_->gate.get();
}

Result<deliver::CredentialBroker*> App::broker(std::string_view profile, const CodeOptions& options) {
  if (!parts_->broker) {
    parts_->code_options = options;
    parts_->code_profile = profile;
    TG_TRY(KeyVault* const key_vault, vault());
    key_vault->limit_questions({!options.no_input, options.time_limit});
    TG_TRY(const aws::ProfileSet* const set, profiles());
    TG_TRY(const vault::SessionCache* const cache, sessions());
    deliver::Ports ports{clock_, random_, lookup(), *set, *cache, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    ports.locks = [this] { return lock_directory(); };
    ports.gate = [this] { return gate(); };
    ports.network = [this]() -> net::Client& { return network(); };
    ports.run_process = [this](const std::string& command, std::chrono::seconds limit) -> Result<aws::ProcessOutcome> {
      // A line that calls us for the profile itself says where the keys are, not how to get them.
      if (const auto own = deliver::own_process_profile(command); own && !has_vault_keys()(*own)) {
        const aws::Profile* named = parts_->profiles->find(*own);
        if (named != nullptr && named->text("credential_process") == command) return fail(no_stored_keys(*own));
      }
      os::Command shell;
      shell.argv = {"/bin/sh", "-c", command};
      TG_TRY(shell.environment, guarded_environment(environment_, parts_->code_profile));
      shell.restore = inherited_;
      os::CaptureOptions capture;
      capture.time_limit = limit;
      capture.output_limit = aws::kMaxProcessOutputBytes;
      TG_TRY(os::Captured captured, os::capture(std::move(shell), capture));
      aws::ProcessOutcome outcome;
      outcome.exit_status = captured.succeeded() ? 0 : 1;
      outcome.output = std::move(captured.output);
      return outcome;
    };
    ports.has_vault_keys = has_vault_keys();
    ports.vault_keys = [this](const aws::VaultKeys& keys) -> Result<aws::Credentials> {
      TG_TRY(KeyVault* const stored, vault());
      return stored->credentials(keys.profile);
    };
    ports.vault_identity = [this](const aws::VaultKeys& keys) {
      const auto stored = vault();
      return stored ? (*stored)->identity(keys.profile) : std::string();
    };
    ports.asked_by = [] { return os::parent_command(); };
    ports.user_name = [this] { return os::user_name(environment_); };
    ports.session_duration = [this]() -> Result<std::chrono::seconds> {
      TG_TRY(const Configuration* const settings, configuration());
      return settings->duration(Key::session_duration);
    };
    ports.load_clock_offset = [this] { return clock_offset(); };
    ports.keep_clock_offset = [this](Duration offset) {
      const auto locks = lock_directory();
      if (locks && (*locks)->write(kClockOffsetFile, fmt::format("{}\n", offset.count()))) {
        print_notice(
            fmt::format("the clock of this machine is off by {} as AWS sees it; tollgate corrects for it. Set the "
                        "clock: other programs do not",
                        format_duration(Duration(std::abs(offset.count())))));
      }
    };
    parts_->broker = std::make_unique<deliver::CredentialBroker>(std::move(ports));
  }
  return parts_->broker.get();
}

}  // namespace tollgate::cli
