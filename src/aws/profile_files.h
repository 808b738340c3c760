// The profiles of both AWS configuration files, merged as aws-sdk-go-v2 (Terraform) merges them
// (config/shared_config.go), each setting with its file and line. Not the meaning of a profile: that is
// profile_chain.h. Plain values; not synchronised.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/diagnostic.h"
#include "aws/file_locations.h"
#include "aws/ini_file.h"
#include "common/base/error.h"
#include "common/base/secret.h"

namespace tollgate::aws {

struct Setting {
  std::string key;    // lower case
  std::string value;  // as Terraform sees it; may hold "\n". Always empty where the setting is secret
  Secret
      secret;  // the value of a setting whose name says that it is secret (setting_names.h), so that no copy leaks it
  std::vector<std::pair<std::string, std::string>> nested;  // `s3 =` with indented lines; `value` is then empty
  FileKind file = FileKind::config;
  int line = 0;
};

// A profile, an sso-session or a services section.
struct Section {
  std::string name;
  std::vector<Setting> settings;  // in order of appearance, each key once
  FileKind file = FileKind::config;
  int line = 0;  // of its first header
  // Where one half of a key pair stands alone, in the file that decides: the SDK refuses the profile. 0: nowhere.
  int half_pair_line = 0;
  FileKind half_pair_file = FileKind::config;

  // The setting of that (lower-case) name, or nullptr.
  const Setting* find(std::string_view key) const;
  // Its value; "" where it is absent. Not for the secret ones.
  std::string_view text(std::string_view key) const;
};
using Profile = Section;

struct ProfileSet {
  FileLocations files;
  std::vector<Profile> profiles;  // in order of appearance, config file first
  std::vector<Section> sso_sessions;
  std::vector<Section> services;
  std::vector<Diagnostic> diagnostics;  // of reading and merging, in order of file and line

  // By exact name (case matters); nullptr if there is none.
  const Profile* find(std::string_view name) const;
  const Section* find_sso_session(std::string_view name) const;
  const Section* find_services(std::string_view name) const;

  // "file:line"
  std::string place(const Setting& setting) const;
  std::string place(const Section& section) const;
  std::string place(FileKind file, int line) const;
};

// The content of a file; nullopt where there is none (also for a path through a missing folder). Other failures (no
// permission, a folder in its place) are errors.
using FileReader = std::function<Result<std::optional<std::string>>(const std::string& path)>;
// Reads the file system; refuses a file above 16 MiB.
Result<std::optional<std::string>> read_aws_file(const std::string& path);

// Missing files count as empty, and odd lines become diagnostics, as for the Go SDK: the only errors are the reader's.
// The texts are wiped afterwards.
Result<ProfileSet> read_profiles(const FileLocations& files, const FileReader& reader = read_aws_file);

// The same from texts at hand; `files` only names them.
ProfileSet merge_profiles(const FileLocations& files, std::string_view config, std::string_view credentials);

}  // namespace tollgate::aws
