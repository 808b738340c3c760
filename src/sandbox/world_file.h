// world.toml: the imitated AWS as a person writes it down. Read once at the start; what calls change later is in the
// journal. Only this file's source includes toml++. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "sandbox/fault.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

inline constexpr std::uint16_t kDefaultPort = 4777;

struct WorldFile {
  World world;
  std::uint16_t port = kDefaultPort;
  std::vector<Fault> faults;
};

// `path` is for messages only; `now` is when rows were created that do not say so. Policies are checked. Unknown keys,
// dangling references and anything doubled are errors. Errors: Code::config, place = path:line.
Result<WorldFile> read_world(std::string_view toml_text, const std::string& path, TimePoint now);

}  // namespace tollgate::sandbox
