#include "broker/cli/help.h"

#include <algorithm>
#include <limits>

namespace tollgate::cli {
namespace {

constexpr std::size_t kOptionColumn = 26;

std::string entry(std::string_view left, std::string_view right) {
  std::string line = "  " + std::string(left);
  if (line.size() + 2 > kOptionColumn) {
    line += "\n" + std::string(kOptionColumn, ' ');
  } else {
    line.append(kOptionColumn - line.size(), ' ');
  }
  return line + wrapped(right, kOptionColumn) + "\n";
}

std::string flags_of(const Option& option) {
  std::string text;
  for (const char c : option.flags) {
    text += c == ',' ? std::string(", ") : std::string(1, c);
  }
  return option.value.empty() ? text : text + " " + option.value;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (column > indent && column + 1 + word.size() > width) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += " ";
      ++column;
    }
    result += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string usage_line(const Command& command) {
  std::string line = command.name;
  if (!command.options.empty()) line += " [OPTIONS]";
  for (const Positional& positional : command.positionals) {
    const std::string name = positional.targets != nullptr ? positional.name + "..." : positional.name;
    line += positional.required ? " " + name : " [" + name + "]";
  }
  if (command.rest != nullptr) line += " -- COMMAND...";
  return line;
}

std::string help_text(const Command& command) {
  std::string text = wrapped(fmt::format("tollgate {} - {}", command.name, command.summary), 0) + "\n\n";
  if (!command.examples.empty()) {
    text += "Examples:\n";
    std::string_view rest = command.examples;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      text += "  " + std::string(rest.substr(0, end)) + "\n";
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    text += "\n";
  }
  text += fmt::format("Usage: tollgate {}\n", usage_line(command));
  std::string_view details = command.details;
  while (!details.empty()) {
    const std::size_t end = std::min(details.find("\n\n"), details.size());
    text += "\n" + wrapped(details.substr(0, end), 0) + "\n";
    details.remove_prefix(std::min(end + 2, details.size()));
  }
  if (!command.positionals.empty()) {
    text += "\nArguments:\n";
    for (const Positional& positional : command.positionals)
      text += entry(positional.name, positional.help);
  }
  text += "\nOptions:\n";
  for (const Option& option : command.options)
    text += entry(flags_of(option), option.help);
  text += entry("-h, --help", "Show this text.");
  return text;
}

std::string group_text(std::string_view group, const std::vector<Command>& commands) {
  std::string text = fmt::format("Usage: tollgate {} COMMAND [OPTIONS]\n\nCommands:\n", group);
  for (const Command& command : commands) {
    if (command.name.starts_with(fmt::format("{} ", group)) && !command.hidden)
      text += entry(command.name, command.summary + ".");
  }
  return text + fmt::format("\n`tollgate {} COMMAND --help` shows examples and options.\n", group);
}

std::string exit_status_text() {
  return "that of the program that exec runs; for tollgate's own failures 64 wrong usage, 65 malformed input, 69 AWS "
         "unreachable, 70 a bug, 74 a file cannot be read or written, 75 try again, 77 a code is needed or refused, 78 "
         "a mistake in a configuration file, 130 cancelled, 126 and 127 as in a shell.";
}

std::string overview_text(const std::vector<Command>& commands) {
  std::string text =
      "tollgate - MFA for Terraform on AWS\n\n"
      "Examples:\n"
      "  tollgate exec prod -- terraform apply    # one code, then everything works\n"
      "  tollgate login prod                      # type the code ahead of time\n"
      "  tollgate status                          # what is cached, and until when\n\n"
      "Usage: tollgate COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Command& command : commands) {
    if (!command.hidden) text += entry(command.name, command.summary + ".");
  }
  text += entry("help [COMMAND]", "Show this text, or a command's.");
  text += "\n" + wrapped("Exit status: " + exit_status_text(), 0) + "\n";
  return text;
}

std::string suggestion(std::string_view typed, const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    if (!command.hidden) names.push_back(command.name);
  }
  const std::string name = closest_word(typed, names);
  if (name.empty()) return "`tollgate help` lists all commands";
  return fmt::format("did you mean `tollgate {}`? `tollgate help` lists all commands", name);
}

}  // namespace tollgate::cli
