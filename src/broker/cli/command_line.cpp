#include "broker/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "broker/cli/command.h"
#include "broker/cli/help.h"
#include "broker/cli/output.h"

namespace tollgate::cli {
namespace {

void add_to(CLI::App& parser, const Option& option) {
  std::visit(
      [&](auto* target) {
        using Value = std::remove_pointer_t<decltype(target)>;
        if constexpr (std::is_same_v<Value, bool>) {
          parser.add_flag(option.flags, *target, option.help);
        } else {
          parser.add_option(option.flags, *target, option.help)->take_last();
        }
      },
      option.target);
}

Error usage_error(std::string message, const Command& command) {
  return Error(Code::usage, std::move(message))
      .do_next(fmt::format("run `tollgate {} --help` for examples", command.name));
}

// CLI11 speaks of "extras" and types; a person gets our words.
Error translate(const CLI::ParseError& error, const Command& command) {
  std::string message = error.what();
  if (const auto end = message.find_last_not_of('\n'); end != std::string::npos) message.resize(end + 1);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    message = fmt::format("{} does not take this: {}", command.name, message.substr(message.find(':') + 2));
  }
  return usage_error(std::move(message), command);
}

int parse_and_run(App& app, Command& command, std::vector<std::string> arguments) {
  std::vector<std::string> rest;
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  bool separated = false;
  if (command.rest != nullptr && separator != arguments.end()) {
    rest.assign(separator + 1, arguments.end());
    arguments.erase(separator, arguments.end());
    separated = true;
  }
  CLI::App parser(command.summary);
  parser.set_help_flag("");
  bool help = false;
  parser.add_flag("-h,--help", help, "");
  for (const Option& option : command.options)
    add_to(parser, option);
  for (const Positional& positional : command.positionals)
    parser.add_option(positional.name, *positional.target);
  if (command.rest != nullptr && !separated) parser.prefix_command();
  try {
    std::reverse(arguments.begin(), arguments.end());
    parser.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return report(translate(error, command));
  }
  if (help) {
    const auto printed = print(help_text(command));
    return printed ? 0 : report(printed.error());
  }
  for (const Positional& positional : command.positionals) {
    if (positional.required && positional.target->empty()) {
      return report(usage_error(fmt::format("{} needs {}", command.name, positional.name), command));
    }
  }
  if (command.rest != nullptr) {
    if (!separated) rest = parser.remaining();
    *command.rest = std::move(rest);
  }
  return command.run(app);
}

}  // namespace

int run_command_line(App& app, std::vector<std::string> arguments) {
  std::vector<Command> commands = all_commands();
  const auto find = [&](std::string_view name) {
    return std::find_if(commands.begin(), commands.end(), [&](const Command& command) { return command.name == name; });
  };
  std::string name = arguments.empty() ? "help" : arguments.front();
  if (name == "-h" || name == "--help") name = "help";
  if (name == "-V" || name == "--version") name = "version";
  if (!arguments.empty()) arguments.erase(arguments.begin());

  if (name == "help") {
    const auto topic = arguments.empty() ? commands.end() : find(arguments.front());
    if (!arguments.empty() && topic == commands.end()) {
      return report(Error(Code::usage, fmt::format("there is no command {}", arguments.front()))
                        .do_next(suggestion(arguments.front(), commands)));
    }
    const auto printed = print(topic == commands.end() ? overview_text(commands) : help_text(*topic));
    return printed ? 0 : report(printed.error());
  }
  auto command = find(name);
  if (command == commands.end()) {
    // `tollgate prod -- terraform plan`: a profile's name instead of a command.
    const bool short_form = std::find(arguments.begin(), arguments.end(), "--") != arguments.end();
    if (!short_form || name.starts_with("-")) {
      return report(
          Error(Code::usage, fmt::format("there is no command {}", name)).do_next(suggestion(name, commands)));
    }
    arguments.insert(arguments.begin(), name);
    command = find("exec");
  }
  return parse_and_run(app, *command, std::move(arguments));
}

}  // namespace tollgate::cli
