#include "server/app/installed_terraform.h"

#include <unistd.h>

#include "common/json/value.h"
#include "common/os/child_process.h"
#include "common/os/directory_names.h"
#include "common/os/program_search.h"

namespace tollgate::app {
namespace {

constexpr Duration kVersionLimit{20000};

bool executable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

// What the binary says of itself; empty where it says nothing usable.
std::string version_of(const std::string& path, const os::Environment& environment) {
  os::Command command;
  command.argv = {path, "version", "-json"};
  // It would look for a newer release of itself otherwise.
  command.environment.set("CHECKPOINT_DISABLE", "1").set("PATH", environment.get_or("PATH", "")).set("HOME", "/");
  command.error = os::Stdio::null();
  os::CaptureOptions options;
  options.time_limit = kVersionLimit;
  const auto captured = os::capture(std::move(command), options);
  if (!captured || !captured->succeeded()) return "";
  const auto document = json::parse(captured->output.reveal());
  if (!document) return "";
  const json::Value* version = document->find("terraform_version");
  return version != nullptr && version->if_string() != nullptr ? *version->if_string() : "";
}

}  // namespace

Result<InstalledTerraform> InstalledTerraform::find(const std::string& directory, bool search_path,
                                                    const os::Environment& environment) {
  InstalledTerraform result;
  if (search_path) {
    for (const char* name : {"terraform", "tofu"}) {
      const auto program = os::find_program(name, environment.get_or("PATH", ""));
      if (!program) continue;
      const std::string version = version_of(program->path, environment);
      if (version.empty()) continue;
      result.paths_.emplace(version, program->path);
      break;
    }
  }
  const auto versions = os::directory_names(directory);
  if (!versions) {
    if (versions.error().code == Code::not_found) return result;
    return fail(versions.error());
  }
  for (const std::string& version : *versions) {
    if (version.starts_with('.')) continue;
    for (const char* name : {"terraform", "tofu"}) {
      const std::string path = fmt::format("{}/{}/{}", directory, version, name);
      if (!executable(path)) continue;
      // What an operator laid out wins over what happens to be on PATH.
      result.paths_.insert_or_assign(version, path);
      break;
    }
  }
  return result;
}

std::vector<std::string> InstalledTerraform::installed() const {
  std::vector<std::string> versions;
  for (const auto& [version, path] : paths_)
    versions.push_back(version);
  return versions;
}

const std::string* InstalledTerraform::path_of(std::string_view version) const {
  const auto found = paths_.find(version);
  return found == paths_.end() ? nullptr : &found->second;
}

}  // namespace tollgate::app
