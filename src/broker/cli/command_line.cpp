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

Result<void> check_choice(std::string_view name, const std::string& value, const std::vector<std::string>& choices,
                          const Command& command) {
  if (value.empty() || choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
  const std::string closest = closest_word(value, choices);
  return fail(usage_error(fmt::format("{} is none of {}", value, fmt::join(choices, ", ")), command)
                  .do_next(closest.empty() ? "name one of them" : fmt::format("did you mean {}?", closest))
                  .at(std::string(name)));
}

// What CLI11 does not know: arguments that must be there, and values that must be of a list.
Result<void> check_values(const Command& command) {
  for (const Positional& positional : command.positionals) {
    const bool missing = positional.target != nullptr ? positional.target->empty() : positional.targets->empty();
    if (positional.required && missing) {
      return fail(usage_error(fmt::format("{} needs {}", command.name, positional.name), command));
    }
    if (positional.target != nullptr)
      TG_CHECK(check_choice(positional.name, *positional.target, positional.choices, command));
  }
  for (const Option& option : command.options) {
    const auto* target = std::get_if<std::string*>(&option.target);
    if (target != nullptr) TG_CHECK(check_choice(option.flags, **target, option.choices, command));
  }
  return {};
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
  for (const Positional& positional : command.positionals) {
    if (positional.targets != nullptr) {
      parser.add_option(positional.name, *positional.targets);
    } else {
      parser.add_option(positional.name, *positional.target);
    }
  }
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
  if (const auto checked = check_values(command); !checked) return report(checked.error());
  if (command.rest != nullptr) {
    if (!separated) rest = parser.remaining();
    *command.rest = std::move(rest);
  }
  return command.run(app);
}

using Commands = std::vector<Command>;

Command* find(Commands& commands, std::string_view name) {
  const auto found =
      std::find_if(commands.begin(), commands.end(), [&](const Command& command) { return command.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

bool is_group(const Commands& commands, std::string_view word) {
  return std::any_of(commands.begin(), commands.end(),
                     [&](const Command& command) { return command.name.starts_with(fmt::format("{} ", word)); });
}

int finish(const Result<void>& printed) {
  return printed ? 0 : report(printed.error());
}

int unknown(const std::string& name, const Commands& commands) {
  return report(Error(Code::usage, fmt::format("there is no command {}", name)).do_next(suggestion(name, commands)));
}

int show_help(Commands& commands, std::vector<std::string> topic) {
  std::erase_if(topic, [](const std::string& word) { return word == "-h" || word == "--help"; });
  if (topic.empty()) return finish(print(overview_text(commands)));
  const std::string name = fmt::format("{}", fmt::join(topic, " "));
  if (const Command* command = find(commands, name)) return finish(print(help_text(*command)));
  if (topic.size() == 1 && is_group(commands, name)) return finish(print(group_text(name, commands)));
  return unknown(name, commands);
}

// `name` is the first of two words, and the second is missing or wrong.
int run_group(Commands& commands, const std::string& name, const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return report(Error(Code::usage, fmt::format("{} needs one more word", name))
                      .do_next(fmt::format("`tollgate {} --help` lists its commands", name)));
  }
  if (arguments.front() == "-h" || arguments.front() == "--help") return finish(print(group_text(name, commands)));
  return unknown(fmt::format("{} {}", name, arguments.front()), commands);
}

}  // namespace

int run_command_line(App& app, std::vector<std::string> arguments) {
  Commands commands = all_commands();
  if (arguments.empty()) {
    return report(Error(Code::usage, "a command is needed").do_next("`tollgate help` lists them, with examples"));
  }
  std::string name = arguments.front();
  if (name == "-h" || name == "--help") name = "help";
  if (name == "-V" || name == "--version") name = "version";
  arguments.erase(arguments.begin());
  if (name == "help") return show_help(commands, std::move(arguments));

  if (!arguments.empty()) {
    if (Command* command = find(commands, fmt::format("{} {}", name, arguments.front()))) {
      arguments.erase(arguments.begin());
      return parse_and_run(app, *command, std::move(arguments));
    }
  }
  if (Command* command = find(commands, name)) return parse_and_run(app, *command, std::move(arguments));
  if (is_group(commands, name)) return run_group(commands, name, arguments);
  // `tollgate prod -- terraform plan`: a profile's name instead of a command.
  const bool short_form = std::find(arguments.begin(), arguments.end(), "--") != arguments.end();
  if (!short_form || name.starts_with("-")) return unknown(name, commands);
  arguments.insert(arguments.begin(), name);
  return parse_and_run(app, *find(commands, "exec"), std::move(arguments));
}

}  // namespace tollgate::cli
