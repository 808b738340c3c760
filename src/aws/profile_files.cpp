#include "aws/profile_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "aws/ini_remarks.h"
#include "aws/setting_names.h"
#include "common/base/unique_fd.h"

namespace tollgate::aws {
namespace {

constexpr std::size_t kLargestFile = std::size_t{16} << 20;

constexpr std::string_view kAccessKeyId = "aws_access_key_id";
constexpr std::string_view kSecretAccessKey = "aws_secret_access_key";
constexpr std::string_view kSessionToken = "aws_session_token";

// What the SDK knows and yet does not take from the credentials file for a profile that the config file has as well
// (the list of keys in mergeSections, shared_config.go).
constexpr std::array<std::string_view, 11> kNotMerged = {"account_id_endpoint_mode",
                                                         "aws_account_id",
                                                         "disable_request_compression",
                                                         "endpoint_url",
                                                         "ignore_configured_endpoint_urls",
                                                         "request_checksum_calculation",
                                                         "request_min_compression_size_bytes",
                                                         "response_checksum_validation",
                                                         "s3_disable_express_session_auth",
                                                         "sdk_ua_app_id",
                                                         "services"};

bool is_key_pair(std::string_view key) {
  return key == kAccessKeyId || key == kSecretAccessKey || key == kSessionToken;
}

Setting to_setting(const IniSetting& from, FileKind file) {
  Setting setting;
  setting.key = from.key;
  setting.file = file;
  setting.line = from.line;
  if (is_secret_setting(from.key)) {
    // Nested settings of a secret are the secret itself, wrapped badly; nothing reads them.
    setting.secret = Secret(from.value);
    return setting;
  }
  setting.value = from.value;
  setting.nested.reserve(from.nested.size());
  for (const IniNested& nested : from.nested)
    setting.nested.emplace_back(nested.key, nested.value);
  return setting;
}

// No client reads a setting of so long a name: it is the second line of a session token that was pasted in two.
bool is_stray_text(const IniSetting& setting) {
  return setting.key.size() > 128;
}

// The line of a key without its other half; 0 if there is none.
int half_pair_line(const IniSection& section) {
  const IniSetting* id = section.find(kAccessKeyId);
  const IniSetting* secret = section.find(kSecretAccessKey);
  if ((id == nullptr) == (secret == nullptr)) return 0;
  return id != nullptr ? id->line : secret->line;
}

Section to_section(const IniSection& from, FileKind file) {
  Section section;
  section.name = from.name;
  section.file = file;
  section.line = from.line;
  section.half_pair_line = half_pair_line(from);
  section.half_pair_file = file;
  section.settings.reserve(from.settings.size());
  for (const IniSetting& setting : from.settings) {
    if (!is_stray_text(setting)) section.settings.push_back(to_setting(setting, file));
  }
  return section;
}

// Lays what the credentials file says over what the config file says, key by key.
class Merger {
 public:
  explicit Merger(ProfileSet& set) : set_(set) {}

  void take(const IniFile& file, FileKind kind, const std::string& path);

 private:
  std::vector<Section>& list_of(SectionKind kind);
  void merge(Section& into, const IniSection& from);
  void remark(const IniSection& section, const IniSetting& setting, std::string_view topic, std::string message,
              std::string next);

  ProfileSet& set_;
  std::array<std::unordered_map<std::string_view, std::size_t>, 3> index_;  // by SectionKind, by name
};

std::vector<Section>& Merger::list_of(SectionKind kind) {
  if (kind == SectionKind::sso_session) return set_.sso_sessions;
  return kind == SectionKind::services ? set_.services : set_.profiles;
}

void Merger::take(const IniFile& file, FileKind kind, const std::string& path) {
  for (const IniNote& note : file.notes)
    set_.diagnostics.push_back(describe(note, path));
  for (const IniSection& section : file.sections) {
    if (section.kind == SectionKind::ignored) continue;
    std::vector<Section>& list = list_of(section.kind);
    auto& index = index_[static_cast<std::size_t>(section.kind)];
    const auto [known, is_new] = index.try_emplace(section.name, list.size());
    if (is_new) {
      list.push_back(to_section(section, kind));
    } else {
      merge(list[known->second], section);
    }
  }
}

void Merger::merge(Section& into, const IniSection& from) {
  into.half_pair_line = half_pair_line(from);
  into.half_pair_file = FileKind::credentials;
  const bool whole = into.half_pair_line == 0 && from.find(kAccessKeyId) != nullptr;
  const Setting* token = into.find(kSessionToken);
  if (whole && token != nullptr && from.find(kSessionToken) == nullptr && into.find(kAccessKeyId) != nullptr) {
    remark(from, *from.find(kAccessKeyId), "mixed_keys",
           fmt::format("the keys of profile {} are taken from here, and its aws_session_token from {}", into.name,
                       set_.place(*token)),
           "remove the aws_session_token of the config file");
  }
  for (const IniSetting& setting : from.settings) {
    if (std::binary_search(kNotMerged.begin(), kNotMerged.end(), setting.key)) {
      remark(from, setting, "not_merged",
             fmt::format("{} of profile {} counts only in the config file, because the profile is there too; the AWS "
                         "CLI reads it here as well",
                         setting.key, printable(into.name)),
             "move it to the config file");
      continue;
    }
    if (is_stray_text(setting)) continue;
    if (is_key_pair(setting.key) && !whole) continue;  // half a pair, or a token alone: never merged
    const auto old = std::find_if(into.settings.begin(), into.settings.end(),
                                  [&](const Setting& s) { return s.key == setting.key; });
    if (old == into.settings.end()) {
      into.settings.push_back(to_setting(setting, FileKind::credentials));
    } else {
      *old = to_setting(setting, FileKind::credentials);
    }
  }
}

void Merger::remark(const IniSection& section, const IniSetting& setting, std::string_view topic, std::string message,
                    std::string next) {
  Diagnostic diagnostic;
  diagnostic.severity = Severity::warning;
  diagnostic.place = fmt::format("{}:{}", set_.files.credentials, setting.line);
  diagnostic.message = std::move(message);
  diagnostic.next = std::move(next);
  diagnostic.topic = topic;
  diagnostic.subject = std::string(section.name);
  set_.diagnostics.push_back(std::move(diagnostic));
}

void wipe_owned(IniFile& file) {
  for (std::string& text : file.owned)
    wipe(text);
}

// Wipes a file's text, which may hold keys, on every way out.
struct Wiped {
  std::optional<std::string> text;
  std::string_view view() const { return text ? std::string_view(*text) : std::string_view(); }
  ~Wiped() {
    if (text) wipe(*text);
  }
};

const Section* find_by_name(const std::vector<Section>& sections, std::string_view name) {
  for (const Section& section : sections) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

Error read_error(const std::string& path, int number) {
  return Error(Code::io, fmt::format("the AWS file {} cannot be read: {}", path, std::strerror(number)))
      .do_next("make it readable for you, or name another file in AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE")
      .at(path);
}

}  // namespace

const Setting* Section::find(std::string_view key) const {
  for (const Setting& setting : settings) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

std::string_view Section::text(std::string_view key) const {
  const Setting* setting = find(key);
  return setting == nullptr ? std::string_view() : std::string_view(setting->value);
}

const Profile* ProfileSet::find(std::string_view name) const {
  return find_by_name(profiles, name);
}
const Section* ProfileSet::find_sso_session(std::string_view name) const {
  return find_by_name(sso_sessions, name);
}
const Section* ProfileSet::find_services(std::string_view name) const {
  return find_by_name(services, name);
}

std::string ProfileSet::place(FileKind file, int line) const {
  return fmt::format("{}:{}", file == FileKind::config ? files.config : files.credentials, line);
}
std::string ProfileSet::place(const Setting& setting) const {
  return place(setting.file, setting.line);
}
std::string ProfileSet::place(const Section& section) const {
  return place(section.file, section.line);
}

Result<std::optional<std::string>> read_aws_file(const std::string& path) {
  if (path.empty()) return std::optional<std::string>();
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return fail(read_error(path, errno));
  }
  std::string text;
  struct stat status = {};
  const bool regular = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
  if (regular) {
    // At once, so that growing leaves no copies of keys behind.
    text.reserve(std::min(static_cast<std::size_t>(status.st_size) + 1, kLargestFile));
  }
  std::array<char, 16384> block;
  for (;;) {
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int number = errno;
      wipe(text);
      return fail(read_error(path, number));
    }
    if (count == 0) break;
    if (text.size() + static_cast<std::size_t>(count) > kLargestFile) {
      wipe(text);
      return fail(Error(Code::config, fmt::format("the AWS file {} is larger than 16 MiB", path))
                      .do_next("name the right file in AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE")
                      .at(path));
    }
    text.append(block.data(), static_cast<std::size_t>(count));
    if (regular && text.size() == static_cast<std::size_t>(status.st_size)) break;
  }
  explicit_bzero(block.data(), block.size());
  return std::optional<std::string>(std::move(text));
}

ProfileSet merge_profiles(const FileLocations& files, std::string_view config, std::string_view credentials) {
  ProfileSet set;
  set.files = files;
  Merger merger(set);
  IniFile config_file = parse_ini(config, FileKind::config);
  merger.take(config_file, FileKind::config, files.config);
  IniFile credentials_file = parse_ini(credentials, FileKind::credentials);
  merger.take(credentials_file, FileKind::credentials, files.credentials);
  wipe_owned(config_file);
  wipe_owned(credentials_file);
  return set;
}

Result<ProfileSet> read_profiles(const FileLocations& files, const FileReader& reader) {
  Wiped config;
  Wiped credentials;
  if (!files.config.empty()) {
    TG_TRY(config.text, reader(files.config));
  }
  if (!files.credentials.empty()) {
    TG_TRY(credentials.text, reader(files.credentials));
  }
  return merge_profiles(files, config.view(), credentials.view());
}

}  // namespace tollgate::aws
