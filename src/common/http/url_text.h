// The small texts around HTTP that handlers read and write: query strings and forms, cookies. Not whole URLs
// (common/net/url.h) and not requests. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace tollgate::http {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// application/x-www-form-urlencoded, in a query or a body: decoded pairs in the order sent, names may repeat, a name
// without = has an empty value, empty pieces are skipped. Errors: Code::invalid for a % without two hex digits, and
// for more than `most` pairs.
Result<Pairs> parse_form(std::string_view text, std::size_t most = 1000);

// The value of a Cookie header (RFC 6265 5.4): pairs as sent, undecoded, pieces without = or name are skipped.
Pairs parse_cookies(std::string_view header);

// The first of that name, case-sensitive; nullptr if absent.
const std::string* find_pair(const Pairs& pairs, std::string_view name);

struct Cookie {
  std::string name;
  std::string value;
  std::string path = "/";
  std::optional<std::chrono::seconds> max_age;  // none: until the browser ends; 0 or less deletes it
  bool secure = true;
  bool http_only = true;
  enum class SameSite { strict, lax, none } same_site = SameSite::lax;
};

// The value of a Set-Cookie header, always without Domain. Errors: Code::invalid where name, value or path hold what a
// cookie cannot (RFC 6265 4.1.1), where a __Host- or __Secure- name lacks Secure, a __Host- name has another path than
// / (draft-ietf-httpbis-rfc6265bis 4.1.3), or SameSite=None lacks Secure.
Result<std::string> format_set_cookie(const Cookie& cookie);

}  // namespace tollgate::http
