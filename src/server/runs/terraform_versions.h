// Which terraform binaries there are, and which one a workspace's wish means: an exact version, "latest", or a
// constraint as in Terraform's required_version (=, !=, >, >=, <, <=, ~>, joined by commas). It starts nothing. Pure
// functions; a TerraformVersions may be asked by several threads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace tollgate::runs {

class TerraformVersions {
 public:
  virtual ~TerraformVersions() = default;
  // "1.11.4", in any order; what is not a version is never chosen.
  virtual std::vector<std::string> installed() const = 0;
};

// The highest installed version that fits; an empty wish is "latest". Releases come before pre-releases, which only an
// exact wish chooses. Errors: Code::invalid, reason "terraform_version": no such version or no such constraint.
Result<std::string> choose_terraform_version(std::string_view wish, const std::vector<std::string>& installed);

}  // namespace tollgate::runs
