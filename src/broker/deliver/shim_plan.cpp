#include "broker/deliver/shim_plan.h"

#include <fmt/format.h>

namespace tollgate::deliver {
namespace {

bool contains(std::string_view directory, std::string_view path) {
  if (!directory.starts_with(path)) return false;
  return directory.size() == path.size() || path.ends_with('/') || directory[path.size()] == '/';
}

// Where the program will work. A directory that is not there is the program's to complain about.
std::string working_directory(const ShimRequest& request, const std::string& asked, const ResolvePath& resolve) {
  if (asked.empty()) return request.working_directory;
  const std::string path = asked.front() == '/' ? asked : fmt::format("{}/{}", request.working_directory, asked);
  return resolve(path).empty() ? request.working_directory : path;
}

bool has_session_keys(const os::Environment& environment) {
  return !environment.get_or("AWS_ACCESS_KEY_ID", "").empty() &&
         !environment.get_or("AWS_SECRET_ACCESS_KEY", "").empty() &&
         !environment.get_or("AWS_SESSION_TOKEN", "").empty();
}

void choose_profile(ShimPlan& plan, const ShimRequest& request, const ResolvePath& resolve) {
  if (!plan.traits.profile.empty()) {
    plan.profile = plan.traits.profile;
    plan.chosen_by = "--profile";
    return;
  }
  for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    plan.profile = request.environment.get_or(name, "");
    plan.chosen_by = name;
    if (!plan.profile.empty()) return;
  }
  const std::string directory = working_directory(request, plan.traits.directory, resolve);
  if (const DirectoryRule* rule = rule_for(directory, request.rules, resolve)) {
    plan.profile = rule->profile;
    plan.chosen_by = rule->place;
    return;
  }
  plan.profile = request.default_profile;
  plan.chosen_by = "shim.default_profile";
}

}  // namespace

const DirectoryRule* rule_for(const std::string& directory, const std::vector<DirectoryRule>& rules,
                              const ResolvePath& resolve) {
  const std::string resolved = resolve(directory);
  const std::string& real = resolved.empty() ? directory : resolved;
  const DirectoryRule* best = nullptr;
  std::size_t longest = 0;
  for (const DirectoryRule& rule : rules) {
    // What counts is how deep the matching folder lies, not how the rule spells it.
    for (const std::string& path : {resolve(rule.path), rule.path}) {
      if (path.empty() || !contains(real, path) || path.size() <= longest) continue;
      best = &rule;
      longest = path.size();
    }
  }
  return best;
}

ShimPlan plan_shim(const ShimRequest& request, const ResolvePath& resolve) {
  ShimPlan plan;
  plan.traits = inspect_command(request.program, request.arguments);
  if (plan.traits.writes_configuration) {
    plan.mode = ShimPlan::Mode::real_files;
    return plan;
  }
  const os::Environment& environment = request.environment;
  // A shell that completes a word runs the program with its line in COMP_LINE.
  if (!plan.traits.needs_credentials || environment.has("COMP_LINE")) return plan;
  if (!environment.get_or("AWS_VAULT", "").empty() || !environment.get_or("TOLLGATE_PROFILE", "").empty()) return plan;
  const bool asked = !plan.traits.profile.empty() || !environment.get_or("AWS_PROFILE", "").empty() ||
                     !environment.get_or("AWS_DEFAULT_PROFILE", "").empty();
  if (!asked && has_session_keys(environment)) return plan;
  choose_profile(plan, request, resolve);
  if (!plan.profile.empty()) plan.mode = ShimPlan::Mode::deliver;
  return plan;
}

os::Environment with_real_files(const os::Environment& environment) {
  os::Environment real = environment;
  for (const char* name : {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}) {
    const std::string kept = fmt::format("TOLLGATE_{}", name);
    const std::string* path = environment.find(kept);
    if (path == nullptr) continue;
    if (path->empty()) {
      real.unset(name);
    } else {
      real.set(name, *path);
    }
    real.unset(kept);
  }
  return real;
}

}  // namespace tollgate::deliver
