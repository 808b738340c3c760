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

// What root binds in a mount namespace of its own before it becomes the run's user, who could not reach it by its path:
// the work directory and all binds, in the order of the specification. Empty where nobody else is to be become.
std::vector<std::string> staged_sources(const SandboxSpec& spec);
// Where launch() puts the number-th of them.
std::string staged_place(std::size_t number);

// The host's file behind a path inside, empty where nothing is there by the binds alone.
std::string host_path_of(const SandboxSpec& spec, const std::string& inside);

}  // namespace tollgate::isolation
