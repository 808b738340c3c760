#include "aws/ini_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "aws/ini_text.h"

namespace tollgate::aws {
namespace {

using namespace ini;

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct SettingId {
  std::size_t section;
  std::string_view key;
  friend bool operator==(const SettingId&, const SettingId&) = default;
};
struct SettingIdHash {
  std::size_t operator()(const SettingId& id) const {
    return std::hash<std::string_view>()(id.key) ^ (id.section * 0x9E3779B97F4A7C15u);
  }
};

class IniParser {
 public:
  IniParser(std::string_view text, FileKind kind) : text_(text), kind_(kind) {}
  IniFile run();

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // A section of more settings than this gets an index; a shorter one is faster to walk through.
  static constexpr std::size_t kIndexFrom = 32;

  void read_line(std::string_view line);
  bool read_header(std::string_view line);
  void enter(SectionKind kind, std::string_view name, bool prefixed);
  void read_setting(std::string_view line);
  bool read_nested(std::string_view line, std::string_view trimmed);
  void read_continuation(std::string_view line, std::string_view trimmed);
  void add_setting(std::string_view key, std::string_view value, std::size_t indent);
  std::size_t find_setting(const IniSection& section, std::string_view key) const;
  void prefer_prefixed();

  void note(IniRemark remark, std::string_view subject = {}) { file_.notes.push_back({remark, line_, subject}); }
  std::string_view own(std::string text) { return file_.owned.emplace_back(std::move(text)); }
  std::string_view lower(std::string_view key);
  IniSection* current() { return section_ == kNone ? nullptr : &file_.sections[section_]; }

  std::string_view text_;
  FileKind kind_;
  IniFile file_;
  int line_ = 0;
  std::uint8_t classes_ = 0;  // of the current line
  std::size_t section_ = kNone;
  std::size_t setting_ = kNone;  // that indented lines belong to
  std::size_t setting_indent_ = 0;
  std::string* joined_ = nullptr;  // the text of setting_ once a line has continued it
  std::array<std::unordered_map<std::string_view, std::size_t>, 8> sections_;  // by kind and prefix, by name
  std::unordered_map<SettingId, std::size_t, SettingIdHash> settings_;
};

IniFile IniParser::run() {
  std::string_view rest = text_;
  if (rest.starts_with(kByteOrderMark)) {
    line_ = 1;
    note(IniRemark::byte_order_mark);
    line_ = 0;
  }
  if (rest.find('\n') == rest.npos && rest.substr(0, rest.empty() ? 0 : rest.size() - 1).find('\r') != rest.npos) {
    line_ = 1;
    note(IniRemark::carriage_returns_only);
    line_ = 0;
  }
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    ++line_;
    read_line(rest.substr(0, end));
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  }
  prefer_prefixed();
  return std::move(file_);
}

void IniParser::read_line(std::string_view line) {
  if (line.empty()) return;
  classes_ = classes_in(line);
  const std::string_view trimmed = trim_left_blanks(line);
  if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';') return;
  if (is_ascii_space(trimmed.front()) || static_cast<signed char>(trimmed.front()) < 0) {
    if (trim(trimmed).empty()) return;
  }
  if (read_header(line)) return;
  if (is_blank(line.front())) {
    if (!read_nested(line, trimmed)) read_continuation(line, trimmed);
  } else {
    read_setting(line);
  }
}

bool IniParser::read_header(std::string_view line) {
  if ((classes_ & kBracket) == 0) return false;
  const std::string_view header = trim(cut_header_comment(line));
  if (header.size() < 2 || header.front() != '[' || header.back() != ']') return false;

  const std::string_view inside = header.substr(1, header.size() - 2);
  const std::string_view full = trim(inside);
  setting_ = kNone;
  joined_ = nullptr;
  if (full.empty()) {
    section_ = kNone;
    note(IniRemark::empty_section_name);
    return true;
  }
  const std::size_t blank = full.find_first_of(kBlanks);
  const std::string_view word = blank == full.npos ? std::string_view() : full.substr(0, blank);
  const std::string_view name = blank == full.npos ? full : trim_left_blanks(full.substr(blank));

  if (is_blank(line.front())) note(IniRemark::indented_section, name);
  if (has_control_character(full)) note(IniRemark::control_character, name);
  const auto whole_name = [&] {
    if (word.empty()) return full;
    return full.size() == word.size() + 1 + name.size() && full[blank] == ' ' ? full
                                                                              : own(fmt::format("{} {}", word, name));
  };
  const auto remark_on_name = [&] {
    if (full.size() != inside.size()) note(IniRemark::padded_section_name, name);
    if (name.front() == '"' || name.front() == '\'') {
      note(IniRemark::quoted_section_name, name);
    } else if (name.find_first_of(kBlanks) != name.npos) {
      note(IniRemark::blank_in_section_name, name);
    }
  };

  if (word == "sso-session" || word == "services") {
    remark_on_name();
    if (kind_ == FileKind::credentials) note(IniRemark::section_of_other_file, name);
    enter(word == "services" ? SectionKind::services : SectionKind::sso_session, name, false);
  } else if (kind_ == FileKind::credentials) {
    if (word == "profile") {
      note(IniRemark::prefixed_section, name);
      enter(SectionKind::ignored, name, true);
    } else {
      const std::string_view whole = whole_name();
      if (full.size() != inside.size()) note(IniRemark::padded_section_name, whole);
      if (!word.empty()) note(IniRemark::blank_in_section_name, whole);
      enter(SectionKind::profile, whole, false);
    }
  } else if (word == "profile") {
    remark_on_name();
    enter(SectionKind::profile, name, true);
  } else if (word.empty() && equal_ignoring_case(full, "default")) {
    if (full.size() != inside.size()) note(IniRemark::padded_section_name, name);
    enter(SectionKind::profile, full, false);
  } else {
    note(word.empty() ? IniRemark::bare_section : IniRemark::unknown_section, full);
    enter(SectionKind::ignored, whole_name(), false);
  }
  return true;
}

void IniParser::enter(SectionKind kind, std::string_view name, bool prefixed) {
  // Prefixed and other profiles are apart, because the former replace the latter.
  auto& by_name = sections_[static_cast<std::size_t>(kind) * 2 + (prefixed ? 1 : 0)];
  const auto [found, is_new] = by_name.try_emplace(name, file_.sections.size());
  section_ = found->second;
  if (is_new) {
    IniSection& section = file_.sections.emplace_back();
    section.kind = kind;
    section.prefixed = prefixed;
    section.line = line_;
    section.name = name;
  } else if (kind != SectionKind::ignored) {
    note(IniRemark::duplicate_section, name);
  }
}

void IniParser::read_setting(std::string_view line) {
  const std::size_t comment = (classes_ & kCommentMark) == 0 ? line.npos : comment_start(line);
  const KeyAndValue setting = split_setting(line.substr(0, comment));
  if (!setting.found) {
    if (line.front() == '[') {
      note(IniRemark::unclosed_section);
    } else if (line_ != 1 || !line.starts_with(kByteOrderMark)) {
      note(IniRemark::unknown_line);
    }
    return;
  }
  const std::string_view key = lower(setting.key);
  if (section_ == kNone) {
    if (!(line_ == 1 && line.starts_with(kByteOrderMark))) note(IniRemark::setting_outside, key);
    return;
  }
  if (key.empty()) note(IniRemark::empty_key);
  if (setting.colon) note(IniRemark::colon_separator, key);
  if (key.data() != setting.key.data()) note(IniRemark::upper_case_key, key);
  if (comment != line.npos) note(IniRemark::inline_comment, key);
  const std::string_view value = unquoted(setting.value);
  if (value.size() != setting.value.size()) note(IniRemark::quoted_value, key);
  if (value.size() == 1 && (value.front() == '"' || value.front() == '\'')) note(IniRemark::lone_quote, key);
  const std::size_t hash = (classes_ & kCommentMark) == 0 ? value.npos : value.find_first_of("#;");
  if (hash != value.npos && hash + 1 < value.size() && is_blank(value[hash + 1])) {
    note(IniRemark::comment_in_value, key);
  }
  add_setting(key, value, 0);
}

bool IniParser::read_nested(std::string_view line, std::string_view trimmed) {
  const KeyAndValue nested = split_setting(trimmed);
  if (!nested.found) return false;
  const std::string_view key = lower(nested.key);
  const std::string_view value = unquoted(nested.value);
  if (section_ == kNone) {
    note(IniRemark::setting_outside, key);
    return true;
  }
  if (key.empty()) note(IniRemark::empty_key);
  const std::size_t indent = line.size() - trimmed.size();
  IniSetting* above = setting_ == kNone ? nullptr : &current()->settings[setting_];
  if (above == nullptr || !above->value.empty()) {
    // At the head of a section, or under a setting that has a value: a plain setting after all. Equal indentation is
    // common (whole sections are indented) and the AWS CLI agrees on it.
    if (above != nullptr && indent > setting_indent_) note(IniRemark::orphan_nested, key);
    add_setting(key, trim(value.substr(0, (classes_ & kCommentMark) == 0 ? value.npos : comment_start(value))), indent);
    return true;
  }
  if ((classes_ & kControl) != 0 && (has_control_character(nested.key) || has_control_character(value))) {
    note(IniRemark::control_character, key);
  }
  above->nested.push_back({key, value});
  return true;
}

void IniParser::read_continuation(std::string_view line, std::string_view trimmed) {
  IniSetting* above = setting_ == kNone ? nullptr : &current()->settings[setting_];
  if (above == nullptr || above->value.empty()) {
    note(line.find('[') != line.npos ? IniRemark::unclosed_section : IniRemark::stray_continuation);
    return;
  }
  if (joined_ == nullptr) {
    joined_ = &file_.owned.emplace_back(above->value);
  }
  joined_->push_back('\n');
  joined_->append(trimmed);
  above->value = *joined_;
}

void IniParser::add_setting(std::string_view key, std::string_view value, std::size_t indent) {
  if ((classes_ & kControl) != 0 && (has_control_character(key) || has_control_character(value))) {
    note(IniRemark::control_character, key);
  }
  IniSection& section = *current();
  setting_ = find_setting(section, key);
  setting_indent_ = indent;
  joined_ = nullptr;
  if (setting_ != kNone) {
    note(IniRemark::duplicate_setting, key);
    IniSetting& setting = section.settings[setting_];
    setting.value = value;
    setting.line = line_;
    setting.nested.clear();
    return;
  }
  setting_ = section.settings.size();
  if (setting_ == 0) section.settings.reserve(8);
  section.settings.push_back({key, value, line_, {}});
  if (section.settings.size() == kIndexFrom) {
    for (std::size_t i = 0; i < kIndexFrom; ++i)
      settings_.emplace(SettingId{section_, section.settings[i].key}, i);
  } else if (section.settings.size() > kIndexFrom) {
    settings_.emplace(SettingId{section_, key}, setting_);
  }
}

std::size_t IniParser::find_setting(const IniSection& section, std::string_view key) const {
  if (section.settings.size() >= kIndexFrom) {
    const auto found = settings_.find(SettingId{section_, key});
    return found == settings_.end() ? kNone : found->second;
  }
  for (std::size_t i = 0; i < section.settings.size(); ++i) {
    if (section.settings[i].key == key) return i;
  }
  return kNone;
}

// [profile default] replaces [default], wherever the two stand; nothing of the latter is merged in.
void IniParser::prefer_prefixed() {
  if (kind_ != FileKind::config) return;
  for (IniSection& section : file_.sections) {
    if (section.kind != SectionKind::profile || section.prefixed) continue;
    const bool replaced = std::any_of(file_.sections.begin(), file_.sections.end(), [&](const IniSection& other) {
      return other.kind == SectionKind::profile && other.prefixed && other.name == section.name;
    });
    if (!replaced) continue;
    section.kind = SectionKind::ignored;
    line_ = section.line;
    note(IniRemark::default_twice, section.name);
  }
}

std::string_view IniParser::lower(std::string_view key) {
  if ((classes_ & kUpper) == 0 || (classes_in(key) & kUpper) == 0) return key;
  std::string text(key);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return own(std::move(text));
}

}  // namespace

const IniSetting* IniSection::find(std::string_view key) const {
  for (const IniSetting& setting : settings) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

IniFile parse_ini(std::string_view text, FileKind kind) {
  return IniParser(text, kind).run();
}

}  // namespace tollgate::aws
