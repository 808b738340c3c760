// The folder with shims: symbolic links named like a program (terraform) that lead to tollgate. Nothing in it that is
// not such a link is ever changed. Functions may run in several processes at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace tollgate::deliver {

// A name that a shim can have: not tollgate's own (which is a command line), no path, no hidden file, no option.
bool is_shim_name(std::string_view name);

enum class ShimChange { none, made, replaced, removed };

// Makes `directory` (0755 less the umask) where it is missing, and in it the link to `program`, an absolute path. A
// link of ours to another tollgate is replaced. Errors: Code::usage for a bad name; Code::config, reason foreign_file,
// where something else has that name, or open_to_others, where anyone may write to the folder; Code::io.
Result<ShimChange> install_shim(const std::string& directory, const std::string& name, const std::string& program);
// `none` where there is no such link. Errors: Code::config, reason foreign_file; Code::io.
Result<ShimChange> remove_shim(const std::string& directory, const std::string& name);

struct InstalledShim {
  std::string name;
  std::string path;    // of the link
  std::string target;  // as the link has it
};
// In the order of names; empty where there is no such folder.
Result<std::vector<InstalledShim>> installed_shims(const std::string& directory);

}  // namespace tollgate::deliver
