// What lies in a directory, by name. It does not descend, follow or sort by anything but the bytes of a name, and takes
// the directory as it is at one moment: a name may be gone when it is used. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace tollgate::os {

// Sorted, without "." and "..". `directory` is open, and its position stays; `shown` is how an error calls it. Errors:
// Code::not_found where the path leads to no directory, else Code::io.
Result<std::vector<std::string>> directory_names(int directory, std::string_view shown);
Result<std::vector<std::string>> directory_names(const std::string& path);

}  // namespace tollgate::os
