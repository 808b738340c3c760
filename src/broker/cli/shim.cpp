// tollgate shim install, remove, list: programs that get their credentials by being called as ever.
#include <algorithm>

#include "broker/cli/command.h"
#include "broker/cli/output.h"
#include "broker/cli/shim_run.h"
#include "broker/deliver/shim_directory.h"
#include "common/os/program_search.h"

namespace tollgate::cli {
namespace {

struct ShimInput {
  std::string directory;
  std::vector<std::string> programs;
  bool json = false;
};

Result<std::string> shim_directory(App& app, const ShimInput& input) {
  if (input.directory.empty()) {
    TG_TRY(const os::UserDirectories* const directories, app.directories());
    return directories->data + "/shims";
  }
  if (!input.directory.starts_with('/')) {
    return fail(Error(Code::usage, fmt::format("{} is not an absolute path", input.directory)).at("--directory"));
  }
  std::string path = input.directory;
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  return path;
}

// What the links lead to: the name on PATH if that is this program, because it stays when a package is upgraded.
Result<std::string> lasting_program_path(const App& app) {
  TG_TRY(const std::string self, os::own_program());
  TG_TRY(const os::FileIdentity identity, os::file_identity(self));
  const auto found = os::find_program("tollgate", app.environment().get_or("PATH", ""));
  return found && found->identity == identity ? found->path : self;
}

bool on_path(const App& app, const std::string& directory) {
  const std::string path = ":" + app.environment().get_or("PATH", "") + ":";
  return path.find(":" + directory + ":") != std::string::npos ||
         path.find(":" + directory + "/:") != std::string::npos;
}

// True where typing the name starts the shim.
bool is_active(const App& app, const std::string& name) {
  const auto self = os::own_program();
  const auto identity = self ? os::file_identity(*self) : Result<os::FileIdentity>(fail(self.error()));
  const auto found = os::find_program(name, app.environment().get_or("PATH", ""));
  return identity && found && found->identity == *identity;
}

// Quoted for a POSIX shell, where the name needs it.
std::string path_line(const App& app, const std::string& directory) {
  const std::string shell = app.environment().get_or("SHELL", "");
  if (shell.ends_with("/fish")) return fmt::format("fish_add_path --global --prepend --move '{}'", directory);
  return fmt::format("export PATH='{}':\"$PATH\"", directory);
}

Result<void> install(App& app, const ShimInput& input) {
  TG_TRY(const std::string directory, shim_directory(app, input));
  if (directory.find_first_of("':\n") != std::string::npos) {
    return fail(
        Error(Code::usage, "a folder with a quote or a colon in its name cannot stand in PATH").at("--directory"));
  }
  TG_TRY(const std::string program, lasting_program_path(app));
  for (const std::string& name : input.programs) {
    TG_TRY(const deliver::ShimChange change, deliver::install_shim(directory, name, program));
    print_notice(fmt::format("{}/{} {} tollgate", directory, name,
                             change == deliver::ShimChange::none ? "leads to" : "now leads to"));
    const auto behind = find_behind(app, name, {});
    if (!behind) print_notice(fmt::format("there is no program {} on PATH yet", name));
  }
  const bool all_active = std::all_of(input.programs.begin(), input.programs.end(),
                                      [&](const std::string& name) { return is_active(app, name); });
  if (all_active) return {};
  print_notice(on_path(app, directory)
                   ? fmt::format("{} is on PATH, but behind the programs themselves: let your shell's start file put "
                                 "it first",
                                 directory)
                   : "add this line to your shell's start file, behind all others that change PATH:");
  return print(path_line(app, directory) + "\n");
}

Result<void> remove(App& app, const ShimInput& input) {
  TG_TRY(const std::string directory, shim_directory(app, input));
  std::vector<std::string> names = input.programs;
  if (names.empty()) {
    TG_TRY(const auto shims, deliver::installed_shims(directory));
    for (const deliver::InstalledShim& shim : shims)
      names.push_back(shim.name);
  }
  for (const std::string& name : names) {
    TG_TRY(const deliver::ShimChange change, deliver::remove_shim(directory, name));
    print_notice(change == deliver::ShimChange::none ? fmt::format("there is no shim {}/{}", directory, name)
                                                     : fmt::format("{}/{} is removed", directory, name));
  }
  if (names.empty()) print_notice(fmt::format("there are no shims in {}", directory));
  return {};
}

Result<void> list(App& app, const ShimInput& input) {
  TG_TRY(const std::string directory, shim_directory(app, input));
  TG_TRY(const auto shims, deliver::installed_shims(directory));
  json::Value values = json::Value::array();
  std::vector<std::vector<std::string>> rows{{"PROGRAM", "STATE", "RUNS"}};
  for (const deliver::InstalledShim& shim : shims) {
    const auto behind = find_behind(app, shim.name, {});
    const bool active = is_active(app, shim.name);
    rows.push_back({shim.name, active ? "active" : "not first on PATH", behind ? behind->path : "(not found)"});
    values.push(json::Value::object({{"name", shim.name},
                                     {"path", shim.path},
                                     {"active", active},
                                     {"runs", behind ? json::Value(behind->path) : json::Value()}}));
  }
  if (input.json) {
    return print_json(
        json::Value::object({{"schema", "tollgate.shims.v1"}, {"directory", directory}, {"shims", std::move(values)}}));
  }
  if (shims.empty()) {
    print_notice(fmt::format("there are no shims in {}. Next: `tollgate shim install terraform`", directory));
    return {};
  }
  return print(table(rows));
}

Command shim_command(std::string name, const std::shared_ptr<ShimInput>& input,
                     Result<void> (*action)(App&, const ShimInput&)) {
  Command command;
  command.name = std::move(name);
  command.options = {
      {"--directory", "DIR", "The folder with the shims. Default: ~/.local/share/tollgate/shims.", &input->directory}};
  command.run = [input, action](App& app) {
    const auto done = action(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace

Command shim_install_command() {
  const auto input = std::make_shared<ShimInput>();
  Command command = shim_command("shim install", input, install);
  command.summary = "Let a program get credentials whenever it is called";
  command.examples =
      "tollgate shim install terraform terragrunt tofu aws\n"
      "terraform apply                # asks for a code if one is needed";
  command.details =
      "Makes links named like the programs that lead to tollgate, and prints the line that puts their folder on PATH. "
      "Each then starts the real program behind it on PATH with the credentials of a profile: AWS_PROFILE, "
      "AWS_DEFAULT_PROFILE, the rule for the directory ([[shim.directory]] in the configuration file), else "
      "shim.default_profile, which is read-only until you change it.\n\n"
      "Nothing is added inside `tollgate exec`, `aws-vault exec` or where the environment holds session keys and no "
      "profile was asked for; nor for commands that need no credentials (terraform fmt, --help). Commands that write "
      "your AWS files (aws configure, aws sso login) see the real ones.";
  command.positionals = {{"PROGRAM", "A program's name, as you type it.", nullptr, true, &input->programs}};
  return command;
}

Command shim_remove_command() {
  const auto input = std::make_shared<ShimInput>();
  Command command = shim_command("shim remove", input, remove);
  command.summary = "Remove shims";
  command.examples = "tollgate shim remove terraform\ntollgate shim remove           # all of them";
  command.positionals = {{"PROGRAM", "Default: every shim in the folder.", nullptr, false, &input->programs}};
  return command;
}

Command shim_list_command() {
  const auto input = std::make_shared<ShimInput>();
  Command command = shim_command("shim list", input, list);
  command.summary = "Show the shims and what they start";
  command.examples = "tollgate shim list\ntollgate shim list --json";
  command.options.push_back({"--json", "", "Print JSON (schema tollgate.shims.v1).", &input->json});
  return command;
}

}  // namespace tollgate::cli
