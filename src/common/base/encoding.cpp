#include "common/base/encoding.h"

#include <array>
#include <cstdint>

namespace tollgate {
namespace {

constexpr std::string_view kHexLower = "0123456789abcdef";
constexpr std::string_view kHexUpper = "0123456789ABCDEF";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// Regroups the bits of `text` (each character worth `bits`) into bytes; leftover bits must be zero.
std::optional<std::string> regroup(std::string_view text, std::string_view alphabet, unsigned bits) {
  std::string bytes;
  bytes.reserve(text.size() * bits / 8);
  std::uint32_t buffer = 0;
  unsigned filled = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    buffer = (buffer << bits) | static_cast<std::uint32_t>(value);
    filled += bits;
    if (filled >= 8) {
      filled -= 8;
      bytes.push_back(static_cast<char>((buffer >> filled) & 0xff));
    }
  }
  if (filled >= bits || (buffer & ((1U << filled) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::string encode(std::string_view bytes, std::string_view alphabet, unsigned bits) {
  std::string text;
  text.reserve(bytes.size() * 8 / bits + 2);
  std::uint32_t buffer = 0;
  unsigned filled = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    filled += 8;
    while (filled >= bits) {
      filled -= bits;
      text.push_back(alphabet[(buffer >> filled) & ((1U << bits) - 1)]);
    }
  }
  if (filled > 0) text.push_back(alphabet[(buffer << (bits - filled)) & ((1U << bits) - 1)]);
  return text;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text.push_back(kHexLower[static_cast<unsigned char>(c) >> 4]);
    text.push_back(kHexLower[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

std::string base64_encode(std::string_view bytes) {
  std::string text = encode(bytes, kBase64, 6);
  while (text.size() % 4 != 0)
    text.push_back('=');
  return text;
}

std::string base64url_encode(std::string_view bytes) {
  return encode(bytes, kBase64Url, 6);
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("=="))
    text.remove_suffix(2);
  else if (text.ends_with("="))
    text.remove_suffix(1);
  return regroup(text, kBase64, 6);
}

std::optional<std::string> base64url_decode(std::string_view text) {
  return regroup(text, kBase64Url, 6);
}

std::string base32_encode(std::string_view bytes) {
  return encode(bytes, kBase32, 5);
}

std::optional<std::string> base32_decode(std::string_view text) {
  std::string plain;
  bool padding = false;
  for (char c : text) {
    if (c == ' ' || c == '-') continue;
    if (c == '=') {
      padding = true;
      continue;
    }
    if (padding) return std::nullopt;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    plain.push_back(c);
  }
  return regroup(plain, kBase32, 5);
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~' || keep.find(c) != std::string_view::npos;
    if (plain) {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kHexUpper[static_cast<unsigned char>(c) >> 4]);
      encoded.push_back(kHexUpper[static_cast<unsigned char>(c) & 15]);
    }
  }
  return encoded;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      decoded.push_back(' ');
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

}  // namespace tollgate
