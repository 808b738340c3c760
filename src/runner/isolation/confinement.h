// How tollgate-confine is put between bubblewrap and the program. Internal to this folder.
#pragma once

#include <string>
#include <vector>

#include "runner/isolation/sandbox.h"

namespace tollgate::isolation {

// Whether it is asked for, and the kernel has what it needs.
bool can_confine(const SandboxSpec& spec);
// What stands before the program's own words; `confine` is the descriptor of tollgate-confine, inherited under its
// number.
std::vector<std::string> confine_arguments(const SandboxSpec& spec, int confine);

}  // namespace tollgate::isolation
