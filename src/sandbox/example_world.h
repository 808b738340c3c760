// The files that `tollgate-sandbox init` writes: an example world with fresh keys and seeds, and the AWS files of the
// people in it. Pure functions of the random source.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/random.h"

namespace tollgate::sandbox {

struct ExampleFiles {
  std::string world_toml;
  std::string config;       // aws/config
  std::string credentials;  // aws/credentials
};

ExampleFiles example_files(RandomSource& random, std::uint16_t port);

// `env`: what a shell sources to speak to a sandbox on that port. `directory` is absolute.
std::string env_file(const std::string& directory, std::uint16_t port);

}  // namespace tollgate::sandbox
