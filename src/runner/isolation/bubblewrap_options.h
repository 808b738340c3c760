// What bubblewrap is told: the file system that a run sees, its environment, its namespaces. Internal to this folder.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "runner/isolation/sandbox.h"

namespace tollgate::isolation {

struct BubblewrapOptions {
  UniqueFd arguments;           // for --args; holds the environment's values
  std::vector<UniqueFd> files;  // named by number in the arguments: must be inherited under these numbers
};

// `status_fd`: where bubblewrap reports its processes. Errors: Code::io.
Result<BubblewrapOptions> bubblewrap_options(const SandboxSpec& spec, int status_fd);

// The host's file behind a path inside, empty where nothing is there by the binds alone.
std::string host_path_of(const SandboxSpec& spec, const std::string& inside);

}  // namespace tollgate::isolation
