// The parts of an absolute http or https URL, as far as clients need them: where to connect, what to ask for, and
// whether that is this machine. No resolving of relative references, no other schemes. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace tollgate::net {

struct Url {
  std::string scheme;  // http or https
  std::string host;    // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string target;  // path and query as written, at least "/"

  bool secure() const { return scheme == "https"; }
  // The Host header: the port only where it is not the scheme's own, IPv6 in brackets.
  std::string authority() const;
  std::string text() const;
};

// Errors: Code::invalid for another scheme, a missing host, user info, a fragment, or control characters.
Result<Url> parse_url(std::string_view text);

// localhost and its subdomains (RFC 6761), 127.0.0.0/8, ::1 and their IPv4-mapped form. By name and notation alone:
// nothing is resolved. Expects a host as Url::host has it.
bool is_loopback_host(std::string_view host);

}  // namespace tollgate::net
