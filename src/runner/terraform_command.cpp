#include "runner/terraform_command.h"

#include <algorithm>
#include <array>

namespace tollgate::runner {
namespace {

constexpr std::array<std::string_view, 16> kFixedNames{"PATH",
                                                       "HOME",
                                                       "TMPDIR",
                                                       "PWD",
                                                       "TF_DATA_DIR",
                                                       "TF_WORKSPACE",
                                                       "TF_INPUT",
                                                       "TF_IN_AUTOMATION",
                                                       "TF_CLI_ARGS",
                                                       "TF_LOG_PATH",
                                                       "TF_CLI_CONFIG_FILE",
                                                       "TERRAFORM_CONFIG",
                                                       "TF_REATTACH_PROVIDERS",
                                                       "TF_FORK",
                                                       "TF_APPEND_USER_AGENT_",
                                                       "TF_PLUGIN_CACHE_DIR"};
constexpr std::array<std::string_view, 3> kFixedPrefixes{"LD_", "TF_CLI_ARGS_", "TOLLGATE_"};

bool fixed(std::string_view name) {
  return std::find(kFixedNames.begin(), kFixedNames.end(), name) != kFixedNames.end() ||
         std::any_of(kFixedPrefixes.begin(), kFixedPrefixes.end(),
                     [&](std::string_view prefix) { return name.substr(0, prefix.size()) == prefix; });
}

std::vector<std::string> command(const Bundle& bundle, std::initializer_list<std::string_view> words) {
  std::vector<std::string> arguments{bundle.terraform};
  arguments.insert(arguments.end(), words.begin(), words.end());
  return arguments;
}

// terraform and its providers live for seconds and spend up to a third of their processor time on collecting garbage. A
// run has memory of its own, so they may collect half as often until one of them holds half of it.
// https://pkg.go.dev/runtime#hdr-Environment_Variables
void set_garbage_collection(const Bundle& bundle, os::Environment& environment) {
  if (environment.has("GOGC") || environment.has("GOMEMLIMIT")) return;
  environment.set("GOGC", "200");
  if (bundle.limits.memory_bytes > 0) environment.set("GOMEMLIMIT", std::to_string(bundle.limits.memory_bytes / 2));
}

void add_format(const Bundle& bundle, std::vector<std::string>& arguments) {
  if (bundle.log_format == LogFormat::json) arguments.emplace_back("-json");
}

}  // namespace

std::vector<std::string> init_arguments(const Bundle& bundle) {
  auto arguments = command(bundle, {"init", "-input=false", "-reconfigure"});
  // Structured logs are shown without a terminal in between.
  if (bundle.log_format == LogFormat::json) arguments.emplace_back("-no-color");
  // The providers of an apply are those of its plan.
  if (bundle.phase == Phase::apply) arguments.emplace_back("-lockfile=readonly");
  return arguments;
}

std::vector<std::string> plan_arguments(const Bundle& bundle, const PhasePaths& paths) {
  auto arguments = command(bundle, {"plan", "-input=false", "-detailed-exitcode"});
  add_format(bundle, arguments);
  arguments.push_back("-out=" + paths.plan_file);
  const RunOptions& options = bundle.options;
  if (options.is_destroy) arguments.emplace_back("-destroy");
  if (options.refresh_only) arguments.emplace_back("-refresh-only");
  if (!options.refresh && !options.refresh_only) arguments.emplace_back("-refresh=false");
  for (const std::string& target : options.targets)
    arguments.push_back("-target=" + target);
  for (const std::string& address : options.replace)
    arguments.push_back("-replace=" + address);
  if (options.allow_config_generation) arguments.push_back("-generate-config-out=" + paths.generated_file);
  return arguments;
}

std::vector<std::string> apply_arguments(const Bundle& bundle, const PhasePaths& paths) {
  auto arguments = command(bundle, {"apply", "-input=false"});
  add_format(bundle, arguments);
  arguments.push_back(paths.plan_file);
  return arguments;
}

std::vector<std::string> show_arguments(const Bundle& bundle, const PhasePaths& paths) {
  auto arguments = command(bundle, {"show", "-json", "-no-color"});
  arguments.push_back(paths.plan_file);
  return arguments;
}

std::vector<std::string> schema_arguments(const Bundle& bundle) {
  return command(bundle, {"providers", "schema", "-json"});
}

os::Environment phase_environment(const Bundle& bundle, const PhasePaths& paths, std::vector<std::string>& left_out) {
  os::Environment environment;
  for (const BundleVariable& variable : bundle.variables) {
    if (!variable.environment) continue;
    if (fixed(variable.key)) {
      left_out.push_back(variable.key);
    } else {
      environment.set(variable.key, variable.value.reveal());
    }
  }
  for (const EnvironmentEntry& entry : bundle.environment)
    environment.set(entry.name, entry.value.reveal());
  environment.set("PATH", "/usr/local/bin:/usr/bin:/bin")
      .set("HOME", paths.home)
      .set("TMPDIR", paths.temporary)
      .set("TF_CLI_CONFIG_FILE", paths.cli_configuration)
      .set("TF_IN_AUTOMATION", "1")
      .set("TF_INPUT", "0")
      .set("CHECKPOINT_DISABLE", "1")
      // Never the host's own identity.
      .set("AWS_EC2_METADATA_DISABLED", "true");
  if (!bundle.workspace.empty()) environment.set("TF_WORKSPACE", bundle.workspace);
  if (!environment.has("LANG")) environment.set("LANG", "C.UTF-8");
  set_garbage_collection(bundle, environment);
  return environment;
}

std::string_view product_name(const Bundle& bundle) {
  const std::size_t slash = bundle.terraform.rfind('/');
  return bundle.terraform.find("tofu", slash == std::string::npos ? 0 : slash) == std::string::npos ? "Terraform"
                                                                                                    : "OpenTofu";
}

}  // namespace tollgate::runner
