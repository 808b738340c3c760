#include "common/http/url_text.h"

#include <algorithm>

#include "common/base/encoding.h"

namespace tollgate::http {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The piece up to the next separator, which is taken off `rest` with it.
std::string_view next_piece(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view piece = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  return piece;
}

bool visible(char c) {
  return c > 0x20 && c < 0x7f;
}

bool is_cookie_name(std::string_view text) {
  constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={}";
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [&](char c) { return visible(c) && kSeparators.find(c) == kSeparators.npos; });
}

bool is_cookie_value(std::string_view text) {
  constexpr std::string_view kForbidden = "\",;\\";
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return visible(c) && kForbidden.find(c) == kForbidden.npos; });
}

// Browsers compare these prefixes without regard to case.
bool has_prefix(std::string_view name, std::string_view lower_prefix) {
  return name.size() >= lower_prefix.size() &&
         std::equal(lower_prefix.begin(), lower_prefix.end(), name.begin(),
                    [](char p, char c) { return p == (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c); });
}

Result<void> check(const Cookie& cookie) {
  // The name alone is told: the value may be a session.
  if (!is_cookie_name(cookie.name))
    return fail(Code::invalid, "a cookie's name is empty or holds a character it may not");
  const auto refuse = [&](std::string_view what) {
    return fail(Code::invalid, fmt::format("cookie {}: {}", cookie.name, what));
  };
  if (!is_cookie_value(cookie.value)) return refuse("the value holds a character that a cookie may not");
  const bool path_fits =
      std::all_of(cookie.path.begin(), cookie.path.end(), [](char c) { return (visible(c) || c == ' ') && c != ';'; });
  if (cookie.path.empty() || cookie.path.front() != '/' || !path_fits) return refuse("the path is no path");
  const bool host = has_prefix(cookie.name, "__host-");
  if ((host || has_prefix(cookie.name, "__secure-")) && !cookie.secure) return refuse("a name like this needs Secure");
  if (host && cookie.path != "/") return refuse("a __Host- name needs the path /");
  if (cookie.same_site == Cookie::SameSite::none && !cookie.secure) return refuse("SameSite=None needs Secure");
  return {};
}

}  // namespace

Result<Pairs> parse_form(std::string_view text, std::size_t most) {
  Pairs pairs;
  while (!text.empty()) {
    std::string_view value = next_piece(text, '&');
    if (value.empty()) continue;
    if (pairs.size() == most) return fail(Code::invalid, fmt::format("there are more than {} parameters", most));
    auto name = percent_decode(next_piece(value, '='), true);
    auto decoded = percent_decode(value, true);
    if (!name || !decoded) {
      return fail(Code::invalid, fmt::format("parameter {}: % is not followed by two hex digits", pairs.size() + 1));
    }
    pairs.emplace_back(std::move(*name), std::move(*decoded));
  }
  return pairs;
}

Pairs parse_cookies(std::string_view header) {
  Pairs pairs;
  while (!header.empty()) {
    const std::string_view piece = trimmed(next_piece(header, ';'));
    const std::size_t equals = piece.find('=');
    if (equals == piece.npos || equals == 0) continue;
    pairs.emplace_back(trimmed(piece.substr(0, equals)), trimmed(piece.substr(equals + 1)));
  }
  return pairs;
}

const std::string* find_pair(const Pairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<std::string> format_set_cookie(const Cookie& cookie) {
  TG_CHECK(check(cookie));
  std::string text = fmt::format("{}={}; Path={}", cookie.name, cookie.value, cookie.path);
  if (cookie.max_age) text += fmt::format("; Max-Age={}", std::max<std::int64_t>(0, cookie.max_age->count()));
  if (cookie.secure) text += "; Secure";
  if (cookie.http_only) text += "; HttpOnly";
  switch (cookie.same_site) {
    case Cookie::SameSite::strict:
      text += "; SameSite=Strict";
      break;
    case Cookie::SameSite::lax:
      text += "; SameSite=Lax";
      break;
    case Cookie::SameSite::none:
      text += "; SameSite=None";
      break;
  }
  return text;
}

}  // namespace tollgate::http
