#include "aws/setting_values.h"

#include <charconv>
#include <string>

namespace tollgate::aws {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

}  // namespace

std::optional<std::int64_t> parse_go_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  bool after_prefix = false;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
    after_prefix = true;
  }
  if (text.empty()) return std::nullopt;
  std::string digits;
  for (const char c : text) {
    if (c == '_') {
      // Between two digits, or after the prefix.
      if (digits.empty() ? !after_prefix : digits.back() == '_') return std::nullopt;
    } else if (digit_value(c) >= base) {
      return std::nullopt;
    }
    digits.push_back(c);
  }
  if (digits.back() == '_') return std::nullopt;
  std::erase(digits, '_');
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return negative ? -value : value;
}

}  // namespace tollgate::aws
