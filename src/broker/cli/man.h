// The manual pages, as roff for man(7) macros, from the same data as --help. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/command.h"

namespace tollgate::cli {

struct ManualPage {
  std::string topic;  // what `tollgate man` calls it: "" for the program, "exec", "shim", "settings"
  std::string file;   // tollgate-exec.1
  std::string text;
};

// The program's page, one for each command or group of commands that is not hidden, one for the settings.
std::vector<ManualPage> manual_pages(const std::vector<Command>& commands);

// Text that roff shows as it is: backslashes, hyphens, leading dots and quotes.
std::string roff_escaped(std::string_view text);

}  // namespace tollgate::cli
