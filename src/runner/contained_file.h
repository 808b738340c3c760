// Reads what the phase's processes wrote, without letting them choose what is read: below one directory only, no
// symbolic link, no other file system trick, regular files only, up to a limit. Functions may be called from any
// thread.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace tollgate::runner {

// A file with other names too (hard links) leads elsewhere as well as a link does. Code::not_found; Code::forbidden
// (reason escapes, not_a_file); Code::invalid (reason too_large); Code::io.
Result<std::string> read_contained(int directory, const std::string& path, std::size_t max_bytes);
// A directory below; links inside the tree are followed as long as they stay in it. The same errors.
Result<UniqueFd> open_contained_directory(int directory, const std::string& path);
// Its path relative to `directory`, with all links resolved: "" for the directory itself.
Result<std::string> contained_path(int directory, int below);

}  // namespace tollgate::runner
