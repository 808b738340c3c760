// How much a directory tree holds, counted without following a link and with bounded work, because its owner is
// hostile. Internal to this folder.
#pragma once

#include <cstdint>
#include <string>

namespace tollgate::isolation {

struct TreeUsage {
  std::uint64_t bytes = 0;  // as allocated
  std::uint64_t entries = 0;
  bool too_deep = false;  // nested deeper than 200 directories: what is below is not counted
};

// Stops early once either limit is passed (0: none).
TreeUsage tree_usage(const std::string& directory, std::uint64_t stop_bytes, std::uint64_t stop_entries);

}  // namespace tollgate::isolation
