#include "broker/deliver/key_import.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "aws/ini_file.h"
#include "common/base/encoding.h"
#include "common/os/atomic_file.h"

namespace tollgate::deliver {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::array<std::string_view, 2> kKeySettings = {"aws_access_key_id", "aws_secret_access_key"};

// Lines with their ends, so that what is kept is kept to the byte.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string_view trimmed(std::string_view line) {
  const std::size_t start = line.find_first_not_of(" \t\r\n");
  return start == line.npos ? std::string_view() : line.substr(start, line.find_last_not_of(" \t\r\n") + 1 - start);
}

// Lines that may stand between a setting and what continues it.
bool says_nothing(std::string_view line) {
  const std::string_view text = trimmed(line);
  return text.empty() || text.front() == '#' || text.front() == ';';
}

// An indented line below a setting that belongs to its value (and is no setting of its own and no header).
bool continues(std::string_view line, bool value_is_empty) {
  if (line.empty() || kBlanks.find(line.front()) == kBlanks.npos) return false;
  const std::string_view text = trimmed(line);
  const bool header = text.front() == '[' && trimmed(text.substr(0, text.find_first_of("#;"))).ends_with(']');
  return !header && (value_is_empty || text.find_first_of("=:") == text.npos);
}

std::string_view line_end(std::string_view line) {
  return line.ends_with("\r\n") ? "\r\n" : "\n";
}

const aws::IniSection* find_section(const aws::IniFile& file, std::string_view profile) {
  for (const aws::IniSection& section : file.sections) {
    if (section.kind == aws::SectionKind::profile && section.name == profile) return &section;
  }
  return nullptr;
}

// One key line less, or nullopt where there is none left. The first that goes leaves `process` in its place.
std::optional<std::string> without_one(std::string_view text, aws::FileKind kind, std::string_view profile,
                                       std::string& process) {
  const aws::IniFile file = aws::parse_ini(text, kind);
  const aws::IniSection* section = find_section(file, profile);
  if (section == nullptr) return std::nullopt;
  const aws::IniSetting* setting = nullptr;
  for (const std::string_view name : kKeySettings) {
    if (setting == nullptr) setting = section->find(name);
  }
  if (setting == nullptr) return std::nullopt;

  const std::vector<std::string_view> lines = lines_of(text);
  const std::size_t first = static_cast<std::size_t>(setting->line) - 1;
  std::vector<bool> goes(lines.size(), false);
  goes[first] = true;
  for (std::size_t i = first + 1; i < lines.size(); ++i) {
    if (says_nothing(lines[i])) continue;
    if (!continues(lines[i], setting->value.empty())) break;
    goes[i] = true;
  }
  std::string result;
  // Never grows, so that no copy of a secret is left behind.
  result.reserve(text.size() + process.size() + 64);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!goes[i]) {
      result += lines[i];
    } else if (i == first && !process.empty()) {
      const std::string_view line = lines[i];
      result += line.substr(0, line.find_first_not_of(kBlanks));
      result += "credential_process = " + process;
      result += line_end(line);
      process.clear();
    }
  }
  return result;
}

Error config_error(std::string reason, std::string message, std::string next, std::string place) {
  return Error(Code::config, std::move(message))
      .do_next(std::move(next))
      .at(std::move(place))
      .because(std::move(reason));
}

// What stands in the way of a profile whose keys shall go.
Result<void> check(const aws::ProfileSet& set, const aws::Profile& profile) {
  const aws::Setting* id = profile.find("aws_access_key_id");
  if (const aws::Setting* token = profile.find("aws_session_token"); token != nullptr && !token->secret.empty()) {
    return fail(config_error("temporary_keys",
                             fmt::format("the keys of profile {} are temporary: they end by themselves and are not "
                                         "worth storing",
                                         profile.name),
                             "remove them, or import the profile that holds your long-term keys", set.place(*token)));
  }
  const aws::Setting* process = profile.find("credential_process");
  if (process != nullptr && !process->value.empty() && own_process_profile(process->value) != profile.name) {
    return fail(config_error(
        "other_process",
        fmt::format("profile {} has a credential_process of another program beside its keys", profile.name),
        "remove that line, or the keys: the keys are what is used now", set.place(*process)));
  }
  for (const std::string_view key : {"role_arn", "source_profile", "credential_source"}) {
    const aws::Setting* setting = profile.find(key);
    if (setting == nullptr || setting->value.empty()) continue;
    return fail(config_error(
        "keys_beside_role",
        fmt::format("profile {} has keys and {}: other programs would assume the role twice", profile.name, key),
        fmt::format("move the keys to a profile of their own, [{0}-keys], write source_profile = "
                    "{0}-keys here, and import that one",
                    profile.name),
        set.place(*setting)));
  }
  if (profile.half_pair_line != 0) {
    return fail(config_error("partial_keys", fmt::format("profile {} has only one half of a key pair", profile.name),
                             "complete or remove it", set.place(profile.half_pair_file, profile.half_pair_line)));
  }
  if (id->value.find('\n') != std::string::npos) {
    return fail(
        config_error("partial_keys", "the access key id spans several lines", "write it on one line", set.place(*id)));
  }
  return {};
}

// The same profile in the other file must not hold another key: it would be lost without a word.
Result<void> check_other_file(std::string_view text, aws::FileKind kind, const std::string& path,
                              std::string_view profile, std::string_view id) {
  const aws::IniFile file = aws::parse_ini(text, kind);
  const aws::IniSection* section = find_section(file, profile);
  const aws::IniSetting* setting = section == nullptr ? nullptr : section->find("aws_access_key_id");
  if (setting == nullptr || setting->value == id) return {};
  return fail(config_error("two_key_pairs", fmt::format("profile {} has another key in the other file", profile),
                           "remove the one that is not used", fmt::format("{}:{}", path, setting->line)));
}

// Where a write goes: what a symbolic link leads to, not the link.
Result<std::string> real_path(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  if (::realpath(path.c_str(), buffer.data()) == nullptr) {
    return fail(Code::io, fmt::format("finding {}: {}", path, std::strerror(errno)));
  }
  return std::string(buffer.data());
}

}  // namespace

std::optional<std::string> own_process_profile(std::string_view command) {
  std::vector<std::string_view> words;
  while (!command.empty()) {
    const std::size_t start = command.find_first_not_of(kBlanks);
    if (start == command.npos) break;
    command.remove_prefix(start);
    const std::size_t end = std::min(command.find_first_of(kBlanks), command.size());
    words.push_back(command.substr(0, end));
    command.remove_prefix(end);
  }
  if (words.size() != 4 || words[1] != "credential-process") return std::nullopt;
  if (words[0].substr(words[0].rfind('/') + 1) != "tollgate") return std::nullopt;
  if (words[2] == "--profile") return std::string(words[3]);
  return words[2] == "--profile-b64" ? base64url_decode(words[3]) : std::nullopt;
}

std::optional<std::string> without_keys(std::string_view text, aws::FileKind kind, std::string_view profile,
                                        std::string_view process) {
  std::string line(process);
  std::optional<std::string> result = without_one(text, kind, profile, line);
  while (result) {
    auto next = without_one(*result, kind, profile, line);
    if (!next) break;
    wipe(*result);
    result = std::move(next);
  }
  return result;
}

Result<ImportPlan> plan_import(const aws::FileLocations& files, std::string_view profile, std::string_view process,
                               const aws::FileReader& reader) {
  TG_TRY(std::optional<std::string> config_text, reader(files.config));
  TG_TRY(std::optional<std::string> credentials_text, reader(files.credentials));
  const Secret config = config_text ? Secret::take(std::move(*config_text)) : Secret();
  const Secret credentials = credentials_text ? Secret::take(std::move(*credentials_text)) : Secret();
  const aws::ProfileSet set = aws::merge_profiles(files, config.reveal(), credentials.reveal());

  const aws::Profile* found = set.find(profile);
  const aws::Setting* id = found == nullptr ? nullptr : found->find("aws_access_key_id");
  const aws::Setting* secret = found == nullptr ? nullptr : found->find("aws_secret_access_key");
  if (id == nullptr || id->value.empty() || secret == nullptr || secret->secret.empty()) {
    const bool there = found != nullptr && own_process_profile(found->text("credential_process")) == profile;
    if (there) {
      return fail(Error(Code::not_found, fmt::format("the keys of profile {} have left the file already", profile))
                      .at(set.place(*found->find("credential_process")))
                      .because("already_imported"));
    }
    return fail(Error(Code::not_found,
                      fmt::format("profile {} has no keys in {} or {}", profile, files.credentials, files.config))
                    .do_next(fmt::format("type them: `tollgate keys add {}`", profile))
                    .because("no_keys"));
  }
  TG_CHECK(check(set, *found));

  ImportPlan plan;
  plan.profile = profile;
  plan.access_key_id = id->value;
  plan.secret_access_key = secret->secret;
  plan.place = set.place(*id);
  const bool line_is_there = found->find("credential_process") != nullptr;
  for (const auto kind : {aws::FileKind::credentials, aws::FileKind::config}) {
    const bool is_credentials = kind == aws::FileKind::credentials;
    const Secret& text = is_credentials ? credentials : config;
    const std::string& path = is_credentials ? files.credentials : files.config;
    TG_CHECK(check_other_file(text.reveal(), kind, path, profile, id->value));
    const bool takes_line = !line_is_there && kind == id->file;
    auto after = without_keys(text.reveal(), kind, profile, takes_line ? process : std::string_view());
    if (after) plan.edits.push_back({path, text, Secret::take(std::move(*after))});
  }
  return plan;
}

Result<std::vector<std::string>> apply_import(const ImportPlan& plan, TimePoint now) {
  std::vector<std::string> backups;
  for (const FileEdit& edit : plan.edits) {
    TG_TRY(const std::string path, real_path(edit.path));
    TG_TRY(const Secret current, [&]() -> Result<Secret> {
      TG_TRY(std::string text, os::read_file(path, 16 << 20));
      return Secret::take(std::move(text));
    }());
    if (!(current == edit.before)) {
      return fail(Error(Code::conflict, fmt::format("{} has been changed by another program just now", path))
                      .do_next("run the command again"));
    }
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      return fail(Code::io, fmt::format("reading {}: {}", path, std::strerror(errno)));
    }
    const std::string backup = fmt::format("{}.tollgate-{}", path, format_amz_date(now));
    TG_CHECK(os::write_file_atomically(backup, edit.before.reveal(), {.mode = 0600, .durable = true}));
    backups.push_back(backup);
    TG_CHECK(os::write_file_atomically(path, edit.after.reveal(), {.mode = info.st_mode & 0777, .durable = true}));
  }
  return backups;
}

}  // namespace tollgate::deliver
