// The smallest pieces of AWS's configuration files, as Go's reader takes them: blanks, comments, quotes, `key = value`.
// Private to the parser of ini_file.h. Pure functions on views of the text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tollgate::aws::ini {

inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

inline bool is_ascii_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// What a line holds, found in one pass, so that most lines are spared most searches.
inline constexpr std::uint8_t kCommentMark = 1;  // # or ;
inline constexpr std::uint8_t kControl = 2;      // but for a tab
inline constexpr std::uint8_t kUpper = 4;
inline constexpr std::uint8_t kBracket = 8;  // [

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes = {};
  for (std::size_t i = 0; i < 0x20; ++i)
    classes[i] = kControl;
  classes[0x7F] = kControl;
  classes['\t'] = 0;
  classes['#'] = classes[';'] = kCommentMark;
  classes['['] = kBracket;
  for (std::size_t i = 'A'; i <= 'Z'; ++i)
    classes[i] = kUpper;
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

inline std::uint8_t classes_in(std::string_view text) {
  std::uint8_t found = 0;
  for (const char c : text)
    found = static_cast<std::uint8_t>(found | kClasses[static_cast<unsigned char>(c)]);
  return found;
}

inline bool has_control_character(std::string_view text) {
  return (classes_in(text) & kControl) != 0;
}

// strings.TrimSpace of Go.
std::string_view trim(std::string_view text);
std::string_view trim_left_blanks(std::string_view text);
// Without a header's comment, which needs no blank in front of it.
std::string_view cut_header_comment(std::string_view line);
// Where ` #`, ` ;` or the same after a tab begins; npos if there is no such comment.
std::size_t comment_start(std::string_view line);
std::string_view unquoted(std::string_view value);
bool equal_ignoring_case(std::string_view a, std::string_view lower);

struct KeyAndValue {
  std::string_view key;
  std::string_view value;
  bool colon = false;
  bool found = false;
};

// At the first `=` or `:`.
KeyAndValue split_setting(std::string_view line);

}  // namespace tollgate::aws::ini
