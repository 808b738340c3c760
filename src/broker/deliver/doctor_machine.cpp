#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "broker/deliver/doctor_checks.h"
#include "broker/deliver/key_import.h"
#include "broker/deliver/overlay.h"
#include "common/os/atomic_file.h"
#include "common/os/keyring.h"
#include "common/os/program_search.h"

namespace tollgate::deliver {
namespace {

constexpr auto kOldKey = std::chrono::hours(24 * 90);  // CIS AWS Foundations: rotate within 90 days

// File systems on which a lock of one machine need not hold for another (statfs(2), linux/magic.h).
bool is_network_file_system(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return false;
  constexpr std::uint32_t kNfs = 0x6969, kSmb = 0x517B, kCifs = 0xFF534D42, kSmb2 = 0xFE534D42, kNineP = 0x01021997,
                          kAfs = 0x5346414F, kFuse = 0x65735546;
  const auto type = static_cast<std::uint32_t>(info.f_type);
  for (const std::uint32_t each : {kNfs, kSmb, kCifs, kSmb2, kNineP, kAfs, kFuse}) {
    if (type == each) return true;
  }
  return false;
}

// True where the directory exists and is in order.
bool check_directory(CheckBuilder& builder, const std::string& path) {
  const auto opened = os::PrivateDirectory::open(path);
  if (!opened && opened.error().code == Code::not_found) {
    // It will be made; where it cannot be, that shows at its nearest parent.
    std::string parent = path;
    while (parent.size() > 1 && ::access(parent.c_str(), F_OK) != 0)
      parent.resize(std::max<std::size_t>(1, parent.rfind('/')));
    if (::access(parent.c_str(), W_OK | X_OK) != 0) {
      builder.add(CheckStatus::fail, path, fmt::format("{} cannot be made: {} is not writable", path, parent),
                  "make it yourself with mode 0700, or point the XDG variables elsewhere");
    }
    return false;
  }
  if (!opened) {
    const Error& error = opened.error();
    builder.add(CheckStatus::fail, path, error.message,
                error.next.empty() ? "move it away; tollgate makes a new one" : error.next);
    return false;
  }
  if (is_network_file_system(path)) {
    builder.add(CheckStatus::warn, path, fmt::format("{} is on a network or FUSE file system", path),
                "point XDG_CACHE_HOME and XDG_STATE_HOME at a local disk, so that locks hold");
  }
  return true;
}

std::string path_variable(const Surroundings& around) {
  return around.environment.get_or("PATH", "/usr/local/bin:/usr/bin:/bin");
}

}  // namespace

Check check_storage(const Surroundings& around) {
  CheckBuilder builder("storage", "storage");
  const os::UserDirectories& directories = around.directories;
  int present = 0;
  for (const std::string& path : {directories.cache, directories.state, directories.data})
    present += check_directory(builder, path) ? 1 : 0;
  return builder.done(present == 0 ? fmt::format("nothing is stored yet; {} will be made", directories.cache)
                                   : fmt::format("{} and its siblings are yours alone", directories.cache));
}

Check check_session_key(const Surroundings& around) {
  CheckBuilder builder("session-key", "session key");
  const bool file_wanted = around.environment.get_or("TOLLGATE_SESSION_KEY", "keyring") == "file";
  const auto ring = os::Keyring::open();
  if (ring && !file_wanted) return builder.done("in the kernel's keyring, never on disk");
  builder.add(CheckStatus::warn, file_wanted ? "TOLLGATE_SESSION_KEY" : "",
              file_wanted ? "the key of cached sessions lies in a file, as TOLLGATE_SESSION_KEY says"
                          : "the kernel's keyring cannot be used here, so the key of cached sessions lies in a file",
              file_wanted ? "unset TOLLGATE_SESSION_KEY to keep it in the kernel's keyring"
                          : "keep the cache directory out of backups; in a container allow keyctl to do better");
  return builder.done("");
}

Check check_stored_keys(const Surroundings& around) {
  CheckBuilder builder("stored-keys", "stored keys");
  if (!around.stored_keys || !around.protection) return builder.skip("not looked at");
  const auto protection = around.protection();
  const auto stored = around.stored_keys();
  if (!protection) builder.fail(protection.error());
  if (!stored) builder.fail(stored.error());
  if (!protection || !stored) return builder.done("");
  if (!stored->empty() && !*protection) {
    builder.add(CheckStatus::fail, "", "keys are stored, and the file vault-key that unlocks them is gone",
                "restore it from a backup");
  }
  for (const vault::KeySummary& summary : *stored) {
    if (!summary.problem.empty()) {
      builder.add(CheckStatus::fail, summary.file, summary.problem,
                  "restore the file from a backup, or remove it and store the keys anew");
      continue;
    }
    if (!summary.rotation_step.empty()) {
      builder.add(CheckStatus::warn, summary.profile,
                  fmt::format("the rotation of {} is unfinished since {}", summary.profile,
                              format_iso8601(summary.rotation_started)),
                  fmt::format("run `tollgate keys rotate {}`", summary.profile));
    } else if (around.clock.now() - summary.created > kOldKey) {
      builder.add(CheckStatus::warn, summary.profile,
                  fmt::format("the key of {} is older than 90 days", summary.profile),
                  fmt::format("run `tollgate keys rotate {}`", summary.profile));
    }
  }
  if (around.profiles) {
    for (const aws::Profile& profile : (*around.profiles)->profiles) {
      const aws::Setting* process = profile.find("credential_process");
      const auto own = process == nullptr ? std::nullopt : own_process_profile(process->value);
      if (!own || *own != profile.name || !around.has_vault_keys || around.has_vault_keys(*own)) continue;
      // Where the profile has another source, the line only hands its session to other programs.
      if (profile.find("role_arn") != nullptr || profile.find("source_profile") != nullptr) continue;
      builder.add(CheckStatus::fail, (*around.profiles)->place(*process),
                  fmt::format("profile {} takes its keys from tollgate, and none are stored", profile.name),
                  fmt::format("run `tollgate keys add {}`", profile.name));
    }
  }
  if (stored->empty()) return builder.done("none");
  return builder.done(fmt::format("{}, locked with {}", stored->size(), describe(**protection)));
}

Check check_overlay(const Surroundings& around) {
  CheckBuilder builder("overlay", "profiles for programs");
  const auto line = credential_process_value(around.program, "default");
  if (!line) {
    builder.fail(line.error());
    return builder.done("");
  }
  const std::string path = around.directories.cache + "/overlay";
  check_directory(builder, path);
  return builder.done(fmt::format("written below {}", path));
}

Check check_terminal(const Surroundings& around) {
  CheckBuilder builder("terminal", "terminal");
  if (!around.has_terminal && around.environment.get_or("TOLLGATE_MFA_PROCESS", "").empty()) {
    builder.add(CheckStatus::warn, "", "there is no terminal here, so no code can be asked for",
                "run `tollgate login` in one first, or name a program with --mfa-process");
  }
  return builder.done("codes can be asked for here");
}

Check check_fetch(const Surroundings& around) {
  CheckBuilder builder("network-program", "tollgate-fetch");
  if (::access(around.fetch_program.c_str(), X_OK) != 0) {
    builder.add(CheckStatus::fail, around.fetch_program,
                fmt::format("{} is missing: without it AWS cannot be reached", around.fetch_program),
                "install it beside tollgate; both come in the same package");
  }
  return builder.done(around.fetch_program);
}

Check check_programs(const Surroundings& around) {
  CheckBuilder builder("programs", "programs");
  std::string text;
  bool terraform = false;
  const auto self = os::file_identity(around.program);
  for (const std::string_view name : {"terraform", "tofu", "terragrunt", "aws"}) {
    auto found = os::find_program(name, path_variable(around));
    if (!found) continue;
    const bool shim = self && found->identity == *self;
    if (shim) {
      const auto real = os::find_program(name, path_variable(around), {*self});
      if (!real) {
        builder.add(CheckStatus::fail, found->path,
                    fmt::format("the shim {} has no real {} behind it", found->path, name),
                    fmt::format("install {0}, or run `tollgate shim remove {0}`", name));
        continue;
      }
      text += fmt::format("{}{} (shim of {})", text.empty() ? "" : ", ", found->path, real->path);
    } else {
      text += fmt::format("{}{}", text.empty() ? "" : ", ", found->path);
    }
    terraform |= name != "aws";
  }
  if (!terraform) {
    builder.add(CheckStatus::warn, "PATH", "neither terraform nor tofu nor terragrunt is on PATH",
                "install one, or correct PATH");
  }
  return builder.done(std::move(text));
}

}  // namespace tollgate::deliver
