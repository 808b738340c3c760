#include "common/net/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace tollgate::net {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// An empty port text means the scheme's own port (RFC 3986 3.2.3).
std::optional<std::uint16_t> parse_port(std::string_view text, std::uint16_t otherwise) {
  if (text.empty()) return otherwise;
  if (text.size() > 5) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value == 0 || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') != std::string::npos ? fmt::format("[{}]", host) : host;
  if (port != (secure() ? kHttpsPort : kHttpPort)) text += fmt::format(":{}", port);
  return text;
}

std::string Url::text() const {
  return fmt::format("{}://{}{}", scheme, authority(), target);
}

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [](std::string_view why) {
    return fail(Code::invalid, fmt::format("not a usable URL: {}", why));
  };
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return refuse("it holds control characters");
  }
  Url url;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return refuse("it must start with http:// or https://");
  url.scheme = lower_case(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") return refuse("it must start with http:// or https://");
  text.remove_prefix(scheme_end + 3);
  if (text.find('#') != std::string_view::npos) return refuse("it has a fragment");
  const auto authority_end = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, authority_end);
  text.remove_prefix(authority_end);
  url.target = text.starts_with('/') ? std::string(text) : "/" + std::string(text);
  if (authority.find('@') != std::string_view::npos) return refuse("it holds a user name");

  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return refuse("the IPv6 address lacks its closing bracket");
    url.host = lower_case(authority.substr(1, close - 1));
    if (!is_ipv6(url.host)) return refuse("what stands in brackets is no IPv6 address");
    port = authority.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return refuse("text after the IPv6 address");
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = lower_case(authority.substr(0, colon));
    if (url.host.empty()) return refuse("it has no host");
    if (!is_host_name(url.host)) return refuse("the host name has characters that no host name has");
    port = authority.substr(colon);
  }
  if (!port.empty()) port.remove_prefix(1);
  const auto number = parse_port(port, url.secure() ? kHttpsPort : kHttpPort);
  if (!number) return refuse("the port is not a number from 1 to 65535");
  url.port = *number;
  return url;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  if (std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0) return true;
  return IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
}

}  // namespace tollgate::net
