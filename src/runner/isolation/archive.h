// Unpacks a configuration archive (tar, gzip) that anyone may have made. Only regular files, directories and relative
// symbolic links inside the tree are unpacked; libarchive parses, containment is checked here and by the kernel
// (openat2, RESOLVE_BENEATH). Functions may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::isolation {

struct ArchiveLimits {
  std::uint64_t compressed_bytes = 100ULL << 20;
  std::uint64_t unpacked_bytes = 512ULL << 20;
  std::uint64_t entries = 100'000;
  std::uint64_t depth = 64;   // components of a path
  std::uint64_t ratio = 200;  // unpacked to compressed, once unpacked exceeds 1 MiB
  Duration time{60'000};
};

struct Unpacked {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t links = 0;
  std::uint64_t bytes = 0;
};

// Into `directory` (a descriptor of a fresh, empty directory that nobody else writes to). Files become 0644, or 0755
// where the owner could execute them; directories 0755. Errors name the entry: Code::invalid with reason
// archive_malformed, archive_entry (an entry that is not allowed), archive_limit; Code::io. What was unpacked until
// then stays: the caller throws the directory away.
Result<Unpacked> unpack_archive(int archive, int directory, const ArchiveLimits& limits, const Clock& clock);

}  // namespace tollgate::isolation
