// Asks a tollgate-runner whether it can build the sandbox that a bundle wants, before anybody's run depends on it:
// `tollgate-runner check`, with the bundle on its stdin, answers with what would be in force. Functions may be called
// from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "runner/protocol/bundle.h"

namespace tollgate::runner {

struct SandboxFacts {
  std::vector<std::string> applied;   // "namespaces", "seccomp", ...
  std::vector<std::string> warnings;  // what is weaker than it could be, in sentences
};

std::string to_text(const SandboxFacts& facts);
Result<SandboxFacts> parse_sandbox_facts(std::string_view text);

// Code::unavailable, reason sandbox_unavailable, with what to do.
Result<SandboxFacts> check_sandbox(const std::string& program, const Bundle& bundle);

}  // namespace tollgate::runner
