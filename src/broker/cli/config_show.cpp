// tollgate config show: which settings hold, and where each was made.
#include "broker/cli/command.h"
#include "broker/cli/configuration.h"
#include "broker/cli/output.h"

namespace tollgate::cli {
namespace {

struct ConfigShowInput {
  bool origin = false;
  bool json = false;
};

std::string origin_text(const ConfiguredValue& value) {
  return value.place.empty() ? std::string(origin_name(value.origin)) : value.place;
}

json::Value to_json(const Configuration& configuration, const ConfigurationFiles& files) {
  json::Value settings = json::Value::array();
  for (const KeyInfo& key : configuration_keys()) {
    const ConfiguredValue& value = configuration.value(key.key);
    settings.push(json::Value::object({{"name", key.name},
                                       {"value", value.text},
                                       {"origin", origin_name(value.origin)},
                                       {"place", value.place},
                                       {"variable", variable_of(key)}}));
  }
  json::Value rules = json::Value::array();
  for (const deliver::DirectoryRule& rule : configuration.directory_rules())
    rules.push(json::Value::object({{"path", rule.path}, {"profile", rule.profile}, {"place", rule.place}}));
  return json::Value::object({{"schema", "tollgate.config.v1"},
                              {"user_file", files.user},
                              {"system_file", files.system},
                              {"settings", std::move(settings)},
                              {"directories", std::move(rules)}});
}

Result<void> show(App& app, const ConfigShowInput& input) {
  TG_TRY(const Configuration* const configuration, app.configuration());
  if (input.json) return print_json(to_json(*configuration, configuration_files(app.environment())));
  std::vector<std::vector<std::string>> rows{{"SETTING", "VALUE"}};
  if (input.origin) rows.front().push_back("ORIGIN");
  const auto add = [&](std::string name, std::string value, std::string origin) {
    rows.push_back({std::move(name), std::move(value)});
    if (input.origin) rows.back().push_back(std::move(origin));
  };
  for (const KeyInfo& key : configuration_keys()) {
    const ConfiguredValue& value = configuration->value(key.key);
    add(std::string(key.name), value.text.empty() ? "-" : value.text, origin_text(value));
  }
  for (const deliver::DirectoryRule& rule : configuration->directory_rules()) {
    add("shim.directory", fmt::format("{} -> {}", rule.path, rule.profile.empty() ? "(no tollgate)" : rule.profile),
        rule.place);
  }
  return print(table(rows));
}

}  // namespace

Command config_show_command() {
  auto input = std::make_shared<ConfigShowInput>();
  Command command;
  command.name = "config show";
  command.summary = "Show tollgate's own settings";
  command.examples = "tollgate config show --origin\ntollgate config show --json";
  command.details =
      "The settings are made in ~/.config/tollgate/config.toml (for all users of a machine: /etc/tollgate/config.toml) "
      "and by variables: TOLLGATE_SHIM_DEFAULT_PROFILE is shim.default_profile. A flag wins over a variable, that over "
      "the user's file, that over the machine's. tollgate reads no file of the directory that it runs in.";
  command.options = {{"--origin", "", "Say where each was made: file and line, or the variable.", &input->origin},
                     {"--json", "", "Print JSON (schema tollgate.config.v1).", &input->json}};
  command.run = [input](App& app) {
    const auto done = show(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
