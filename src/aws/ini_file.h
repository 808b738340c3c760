// The text of one AWS configuration file as sections and settings, read as aws-sdk-go-v2 (Terraform) reads it
// (internal/ini). Not the merged view of both files: that is profile_files.h. Pure functions and plain values, whose
// views point into the text and the IniFile: both must outlive them. Not synchronised.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::aws {

enum class FileKind : std::uint8_t { config, credentials };

enum class SectionKind : std::uint8_t {
  profile,
  sso_session,
  services,
  ignored,  // a bare [name] in the config file, [profile name] in the credentials file, any other word in front
};

// What a client other than Terraform's reads differently, or what is likely a mistake.
enum class IniRemark : std::uint8_t {
  inline_comment,         // ` # text` after a value: cut here, part of the value in the AWS CLI
  comment_in_value,       // `value# text`: part of the value in all clients, probably not meant
  quoted_value,           // the surrounding quotes are dropped here, kept by the AWS CLI
  lone_quote,             // a value of one quote character makes the Go SDK panic; taken as it is here
  colon_separator,        // `key : value`: the JavaScript SDK does not read it
  upper_case_key,         // the JavaScript SDK does not read it
  empty_key,              // `= value`: a setting without a name
  duplicate_setting,      // the last one wins; the AWS CLI refuses the whole file
  duplicate_section,      // merged; the AWS CLI refuses the whole file
  unknown_line,           // no form of line at all: skipped; the AWS CLI refuses the whole file
  unclosed_section,       // `[name` without `]`: skipped, so its settings fall to the section above
  setting_outside,        // before any section: skipped; the AWS CLI refuses the whole file
  bare_section,           // `[name]` in the config file
  prefixed_section,       // `[profile name]` in the credentials file
  unknown_section,        // `[word name]` in the config file
  section_of_other_file,  // `[sso-session name]` or `[services name]` in the credentials file: the Go SDK alone reads
                          // it
  empty_section_name,     // `[]`: its settings are skipped
  quoted_section_name,    // `[profile "a b"]`: the quotes belong to the name here, not in the AWS CLI
  blank_in_section_name,  // `[profile a b]`: the AWS CLI and the JavaScript SDK do not find it
  padded_section_name,    // `[ name ]`: the AWS CLI and the JavaScript SDK do not find it
  indented_section,       // a header after blanks: the AWS CLI takes it for part of the value above
  default_twice,          // both [default] and [profile default]: only the latter counts
  byte_order_mark,        // the first section is lost
  carriage_returns_only,  // line ends of old Macs: nothing is found
  orphan_nested,          // an indented setting under one that has a value: counts as a plain setting
  stray_continuation,     // an indented line that continues nothing: skipped
  control_character,      // in a name or a value
};

struct IniNested {
  std::string_view key;  // lower case
  std::string_view value;
};

struct IniSetting {
  std::string_view key;           // lower case
  std::string_view value;         // with the lines that continue it, joined by "\n"; empty where there are nested ones
  int line = 0;                   // 1-based
  std::vector<IniNested> nested;  // `s3 =` with indented `key = value` lines below; a key may repeat, the last counts
};

struct IniSection {
  SectionKind kind = SectionKind::profile;
  bool prefixed = false;             // [profile name] in the config file
  int line = 0;                      // of its first header
  std::string_view name;             // without the word in front: "foo" for [profile foo]
  std::vector<IniSetting> settings;  // in order of first appearance, each key once, the last value wins

  const IniSetting* find(std::string_view key) const;
};

struct IniNote {
  IniRemark remark;
  int line = 0;
  std::string_view subject;  // the key or the section's name; empty for a line that could not be read
};

struct IniFile {
  std::vector<IniSection> sections;  // in order of first appearance, sections of one kind and name merged
  std::vector<IniNote> notes;        // in order of lines
  std::deque<std::string> owned;     // text that is no part of the file: lower-cased keys, joined lines

  IniFile() = default;
  IniFile(IniFile&&) = default;
  IniFile& operator=(IniFile&&) = default;
};

// Splits the content of a file. O(length), without copies of the text. Cannot fail, as the Go SDK's reader cannot: odd
// lines are skipped and noted. A key is the text before the first '=' or ':'; a value is trimmed, cut at a '#' or ';'
// that follows a blank, and loses one pair of surrounding quotes.
IniFile parse_ini(std::string_view text, FileKind kind);

}  // namespace tollgate::aws
