#include "broker/deliver/overlay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/os/atomic_file.h"
#include "common/os/directory_names.h"

namespace tollgate::deliver {
namespace {

constexpr auto kUnusedFor = std::chrono::hours(7 * 24);
constexpr std::string_view kEmptyCredentialsName = "credentials";

// Settings that name or carry credentials: credential_process takes their place (Terraform's SDK refuses a profile with
// two kinds of source).
bool is_credential_setting(std::string_view key) {
  constexpr std::array<std::string_view, 14> kKeys = {
      "aws_access_key_id", "aws_secret_access_key", "aws_session_token",  "aws_security_token", "role_arn",
      "source_profile",    "credential_source",     "credential_process", "mfa_serial",         "external_id",
      "role_session_name", "duration_seconds",      "source_identity",    "aws_account_id"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end() || key.starts_with("sso_") ||
         key.starts_with("web_identity_");
}

bool has_credentials(const aws::Profile& profile) {
  return std::any_of(profile.settings.begin(), profile.settings.end(), [](const aws::Setting& setting) {
    return setting.key == "aws_access_key_id" || setting.key == "role_arn" || setting.key == "source_profile" ||
           setting.key == "credential_source" || setting.key == "credential_process" ||
           setting.key.starts_with("sso_") || setting.key == "web_identity_token_file";
  });
}

// A value that some reader would cut, unquote or unescape cannot be copied faithfully.
bool can_be_copied(std::string_view value) {
  if (value.find('\n') != std::string_view::npos || value.find('\r') != std::string_view::npos) return false;
  for (const char* cut : {" #", " ;", "\t#", "\t;"}) {
    if (value.find(cut) != std::string_view::npos) return false;
  }
  if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\''))
    return false;
  return true;
}

void append_settings(std::string& text, const aws::Section& section, bool leave_out_credentials) {
  for (const aws::Setting& setting : section.settings) {
    if (!setting.secret.empty() || (leave_out_credentials && is_credential_setting(setting.key))) continue;
    if (!setting.nested.empty()) {
      text += fmt::format("{} =\n", setting.key);
      for (const auto& [key, value] : setting.nested) {
        if (can_be_copied(value)) text += fmt::format("  {} = {}\n", key, value);
      }
    } else if (can_be_copied(setting.value)) {
      text += fmt::format("{} = {}\n", setting.key, setting.value);
    }
  }
}

bool plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+-").find(c) != std::string_view::npos;
  });
}

// Blanks in a name: Terraform's SDK reads [profile a b], botocore [profile "a b"]. Both are written.
std::vector<std::string> headers_of(std::string_view kind, std::string_view name) {
  if (kind == "profile" && name == "default") return {"[default]"};
  std::vector<std::string> headers{fmt::format("[{} {}]", kind, name)};
  if (name.find_first_of(" \t") != std::string_view::npos) headers.push_back(fmt::format("[{} \"{}\"]", kind, name));
  return headers;
}

void remove_unused(const os::PrivateDirectory& directory, TimePoint now) {
  for (const std::string& name :
       os::directory_names(directory.fd(), directory.path()).value_or(std::vector<std::string>())) {
    struct stat status {};
    if (::fstatat(directory.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
      continue;
    if (now - from_unix_seconds(status.st_mtime) > kUnusedFor) ::unlinkat(directory.fd(), name.c_str(), 0);
  }
}

// Writes the file unless it is there; either way its time of last use is now.
Result<void> write_once(const os::PrivateDirectory& directory, const std::string& name, std::string_view text) {
  if (const auto present = directory.read(name, text.size() + 1); present && *present == text) {
    ::utimensat(directory.fd(), name.c_str(), nullptr, 0);
    return {};
  }
  return directory.write(name, text, {.mode = 0400});
}

}  // namespace

std::string profile_argument(std::string_view profile) {
  if (plain_name(profile) && profile.front() != '-') return fmt::format("--profile {}", profile);
  return fmt::format("--profile-b64 {}", base64url_encode(profile));
}

Result<std::string> credential_process_value(std::string_view program, std::string_view profile) {
  const bool writable = std::all_of(program.begin(), program.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 &&
           std::string_view("#;\\\"'`$&|<>()*?[]{}!~").find(c) == std::string_view::npos;
  });
  if (!writable || !program.starts_with('/')) {
    return fail(
        Error(Code::config, fmt::format("the path of tollgate, {}, has characters that AWS clients read differently "
                                        "in a credential_process line",
                                        program))
            .do_next("install tollgate under a path of letters, digits, '/', '.', '_' and '-'"));
  }
  return fmt::format("{} credential-process {}", program, profile_argument(profile));
}

Result<std::string> overlay_text(const aws::ProfileSet& profiles, std::string_view program,
                                 const std::vector<std::string>& stored, std::string_view stand_in,
                                 std::string_view stand_in_profile, std::string_view stand_in_role) {
  TG_CHECK(credential_process_value(program, "default"));
  std::string text =
      "# Written by tollgate for the programs that it starts; replaced whenever your own AWS files change.\n"
      "# It holds no secret. Edit your own file instead.\n";
  std::vector<aws::Profile> named;
  for (const std::string& name : stored) {
    if (profiles.find(name) == nullptr) named.emplace_back().name = name;
  }
  const auto add = [&](const aws::Profile& profile, std::string_view name, std::string_view role_arn = {}) {
    const bool replace = !role_arn.empty() || has_credentials(profile) ||
                         std::find(stored.begin(), stored.end(), profile.name) != stored.end();
    for (const std::string& header : headers_of("profile", name)) {
      text += fmt::format("\n{}\n", header);
      append_settings(text, profile, true);
      if (replace) {
        text += fmt::format("credential_process = {} credential-process {}{}{}\n", program,
                            profile_argument(profile.name), role_arn.empty() ? "" : " --role-arn ", role_arn);
      }
    }
  };
  for (const aws::Profile& profile : profiles.profiles)
    add(profile, profile.name);
  for (const aws::Profile& profile : named)
    add(profile, profile.name);
  const aws::Profile* const meant = stand_in.empty() ? nullptr : profiles.find(stand_in_profile);
  if (meant != nullptr) {
    add(*meant, stand_in, stand_in_role);
  } else if (!stand_in_role.empty()) {
    aws::Profile stored_only;
    stored_only.name = stand_in_profile;
    add(stored_only, stand_in, stand_in_role);
  }
  for (const auto& [kind, sections] :
       {std::pair("sso-session", &profiles.sso_sessions), std::pair("services", &profiles.services)}) {
    for (const aws::Section& section : *sections) {
      for (const std::string& header : headers_of(kind, section.name)) {
        text += fmt::format("\n{}\n", header);
        append_settings(text, section, false);
      }
    }
  }
  return text;
}

std::string role_profile_name(std::string_view profile, std::string_view role_arn) {
  return fmt::format("{}.role-{}", profile, crypto::sha256_hex(role_arn).substr(0, 8));
}

Result<Overlay> write_overlay(const std::string& directory, std::string_view text, TimePoint now) {
  TG_TRY(const os::PrivateDirectory folder, os::PrivateDirectory::create(directory));
  const std::string name = crypto::sha256_hex(text);
  TG_CHECK(write_once(folder, name, text));
  TG_CHECK(write_once(folder, std::string(kEmptyCredentialsName), ""));
  remove_unused(folder, now);
  return Overlay{fmt::format("{}/{}", directory, name), fmt::format("{}/{}", directory, kEmptyCredentialsName)};
}

}  // namespace tollgate::deliver
