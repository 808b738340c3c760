#include "aws/ini_remarks.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace tollgate::aws {
namespace {

struct Words {
  IniRemark remark;
  Severity severity;
  std::string_view topic;
  std::string_view message;  // {} is the subject
  std::string_view next;
};

// In the order of IniRemark.
constexpr std::array kWords = {
    Words{IniRemark::inline_comment, Severity::warning, "inline_comment",
          "{}: the text after # or ; is a comment for Terraform and part of the value for the AWS CLI",
          "put the comment on a line of its own"},
    Words{IniRemark::comment_in_value, Severity::warning, "comment_in_value",
          "{}: # or ; right after the value begins no comment, so that text is part of the value",
          "put the comment on a line of its own"},
    Words{IniRemark::quoted_value, Severity::warning, "quoted_value",
          "{}: Terraform drops the quotes around the value, the AWS CLI and the JavaScript SDK keep them",
          "write the value without quotes"},
    Words{IniRemark::lone_quote, Severity::error, "lone_quote",
          "{}: a value that is one quote character makes Terraform crash", "complete or remove the value"},
    Words{IniRemark::colon_separator, Severity::note, "colon_separator",
          "{}: the JavaScript SDK does not read a setting written with a colon", "write {} = ..."},
    Words{IniRemark::upper_case_key, Severity::note, "upper_case_key",
          "{}: the JavaScript SDK does not read a setting in upper case", "write it in lower case"},
    Words{IniRemark::empty_key, Severity::warning, "empty_key", "a value without a name: nothing reads it",
          "write key = value"},
    Words{IniRemark::duplicate_setting, Severity::warning, "duplicate_setting",
          "{} is set twice in one profile: Terraform takes the last, the AWS CLI refuses the whole file",
          "remove one of the two"},
    Words{IniRemark::duplicate_section, Severity::warning, "duplicate_section",
          "section {} occurs twice: Terraform merges the two, the AWS CLI refuses the whole file",
          "join them in one section"},
    Words{IniRemark::unknown_line, Severity::warning, "unknown_line",
          "this line is neither a section nor a setting: Terraform skips it, the AWS CLI refuses the whole file",
          "write key = value, or begin the line with #"},
    Words{IniRemark::unclosed_section, Severity::warning, "unclosed_section",
          "a section's name must end with ]: Terraform skips the line and takes what follows for part of the section "
          "above, the AWS CLI refuses the whole file",
          "add the closing bracket"},
    Words{IniRemark::setting_outside, Severity::warning, "setting_outside",
          "{} stands outside of any section: Terraform skips it, the AWS CLI refuses the whole file",
          "put it below a [profile name] line"},
    Words{IniRemark::bare_section, Severity::warning, "bare_section", "[{0}] in the config file is no profile",
          "write [profile {0}]"},
    Words{IniRemark::prefixed_section, Severity::warning, "prefixed_section",
          "[profile {0}] in the credentials file is no profile", "write [{0}]"},
    Words{IniRemark::unknown_section, Severity::warning, "unknown_section",
          "[{}] is neither a profile nor an sso-session nor a services section, so it is skipped",
          "write [profile NAME]"},
    Words{IniRemark::section_of_other_file, Severity::warning, "section_of_other_file",
          "section {} belongs in the config file: only Terraform reads it in the credentials file",
          "move it to the config file"},
    Words{IniRemark::empty_section_name, Severity::warning, "empty_section_name",
          "a section without a name: its settings are skipped", "write [profile NAME]"},
    Words{IniRemark::quoted_section_name, Severity::warning, "quoted_section_name",
          "section {}: the quotes are part of the name for Terraform, and not for the AWS CLI",
          "choose a name without blanks and write it without quotes"},
    Words{IniRemark::blank_in_section_name, Severity::note, "blank_in_section_name",
          "section {}: the AWS CLI and the JavaScript SDK do not find a name with a blank",
          "choose a name without blanks"},
    Words{IniRemark::padded_section_name, Severity::note, "padded_section_name",
          "section {}: the AWS CLI and the JavaScript SDK do not find it, because of the blanks inside the brackets",
          "remove the blanks next to the brackets"},
    Words{IniRemark::indented_section, Severity::warning, "indented_section",
          "section {}: the AWS CLI takes an indented section for part of the value above", "remove the indentation"},
    Words{IniRemark::default_twice, Severity::warning, "default_twice",
          "[{0}] is not read, because there is a [profile {0}] as well", "join them in one section"},
    Words{IniRemark::byte_order_mark, Severity::error, "byte_order_mark",
          "the file begins with a byte order mark: Terraform does not find the first section, the AWS CLI refuses the "
          "whole file",
          "save it as UTF-8 without a byte order mark"},
    Words{IniRemark::carriage_returns_only, Severity::error, "carriage_returns_only",
          "the lines end with a carriage return alone: Terraform finds no profile in the file",
          "save it with line feeds"},
    Words{
        IniRemark::orphan_nested, Severity::warning, "orphan_nested",
        "{} is indented below a setting that has a value: a setting of its own for Terraform, part of the value above "
        "for the AWS CLI",
        "remove the indentation"},
    Words{IniRemark::stray_continuation, Severity::warning, "stray_continuation",
          "this indented line continues nothing: Terraform skips it", "remove it, or begin it with #"},
    Words{IniRemark::control_character, Severity::warning, "control_character",
          "{}: there is a control character in the name or the value", "type the line anew"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (static_cast<std::size_t>(kWords[i].remark) != i) return false;
  }
  return kWords.size() == static_cast<std::size_t>(IniRemark::control_character) + 1;
}
static_assert(in_order());

const Words& words(IniRemark remark) {
  return kWords[static_cast<std::size_t>(remark)];
}

}  // namespace

std::string_view remark_name(IniRemark remark) {
  return words(remark).topic;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLimit = 80;
  std::string shown;
  for (const char c : text.substr(0, kLimit)) {
    shown.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c);
  }
  if (text.size() > kLimit) {
    // Not in the middle of a UTF-8 sequence.
    while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xC0) == 0x80)
      shown.pop_back();
    if (!shown.empty() && static_cast<unsigned char>(shown.back()) >= 0xC0) shown.pop_back();
    shown += "...";
  }
  return shown;
}

Diagnostic describe(const IniNote& note, std::string_view path) {
  const Words& text = words(note.remark);
  // A name so long is no name, but may be part of a session token that was pasted in two lines.
  constexpr std::size_t kLongestName = 128;
  const std::string subject = note.subject.size() > kLongestName ? "(a long text)" : printable(note.subject);
  Diagnostic diagnostic;
  diagnostic.severity = text.severity;
  diagnostic.place = fmt::format("{}:{}", path, note.line);
  diagnostic.message = fmt::format(fmt::runtime(text.message), subject);
  diagnostic.next = fmt::format(fmt::runtime(text.next), subject);
  diagnostic.topic = text.topic;
  if (note.subject.size() <= kLongestName) diagnostic.subject = std::string(note.subject);
  return diagnostic;
}

}  // namespace tollgate::aws
