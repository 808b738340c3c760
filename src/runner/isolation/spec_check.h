// Whether a specification makes sense, and whether what it names is on this host: asked before anything is started.
// Internal to this folder.
#pragma once

#include "common/base/error.h"
#include "runner/isolation/sandbox.h"

namespace tollgate::isolation {

// Errors: those of start().
Result<void> check_spec(const SandboxSpec& spec);

}  // namespace tollgate::isolation
