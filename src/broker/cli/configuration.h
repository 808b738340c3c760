// The user's settings: which there are, where each may be written, and which of several holds: environment > user's
// file > system's file > built in (a flag beats them all, but belongs to its command). There is no file of a project: a
// cloned repository must not choose what runs. Not read where credentials come from the cache. Plain values.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/deliver/shim_plan.h"
#include "common/base/error.h"
#include "common/os/environment.h"

namespace tollgate::cli {

enum class Key {
  mfa_process,
  session_duration,
  exec_min_ttl,
  shim_default_profile,
  min_ttl_plan,
  min_ttl_apply,
  min_ttl_destroy,
  min_ttl_import,
  min_ttl_state,
};
inline constexpr std::size_t kKeyCount = 9;

struct KeyInfo {
  Key key;
  std::string_view name;  // "shim.default_profile": section and key of the file
  bool is_duration;       // 900, "60m", "1h30m"; else any text
  std::string_view built_in;
  std::string_view help;
};

// All of them, in the order of Key: for reading, `config show` and the manual page.
const std::array<KeyInfo, kKeyCount>& configuration_keys();
// TOLLGATE_SHIM_DEFAULT_PROFILE. An empty variable counts as unset.
std::string variable_of(const KeyInfo& key);

enum class Origin { built_in, system, user, environment };
std::string_view origin_name(Origin origin);

struct ConfiguredValue {
  std::string text;
  Origin origin = Origin::built_in;
  std::string place;  // file:line, or the variable; empty where built in
};

struct ConfigurationFiles {
  std::string user;  // $XDG_CONFIG_HOME/tollgate/config.toml; empty: none
  std::string system = "/etc/tollgate/config.toml";
};
ConfigurationFiles configuration_files(const os::Environment& environment);

// The content, or nullopt where there is no such file.
using ConfigurationReader = std::function<Result<std::optional<std::string>>(const std::string& path)>;
// Refuses (Code::config, reason open_to_others, foreign_owner) a file that someone else than the user and root may
// write, because it names programs to run. At most 1 MiB.
Result<std::optional<std::string>> read_configuration_file(const std::string& path);

class Configuration {
 public:
  // Errors: Code::config with file:line or the variable, and a suggestion for what was mistyped.
  static Result<Configuration> read(const os::Environment& environment, const ConfigurationFiles& files,
                                    const ConfigurationReader& reader = read_configuration_file);

  const ConfiguredValue& value(Key key) const { return values_[static_cast<std::size_t>(key)]; }
  const std::string& text(Key key) const { return value(key).text; }
  std::chrono::seconds duration(Key key) const;

  // [[shim.directory]] of both files, the user's first.
  const std::vector<deliver::DirectoryRule>& directory_rules() const { return directory_rules_; }
  deliver::MinTtlRules min_ttl_rules() const;

 private:
  friend class ConfigurationParser;
  std::array<ConfiguredValue, kKeyCount> values_;
  std::vector<deliver::DirectoryRule> directory_rules_;
};

}  // namespace tollgate::cli
