#include "aws/ini_text.h"

#include <algorithm>

namespace tollgate::aws::ini {
namespace {

// White space that Go's unicode.IsSpace knows beyond ASCII; pasted text brings no-break spaces along.
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
    "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

}  // namespace

std::string_view trim(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    while (!text.empty() && is_ascii_space(text.front()))
      text.remove_prefix(1);
    while (!text.empty() && is_ascii_space(text.back()))
      text.remove_suffix(1);
    if (text.empty() || (static_cast<signed char>(text.front()) >= 0 && static_cast<signed char>(text.back()) >= 0)) {
      break;
    }
    for (const std::string_view space : kWideSpaces) {
      if (text.starts_with(space)) {
        text.remove_prefix(space.size());
        again = true;
      }
      if (text.ends_with(space)) {
        text.remove_suffix(space.size());
        again = true;
      }
    }
  }
  return text;
}

std::string_view trim_left_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  return text;
}

std::string_view cut_header_comment(std::string_view line) {
  return line.substr(0, line.find_first_of("#;"));
}

std::size_t comment_start(std::string_view line) {
  for (std::size_t at = line.find_first_of("#;"); at != line.npos; at = line.find_first_of("#;", at + 1)) {
    if (at > 0 && is_blank(line[at - 1])) return at - 1;
  }
  return line.npos;
}

std::string_view unquoted(std::string_view value) {
  if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
    return value.substr(1, value.size() - 2);
  }
  return value;
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
         });
}

KeyAndValue split_setting(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && line[at] != '=' && line[at] != ':')
    ++at;
  if (at == line.size()) return {};
  return {trim(line.substr(0, at)), trim(line.substr(at + 1)), line[at] == ':', true};
}

}  // namespace tollgate::aws::ini
