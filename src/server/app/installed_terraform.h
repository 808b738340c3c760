// The terraform and tofu binaries of this host: folders named by version below a directory, and what is on PATH (asked
// once for its version). Not a downloader. Immutable once made, so any thread may ask.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/os/environment.h"
#include "server/runs/terraform_versions.h"

namespace tollgate::app {

class InstalledTerraform final : public runs::TerraformVersions {
 public:
  // `directory` may be missing. With `search_path`, terraform (else tofu) on the PATH of `environment` is started once
  // with `version -json`; one that does not answer is left out. Errors: Code::io where the directory cannot be read.
  static Result<InstalledTerraform> find(const std::string& directory, bool search_path,
                                         const os::Environment& environment);

  std::vector<std::string> installed() const override;
  // The binary's absolute path; nullptr where that version is not installed.
  const std::string* path_of(std::string_view version) const;

 private:
  std::map<std::string, std::string, std::less<>> paths_;
};

}  // namespace tollgate::app
