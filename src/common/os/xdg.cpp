#include "common/os/xdg.h"

#include "common/os/user.h"

namespace tollgate::os {
namespace {

std::string base(const Environment& environment, std::string_view variable, const std::string& fallback) {
  const std::string* value = environment.find(variable);
  const bool usable = value && !value->empty() && value->front() == '/';
  std::string path = usable ? *value : fallback;
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  return path.empty() ? path : path + "/tollgate";
}

}  // namespace

Result<UserDirectories> user_directories(const Environment& environment) {
  TG_TRY(const std::string home, home_directory(environment));
  UserDirectories directories;
  directories.home = home;
  directories.config = base(environment, "XDG_CONFIG_HOME", home + "/.config");
  directories.cache = base(environment, "XDG_CACHE_HOME", home + "/.cache");
  directories.data = base(environment, "XDG_DATA_HOME", home + "/.local/share");
  directories.state = base(environment, "XDG_STATE_HOME", home + "/.local/state");
  directories.runtime = base(environment, "XDG_RUNTIME_DIR", "");
  return directories;
}

}  // namespace tollgate::os
