#include "common/net/address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace tollgate::net {
namespace {

struct Range4 {
  std::uint32_t first;
  int bits;
};

// IANA's special-purpose registry, as far as it is not globally reachable, and multicast.
constexpr std::array<Range4, 16> kNotPublic4{{
    {0x00000000U, 8},   // this network
    {0x0a000000U, 8},   // private
    {0x64400000U, 10},  // shared, RFC 6598
    {0x7f000000U, 8},   // loopback
    {0xa9fe0000U, 16},  // link-local, and what clouds serve credentials at
    {0xac100000U, 12},  // private
    {0xc0000000U, 24},  // protocol assignments
    {0xc0000200U, 24},  // documentation
    {0xc0586300U, 24},  // 6to4 relays
    {0xc0a80000U, 16},  // private
    {0xc6120000U, 15},  // benchmarks
    {0xc6336400U, 24},  // documentation
    {0xcb007100U, 24},  // documentation
    {0xe0000000U, 4},   // multicast
    {0xf0000000U, 4},   // reserved
    {0xffffffffU, 32},  // broadcast
}};

bool is_public4(std::uint32_t address) {
  return std::none_of(kNotPublic4.begin(), kNotPublic4.end(), [&](const Range4& range) {
    return (address >> (32 - range.bits)) == (range.first >> (32 - range.bits));
  });
}

using Bytes6 = std::array<unsigned char, 16>;

std::uint32_t four_at(const Bytes6& bytes, std::size_t at) {
  return (std::uint32_t{bytes.at(at)} << 24U) | (std::uint32_t{bytes.at(at + 1)} << 16U) |
         (std::uint32_t{bytes.at(at + 2)} << 8U) | bytes.at(at + 3);
}

bool is_public6(const Bytes6& bytes) {
  const std::uint32_t first = four_at(bytes, 0);
  const bool zeros = four_at(bytes, 4) == 0 && four_at(bytes, 8) == 0;
  if (first == 0 && four_at(bytes, 4) == 0 && four_at(bytes, 8) == 0xffffU) return is_public4(four_at(bytes, 12));
  if (first == 0x0064ff9bU && zeros) return is_public4(four_at(bytes, 12));
  if ((first >> 16U) == 0x2002U) return is_public4((first << 16U) | (four_at(bytes, 4) >> 16U));
  if ((first >> 29U) != 1U) return false;                    // not 2000::/3: all of the internet is there
  if ((first >> 9U) == (0x20010000U >> 9U)) return false;    // 2001::/23, protocol assignments: Teredo and others
  if (first == 0x20010db8U) return false;                    // documentation
  if ((first >> 12U) == (0x3fff0000U >> 12U)) return false;  // documentation, RFC 9637
  return true;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

Result<std::vector<std::string>> resolve_host(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw);
  const std::unique_ptr<addrinfo, FreeAddresses> list(raw);
  if (failed != 0) {
    return fail(Code::unavailable, fmt::format("the name {} cannot be resolved: {}", host, gai_strerror(failed)));
  }
  std::vector<std::string> found;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    sockaddr_in four{};
    sockaddr_in6 six{};
    if (each->ai_family == AF_INET) {
      std::memcpy(&four, each->ai_addr, sizeof four);
      bytes = &four.sin_addr;
    } else if (each->ai_family == AF_INET6) {
      std::memcpy(&six, each->ai_addr, sizeof six);
      bytes = &six.sin6_addr;
    }
    if (bytes != nullptr && inet_ntop(each->ai_family, bytes, text.data(), text.size()) != nullptr) {
      found.emplace_back(text.data());
    }
  }
  if (found.empty()) return fail(Code::unavailable, fmt::format("the name {} has no address", host));
  return found;
}

bool is_public_address(std::string_view text) {
  const std::string copy(text);
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) return is_public4(ntohl(four.s_addr));
  Bytes6 six{};
  return inet_pton(AF_INET6, copy.c_str(), six.data()) == 1 && is_public6(six);
}

}  // namespace tollgate::net
