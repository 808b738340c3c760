// What shims have started on the way to this process, kept in one variable of the environment: how a shim notices that
// it was led back to itself. Pure functions.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/os/program_search.h"

namespace tollgate::deliver {

inline constexpr std::string_view kShimTrailVariable = "TOLLGATE_SHIM_TRAIL";
// A program that calls itself by name so often, one inside the other, is caught in a circle.
inline constexpr std::size_t kMaxShimDepth = 12;

struct ShimStep {
  std::string name;               // of the shim
  pid_t process = 0;              // in which it acted
  os::FileIdentity program = {};  // what it started
  friend bool operator==(const ShimStep&, const ShimStep&) = default;
};

// What cannot be read is left out: the variable is anyone's.
std::vector<ShimStep> parse_shim_trail(std::string_view text);
// With `step` at the end; the oldest go where it becomes long.
std::string extended_shim_trail(std::vector<ShimStep> trail, const ShimStep& step);

// How often this shim is on the way here.
std::size_t shim_depth(const std::vector<ShimStep>& trail, std::string_view name);
// What this very process has been as `name`: each of these has led back here by exec and is passed over. A program
// that a child process starts is no circle (terraform run by a provisioner of terraform).
std::vector<os::FileIdentity> passed_programs(const std::vector<ShimStep>& trail, std::string_view name, pid_t process);

}  // namespace tollgate::deliver
