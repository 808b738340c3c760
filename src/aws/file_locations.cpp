#include "aws/file_locations.h"

#include <initializer_list>

namespace tollgate::aws {
namespace {

std::string first_set(const Environment& environment, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (std::string value = variable(environment, name); !value.empty()) return value;
  }
  return {};
}

std::string expand_home(std::string path, const std::string& home) {
  const bool below_home = path == "~" || path.starts_with("~/");
  return below_home && !home.empty() ? home + path.substr(1) : path;
}

std::string locate(const Environment& environment, std::string_view inside_overlay, std::string_view usual,
                   std::string_view below_home) {
  const std::string home = variable(environment, "HOME");
  std::string path = first_set(environment, {inside_overlay, usual});
  if (!path.empty()) return expand_home(std::move(path), home);
  if (home.empty()) return {};
  std::string standard = home;
  if (standard.back() != '/') standard.push_back('/');
  return standard.append(below_home);
}

}  // namespace

std::string variable(const Environment& environment, std::string_view name) {
  if (!environment) return {};
  return environment(name).value_or(std::string());
}

FileLocations locate_files(const Environment& environment) {
  return {
      locate(environment, "TOLLGATE_AWS_CONFIG_FILE", "AWS_CONFIG_FILE", ".aws/config"),
      locate(environment, "TOLLGATE_AWS_SHARED_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")};
}

std::string selected_profile(const Environment& environment, std::string_view asked) {
  if (!asked.empty()) return std::string(asked);
  std::string named = first_set(environment, {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"});
  return named.empty() ? "default" : named;
}

}  // namespace tollgate::aws
