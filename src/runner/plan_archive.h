// Takes the dependency lock file out of a saved plan, which is a ZIP archive, so that an apply installs the providers
// of its plan. Nothing else of the format is known here. Pure function on bytes that are not trusted.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

namespace tollgate::runner {

inline constexpr std::size_t kMaxLockFile = std::size_t{1} << 20;

// Code::not_found: the plan has none (no provider is used). Code::invalid: it is no such archive.
Result<std::string> lock_file_of_plan(std::string_view plan);

}  // namespace tollgate::runner
