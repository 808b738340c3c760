#include "broker/deliver/exports.h"

#include <algorithm>
#include <array>

#include "broker/deliver/child_environment.h"
#include "broker/deliver/shim_plan.h"
#include "common/json/value.h"

namespace tollgate::deliver {
namespace {

constexpr std::array<std::string_view, 9> kNames = {"sh",  "fish",   "pwsh",   "cmd",       "json",
                                                    "ini", "dotenv", "docker", "terragrunt"};

// What static keys consist of.
constexpr std::array<std::string_view, 6> kStatic = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                                     "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
                                                     "AWS_REGION",        "AWS_DEFAULT_REGION"};
// What an overlay adds.
constexpr std::array<std::string_view, 10> kOverlay = {
    "AWS_PROFILE",         "AWS_CONFIG_FILE",  "AWS_SHARED_CREDENTIALS_FILE", "AWS_SDK_LOAD_CONFIG",
    "AWS_VAULT",           "TOLLGATE_PROFILE", "TOLLGATE_AWS_CONFIG_FILE",    "TOLLGATE_AWS_SHARED_CREDENTIALS_FILE",
    kRoleDurationVariable, kNoSessionVariable};

std::vector<std::string> exportable_variables() {
  std::vector<std::string> names(kStatic.begin(), kStatic.end());
  names.insert(names.end(), kOverlay.begin(), kOverlay.end());
  return names;
}

// Longest document that is made without a second copy of the buffer, which would leave a secret behind.
constexpr std::size_t kRoom = 32 << 10;

bool has_newline(std::string_view value) {
  return value.find_first_of("\r\n") != std::string_view::npos;
}

Error cannot_write(std::string_view name, ExportFormat format, std::string_view why) {
  return Error(Code::invalid, fmt::format("the value of {} cannot be written as {}: {}", name,
                                          kNames[static_cast<std::size_t>(format)], why))
      .do_next("use --format json");
}

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result;
  result.reserve(text.size() + 64);
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(what)) {
      result += by;
      at += what.size();
    } else {
      result += text[at++];
    }
  }
  return result;
}

// In PowerShell's single quotes the typographic ones end the text as well, and each is written twice (about_Quoting_
// Rules; U+2018 to U+201B).
std::string pwsh_quoted(std::string_view value) {
  std::string text = replaced(value, "'", "''");
  for (const std::string_view quote : {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9A", "\xE2\x80\x9B"})
    text = replaced(text, quote, std::string(quote) + std::string(quote));
  return fmt::format("'{}'", text);
}

Result<std::string> assignment(ExportFormat format, std::string_view name, std::string_view value) {
  switch (format) {
    case ExportFormat::sh:
      return fmt::format("export {}='{}'\n", name, replaced(value, "'", "'\\''"));
    case ExportFormat::fish:
      return fmt::format("set -gx {} '{}'\n", name, replaced(replaced(value, "\\", "\\\\"), "'", "\\'"));
    case ExportFormat::pwsh:
      return fmt::format("$Env:{} = {}\n", name, pwsh_quoted(value));
    case ExportFormat::cmd:
      // Inside a .cmd file cmd.exe expands %, and ! where delayed expansion is on; nothing escapes a quote.
      if (value.find_first_of("\"%!\r\n") != std::string_view::npos) {
        return fail(cannot_write(name, format, "it has a quote, a percent sign, an exclamation mark or a line break"));
      }
      return fmt::format("@set \"{}={}\"\r\n", name, value);
    case ExportFormat::dotenv: {
      const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("_-+/=.,:@").find(c) != std::string_view::npos;
      });
      if (plain) return fmt::format("{}={}\n", name, value);
      if (value.find('\'') != std::string_view::npos || has_newline(value)) {
        return fail(cannot_write(name, format, "readers of .env files do not agree on quotes and line breaks"));
      }
      return fmt::format("{}='{}'\n", name, value);
    }
    case ExportFormat::docker:
      if (has_newline(value)) return fail(cannot_write(name, format, "it has a line break"));
      return fmt::format("{}={}\n", name, value);
    case ExportFormat::json:
    case ExportFormat::ini:
    case ExportFormat::terragrunt:
      break;
  }
  return fail(Code::internal, "this format has no assignments");
}

std::string removal(ExportFormat format, std::string_view name) {
  switch (format) {
    case ExportFormat::sh:
      return fmt::format("unset {}\n", name);
    case ExportFormat::fish:
      return fmt::format("set -e {}\n", name);
    case ExportFormat::pwsh:
      return fmt::format("Remove-Item Env:{} -ErrorAction SilentlyContinue\n", name);
    case ExportFormat::cmd:
      return fmt::format("@set \"{}=\"\r\n", name);
    default:
      return "";
  }
}

Result<Secret> lines_document(ExportFormat format, const ExportedVariables& variables) {
  std::string text;
  text.reserve(kRoom);
  for (const std::string& name : variables.unset)
    text += removal(format, name);
  for (const auto& [name, value] : variables.set) {
    auto line = assignment(format, name, value.reveal());
    if (!line) {
      wipe(text);
      return fail(std::move(line.error()));
    }
    text += *line;
    wipe(*line);
  }
  return Secret::take(std::move(text));
}

std::string_view value_of(const ExportedVariables& variables, std::string_view name) {
  for (const auto& [each, value] : variables.set) {
    if (each == name) return value.reveal();
  }
  return "";
}

Result<Secret> ini_document(const ExportedVariables& variables, std::string_view profile) {
  if (value_of(variables, "AWS_ACCESS_KEY_ID").empty()) {
    return fail(Code::usage, "an ini document needs keys, and these variables have none");
  }
  if (profile.find_first_of("]\r\n") != std::string_view::npos) {
    return fail(Code::invalid, "the name of the profile cannot stand in a section header");
  }
  std::string text;
  text.reserve(kRoom);
  const std::string_view expires = value_of(variables, "AWS_CREDENTIAL_EXPIRATION");
  if (!expires.empty()) text += fmt::format("# expires {}\n", expires);
  text += fmt::format("[{}]\n", profile);
  for (const auto& [key, name] : {std::pair("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
                                  {"aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"},
                                  {"aws_session_token", "AWS_SESSION_TOKEN"},
                                  {"region", "AWS_REGION"}}) {
    const std::string_view value = value_of(variables, name);
    if (value.empty()) continue;
    if (has_newline(value)) {
      wipe(text);
      return fail(cannot_write(name, ExportFormat::ini, "it has a line break"));
    }
    text += fmt::format("{} = {}\n", key, value);
  }
  return Secret::take(std::move(text));
}

// terragrunt docs, "auth-provider-cmd": awsCredentials go before envs, and have no expiry.
Secret terragrunt_document(const ExportedVariables& variables) {
  json::Value credentials = json::Value::object();
  json::Value others = json::Value::object();
  for (const auto& [name, value] : variables.set) {
    const std::string text(value.reveal());
    if (name == "AWS_ACCESS_KEY_ID") {
      credentials.set("ACCESS_KEY_ID", text);
    } else if (name == "AWS_SECRET_ACCESS_KEY") {
      credentials.set("SECRET_ACCESS_KEY", text);
    } else if (name == "AWS_SESSION_TOKEN") {
      credentials.set("SESSION_TOKEN", text);
    } else {
      others.set(name, text);
    }
  }
  json::Value document = json::Value::object();
  if (!credentials.if_object()->empty()) document.set("awsCredentials", std::move(credentials));
  document.set("envs", std::move(others));
  return Secret::take(json::to_text(document) + "\n");
}

// JSON is UTF-8; anything else would arrive changed.
Result<void> check_utf8(const ExportedVariables& variables) {
  for (const auto& [name, value] : variables.set) {
    const std::string_view text = value.reveal();
    if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) continue;
    const json::Value written{std::string(text)};
    const auto read = json::parse(json::to_text(written));
    if (!read || *read != written) return fail(cannot_write(name, ExportFormat::json, "it is not UTF-8").do_next(""));
  }
  return {};
}

Secret json_document(const ExportedVariables& variables) {
  json::Value document = json::Value::object();
  for (const auto& [name, value] : variables.set)
    document.set(name, std::string(value.reveal()));
  return Secret::take(json::to_pretty_text(document));
}

}  // namespace

const std::vector<std::string>& export_format_names() {
  static const std::vector<std::string> names(kNames.begin(), kNames.end());
  return names;
}

std::optional<ExportFormat> parse_export_format(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ExportFormat>(found - kNames.begin());
}

bool is_shell_format(ExportFormat format) {
  return format == ExportFormat::sh || format == ExportFormat::fish || format == ExportFormat::pwsh ||
         format == ExportFormat::cmd;
}

ExportedVariables exported_variables(const os::Environment& parent, const os::Environment& child) {
  ExportedVariables variables;
  std::vector<std::string> candidates = credential_variables(parent);
  for (const std::string& name : exportable_variables()) {
    if (const std::string* value = child.find(name)) variables.set.emplace_back(name, Secret(*value));
    const bool listed = std::find(candidates.begin(), candidates.end(), name) != candidates.end();
    if (!listed && parent.has(name)) candidates.push_back(name);
  }
  for (std::string& name : candidates) {
    if (!child.has(name)) variables.unset.push_back(std::move(name));
  }
  return variables;
}

ExportedVariables retracted_variables(const os::Environment& parent) {
  ExportedVariables variables;
  variables.unset.assign(kStatic.begin(), kStatic.end());
  if (!parent.has("TOLLGATE_AWS_CONFIG_FILE")) return variables;
  const os::Environment real = with_real_files(parent);
  for (const std::string_view name : kOverlay) {
    const bool is_file = name == "AWS_CONFIG_FILE" || name == "AWS_SHARED_CREDENTIALS_FILE";
    if (is_file && real.has(name)) {
      variables.set.emplace_back(name, Secret(*real.find(name)));
    } else {
      variables.unset.emplace_back(name);
    }
  }
  return variables;
}

Result<Secret> export_document(ExportFormat format, const ExportedVariables& variables, std::string_view profile) {
  if (format == ExportFormat::json || format == ExportFormat::terragrunt) TG_CHECK(check_utf8(variables));
  if (format == ExportFormat::json) return json_document(variables);
  if (format == ExportFormat::ini) return ini_document(variables, profile);
  if (format == ExportFormat::terragrunt) return terragrunt_document(variables);
  return lines_document(format, variables);
}

}  // namespace tollgate::deliver
