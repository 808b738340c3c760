// Which AWS configuration files are read, and which profile is meant. Looks at the environment only, never at the file
// system. Pure functions; safe from any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::aws {

// One environment variable, or nullopt where it is not set. Logic receives this instead of calling getenv.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The variable's value; "" both where it is unset and where it is empty, as aws-sdk-go-v2 treats the two alike.
std::string variable(const Environment& environment, std::string_view name);

struct FileLocations {
  std::string config;       // empty: there is none, because HOME is not set
  std::string credentials;  // the same
};

// TOLLGATE_AWS_CONFIG_FILE (set by tollgate inside its own overlay) > AWS_CONFIG_FILE > $HOME/.aws/config, and the same
// for credentials with ..._SHARED_CREDENTIALS_FILE. An empty variable counts as unset. A leading "~" or "~/" becomes
// $HOME, as botocore does; "~user" is left alone.
FileLocations locate_files(const Environment& environment);

// `asked` (from a flag) > AWS_PROFILE > AWS_DEFAULT_PROFILE > "default". Empty counts as unset.
std::string selected_profile(const Environment& environment, std::string_view asked = "");

}  // namespace tollgate::aws
