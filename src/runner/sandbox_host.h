// How a bundle's wishes become a sandbox: what is visible in it, its network, its limits, its user. Pure but for
// looking at this process's user and at where links lead. For hosts, and for the check at the start of a server.
#pragma once

#include <string>

#include "common/base/error.h"
#include "runner/isolation/sandbox.h"
#include "runner/protocol/bundle.h"

namespace tollgate::runner {

// Without a program and its environment. `memory` may be empty.
isolation::SandboxSpec sandbox_spec(const Bundle& bundle, const std::string& work, const std::string& memory);

// Builds the sandbox of such a bundle around a program that does nothing.
Result<isolation::IsolationReport> try_sandbox(const Bundle& bundle);

// Downgrades as sentences for a log.
std::vector<std::string> warnings_of(const isolation::IsolationReport& report);

}  // namespace tollgate::runner
