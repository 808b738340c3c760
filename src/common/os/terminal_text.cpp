// What a terminal is called, and what of others' text may be shown on it.
#include <sys/sysmacros.h>

#include <cstdlib>

#include "common/os/atomic_file.h"
#include "common/os/terminal.h"

namespace tollgate::os {
namespace {

// The length of the well-formed UTF-8 sequence at `at`, and its code point; 0 if there is none.
std::size_t decode(std::string_view text, std::size_t at, char32_t& point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  std::size_t length = 1;
  point = first;
  if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    point = first & 0x07U;
  } else if (first >= 0xE0) {
    length = first < 0xF0 ? 3 : 0;
    point = first & 0x0FU;
  } else if (first >= 0xC2) {
    length = 2;
    point = first & 0x1FU;
  } else if (first >= 0x80) {
    length = 0;
  }
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return 0;
    point = (point << 6U) | (byte(at + i) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  return overlong || surrogate || point > 0x10FFFF ? 0 : length;
}

bool changes_the_terminal(char32_t point) {
  const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
  // Overrides of the writing direction make a text read as another one.
  const bool direction = (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
  return control || direction || point == 0x2028 || point == 0x2029;
}

}  // namespace

std::string controlling_terminal_name() {
  const auto stat = read_file("/proc/self/stat", 4096);
  if (!stat) return "";
  // "pid (name) state ppid pgrp session tty_nr": the name may hold blanks.
  std::size_t at = stat->rfind(')');
  for (int field = 0; field < 5 && at != std::string::npos; ++field)
    at = stat->find(' ', at + 1);
  if (at == std::string::npos) return "";
  const auto device = static_cast<dev_t>(std::strtoul(stat->c_str() + at + 1, nullptr, 10));
  if (device == 0) return "";
  const unsigned number = minor(device);
  switch (major(device)) {  // Documentation/admin-guide/devices.txt of Linux
    case 4:
      return number < 64 ? fmt::format("/dev/tty{}", number) : fmt::format("/dev/ttyS{}", number - 64);
    case 5:
      return "/dev/console";
    default:
      if (major(device) >= 136 && major(device) <= 143) {
        return fmt::format("/dev/pts/{}", (major(device) - 136) * 256 + number);
      }
      return fmt::format("terminal {}:{}", major(device), number);
  }
}

std::string printable(std::string_view text, bool keep_newlines) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    char32_t point = 0;
    const std::size_t length = decode(text, at, point);
    if (length == 0) {
      result += '?';
      ++at;
      continue;
    }
    if (!changes_the_terminal(point) || (keep_newlines && point == '\n')) result += text.substr(at, length);
    at += length;
  }
  return result;
}

}  // namespace tollgate::os
