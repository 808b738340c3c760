// Numeric addresses: what a host's name resolves to, and whether an address is one of the public internet, so that what
// a person entered as an address leads to nothing that only this machine or its network can reach. Threads: any;
// resolve() waits for the system's resolver.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace tollgate::net {

// Texts as inet_ntop writes them, in the resolver's order. Names, and numbers in every notation that the system's
// resolver takes. Errors: Code::unavailable.
Result<std::vector<std::string>> resolve_host(const std::string& host, std::uint16_t port);

// False for loopback, link-local, private, shared (RFC 6598), multicast, documentation and reserved addresses, and for
// everything that is no address; an IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) counts as itself.
bool is_public_address(std::string_view text);

}  // namespace tollgate::net
