// Where tollgate keeps its files, by the XDG Base Directory Specification 0.8: relative values count as unset. Paths
// only; nothing is created. Pure functions.
#pragma once

#include <string>

#include "common/base/error.h"
#include "common/os/environment.h"

namespace tollgate::os {

// Each ends in "/tollgate", but for home.
struct UserDirectories {
  std::string home;
  std::string config;   // XDG_CONFIG_HOME, ~/.config
  std::string cache;    // XDG_CACHE_HOME, ~/.cache: sessions, overlays; may be deleted at any time
  std::string data;     // XDG_DATA_HOME, ~/.local/share: long-term keys
  std::string state;    // XDG_STATE_HOME, ~/.local/state: locks, used codes
  std::string runtime;  // XDG_RUNTIME_DIR; empty where it is unset. Vanishes at logout
};

Result<UserDirectories> user_directories(const Environment& environment);

}  // namespace tollgate::os
