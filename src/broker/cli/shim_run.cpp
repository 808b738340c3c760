#include "broker/cli/shim_run.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>

#include "broker/cli/exec.h"
#include "broker/cli/output.h"
#include "broker/deliver/shim_plan.h"
#include "broker/deliver/shim_trail.h"
#include "common/os/child_process.h"
#include "common/os/program_search.h"

namespace tollgate::cli {
namespace {

std::string real_path(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  return ::realpath(path.c_str(), buffer.data()) == nullptr ? "" : std::string(buffer.data());
}

std::string working_directory() {
  std::array<char, PATH_MAX> buffer{};
  return ::getcwd(buffer.data(), buffer.size()) == nullptr ? "/" : std::string(buffer.data());
}

Error circle(const std::string& name) {
  return Error(Code::config, fmt::format("the programs named {} on PATH only start one another", name))
      .do_next(fmt::format("`tollgate shim list` shows which {0} runs; put the folder of the real {0} on PATH", name))
      .because("shim_circle");
}

// The program, and the trail that it gets.
struct Found {
  os::Program program;
  std::string trail;
};

Result<Found> find(const App& app, const std::string& name) {
  const auto steps = deliver::parse_shim_trail(app.environment().get_or(deliver::kShimTrailVariable, ""));
  if (deliver::shim_depth(steps, name) >= deliver::kMaxShimDepth) return fail(circle(name));
  const std::vector<os::FileIdentity> passed = deliver::passed_programs(steps, name, ::getpid());
  auto program = find_behind(app, name, passed);
  if (!program) return fail(passed.empty() ? std::move(program.error()) : circle(name));
  const std::string trail = deliver::extended_shim_trail(steps, {name, ::getpid(), program->identity});
  return Found{std::move(*program), trail};
}

// The program takes our place, in the environment that it is given.
int become(App& app, const Found& found, const os::Environment& environment, std::vector<std::string> argv) {
  os::Command command;
  command.argv = std::move(argv);
  if (found.program.is_script) {
    command.argv.front() = found.program.path;
  } else {
    command.program_fd = found.program.file.get();
  }
  command.environment = environment.with(deliver::kShimTrailVariable, found.trail);
  command.restore = app.inherited();
  const Error error = os::replace_process(command);
  report(error);
  return os::program_error_status(error);
}

Error no_profile(App& app, const aws::ProfileSet& set, const deliver::ShimPlan& plan, const std::string& name) {
  std::vector<std::string> names;
  for (const aws::Profile& profile : set.profiles)
    names.push_back(profile.name);
  if (const auto keys = app.vault()) {
    for (std::string& stored : (*keys)->profiles()) {
      if (set.find(stored) == nullptr) names.push_back(std::move(stored));
    }
  }
  return Error(Code::config,
               fmt::format("{} would use profile {}, which does not exist ({})", name, plan.profile, plan.chosen_by))
      .do_next(fmt::format("set AWS_PROFILE, or shim.default_profile or a [[shim.directory]] in tollgate's "
                           "configuration file, to one of: {}",
                           names.empty() ? "(your AWS files have none)" : fmt::format("{}", fmt::join(names, ", "))))
      .because("profile_not_found");
}

Result<int> run(App& app, const std::string& name, std::vector<std::string> arguments) {
  TG_TRY(const Found found, find(app, name));
  TG_TRY(const Configuration* const settings, app.configuration());
  const deliver::ShimPlan plan =
      deliver::plan_shim({name, arguments, app.environment(), working_directory(), settings->directory_rules(),
                          settings->text(Key::shim_default_profile)},
                         real_path);
  std::vector<std::string> argv{name};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  switch (plan.mode) {
    case deliver::ShimPlan::Mode::pass:
      return become(app, found, app.environment(), std::move(argv));
    case deliver::ShimPlan::Mode::real_files:
      return become(app, found, deliver::with_real_files(app.environment()), std::move(argv));
    case deliver::ShimPlan::Mode::deliver:
      break;
  }
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  if (set->find(plan.profile) == nullptr && !app.has_vault_keys()(plan.profile)) {
    return fail(no_profile(app, *set, plan, name));
  }
  ExecRequest request;
  request.profile = plan.profile;
  request.command = std::move(argv);
  request.program = &found.program;
  request.variables = {{std::string(deliver::kShimTrailVariable), found.trail}};
  return run_exec(app, request);
}

}  // namespace

std::optional<std::string> shim_name(std::string_view argv0) {
  const std::string_view name = argv0.substr(argv0.rfind('/') + 1);
  if (name.empty() || name.starts_with("tollgate")) return std::nullopt;
  return std::string(name);
}

Result<os::Program> find_behind(const App& app, const std::string& name, std::vector<os::FileIdentity> skip) {
  TG_TRY(const std::string self, os::own_program());
  TG_TRY(const os::FileIdentity identity, os::file_identity(self));
  skip.push_back(identity);
  auto program = os::find_program(name, app.environment().get_or("PATH", ""), skip);
  if (program || program.error().reason != "program_not_found") return program;
  return fail(std::move(program.error())
                  .while_doing("tollgate's shim")
                  .do_next(fmt::format("install {0}, or run `tollgate shim remove {0}`", name)));
}

int run_shim(App& app, const std::string& name, std::vector<std::string> arguments) {
  const auto status = run(app, name, std::move(arguments));
  if (status) return *status;
  report(status.error());
  return os::program_error_status(status.error());
}

}  // namespace tollgate::cli
