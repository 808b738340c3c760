// Empties a directory that hostile code has written to: no link is followed, directories without rights are opened
// first, and no depth is too deep (a phase may nest a hundred thousand). The directory itself stays.
// Only for when every process of the phase is gone.
#pragma once

#include <string>

#include "common/base/error.h"

namespace tollgate::runner {

// `path` is for messages. Code::io where something cannot be removed; as much as possible is gone then.
Result<void> remove_tree(int directory, const std::string& path);

}  // namespace tollgate::runner
