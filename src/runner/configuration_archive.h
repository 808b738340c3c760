// Unpacks an uploaded configuration (tar, gzip) below one directory. Archives are hostile: nothing is written outside,
// no link leads outside, only directories, regular files and links inside are made, and size, number and depth have
// limits. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/error.h"

namespace tollgate::runner {

struct ArchiveLimits {
  std::uint64_t bytes = std::uint64_t{2} << 30;
  std::uint64_t entries = 200'000;
  std::size_t path = 2048;
  std::size_t depth = 128;
};

// Code::invalid, reason configuration_refused: what is wrong with it; Code::io, reason disk_full or internal.
Result<void> unpack_configuration(std::string_view archive, int directory, const ArchiveLimits& limits = {});

}  // namespace tollgate::runner
