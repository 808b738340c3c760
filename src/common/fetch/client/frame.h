// How requests and answers travel between the broker and tollgate-fetch: a payload with its length as four bytes before
// it (big endian). Both programs are of the same build, so there are no versions. Everything that is read is checked,
// as if the other side were hostile. Pure functions on bytes.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/net/http_client.h"

namespace tollgate::fetch {

inline constexpr std::size_t kFrameHeadBytes = 4;
inline constexpr std::size_t kMaxFrameBytes = 64U << 20;

using Outcome = tl::expected<net::Response, net::Failure>;

// Whole frames, ready to be written. Too large a request throws std::length_error.
std::string frame_of(const net::Request& request);
std::string frame_of(const Outcome& outcome);

// The payload's size; nullopt above kMaxFrameBytes.
std::optional<std::size_t> payload_size(const std::array<char, kFrameHeadBytes>& head);

// Payloads. Errors: Code::invalid for anything that is not exactly one.
Result<net::Request> decode_request(std::string_view payload);
Result<Outcome> decode_outcome(std::string_view payload);

}  // namespace tollgate::fetch
