// What a shim does for one call: hand over credentials of which profile, or step aside. It decides; starting and asking
// are the caller's. Pure but for the resolver that it is given.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/deliver/command_rules.h"
#include "common/os/environment.h"

namespace tollgate::deliver {

// [[shim.directory]] of the user's configuration: everything at or below `path` uses `profile`.
struct DirectoryRule {
  std::string path;     // absolute, without a final slash
  std::string profile;  // empty: the program runs without tollgate
  std::string place;    // file:line
};

// The real path of an existing directory, "" where it cannot be told.
using ResolvePath = std::function<std::string(const std::string& path)>;

// The rule with the longest path that is `directory` or above it; of equal ones the first. Links in either are
// resolved. nullptr: none. `directory` is absolute.
const DirectoryRule* rule_for(const std::string& directory, const std::vector<DirectoryRule>& rules,
                              const ResolvePath& resolve);

struct ShimRequest {
  std::string_view program;  // the shim's name
  const std::vector<std::string>& arguments;
  const os::Environment& environment;
  std::string working_directory;  // absolute
  const std::vector<DirectoryRule>& rules;
  std::string default_profile;  // shim.default_profile; empty: step aside
};

struct ShimPlan {
  enum class Mode {
    pass,        // the program runs in the environment as it is
    real_files,  // the same, outside any overlay: it writes the user's own files
    deliver,     // credentials of `profile`
  };
  Mode mode = Mode::pass;
  std::string profile;
  std::string chosen_by;  // where the name of the profile comes from, for messages
  CommandTraits traits;
};

// In this order: files that the program writes are real ones; a program that needs no credentials, a place inside
// another tollgate or aws-vault (AWS_VAULT, TOLLGATE_PROFILE), or complete session keys in the environment while no
// profile was asked for: step aside. Then the profile: the program's own flag (it wins there too), AWS_PROFILE,
// AWS_DEFAULT_PROFILE, the rule of the directory, the default. Empty variables count as unset.
ShimPlan plan_shim(const ShimRequest& request, const ResolvePath& resolve);

// The environment without the traces of an overlay, whose files cannot be written: the real ones are named again.
os::Environment with_real_files(const os::Environment& environment);

}  // namespace tollgate::deliver
