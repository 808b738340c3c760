// Values of settings as aws-sdk-go-v2 reads them. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tollgate::aws {

// An integer as the SDK reads duration_seconds (Go's ParseInt with base 0): 3600, 0xE10, 0b11, 0o17, 017, 3_600.
std::optional<std::int64_t> parse_go_integer(std::string_view text);

}  // namespace tollgate::aws
