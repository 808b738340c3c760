// The words of --help, from the same data as everything else that describes a command. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/command.h"
#include "common/base/closest_word.h"

namespace tollgate::cli {

// All commands, one line each, examples first. At most 80 columns.
std::string overview_text(const std::vector<Command>& commands);
// The commands whose name starts with the word `group`, one line each.
std::string group_text(std::string_view group, const std::vector<Command>& commands);
// One command: examples, what it does, its options. At most 80 columns.
std::string help_text(const Command& command);
// What tollgate's own exit statuses mean, as one paragraph.
std::string exit_status_text();
// "exec [OPTIONS] PROFILE -- COMMAND..."
std::string usage_line(const Command& command);
// "did you mean `exec`? `tollgate help` lists all commands"
std::string suggestion(std::string_view typed, const std::vector<Command>& commands);
// Lines of at most `width` columns, each after the first starting with `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 80);

}  // namespace tollgate::cli
