// Environment variables as text that something else reads: commands for a shell, files, JSON. Values are quoted so that
// the reader gets them byte for byte, or the whole document is refused; it is never cut or bent. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/os/environment.h"

namespace tollgate::deliver {

enum class ExportFormat {
  sh,  // POSIX shells: sh, dash, bash, zsh, ksh
  fish,
  pwsh,        // PowerShell
  cmd,         // cmd.exe: to be run as a .cmd file or by `for /f`
  json,        // one object, variable -> value
  ini,         // a section of an AWS credentials file
  dotenv,      // .env: also readable by sh
  docker,      // docker run --env-file: no quotes at all
  terragrunt,  // what --auth-provider-cmd reads
};
// "sh", "fish", ... in the order above.
const std::vector<std::string>& export_format_names();
std::optional<ExportFormat> parse_export_format(std::string_view name);
// True for the formats that are commands, which can also take variables away.
bool is_shell_format(ExportFormat format);

struct ExportedVariables {
  std::vector<std::pair<std::string, Secret>> set;
  std::vector<std::string> unset;  // only the shell formats can say it; the others leave them out
};

// What must be changed in `parent` to get `child`, for the variables that choose or carry AWS credentials, regions and
// profile files; the others stay out of it. All that `child` sets is named, also where `parent` has the same value.
ExportedVariables exported_variables(const os::Environment& parent, const os::Environment& child);
// What takes back exported_variables of static keys, and those of an overlay if `parent` is inside one: the real files
// are then named again.
ExportedVariables retracted_variables(const os::Environment& parent);

// One complete document with a final newline. `profile` names the section of ini. ini needs keys among the variables;
// terragrunt takes them where they are there. Errors: Code::invalid where a value cannot be written in this format (it
// is named, never shown).
Result<Secret> export_document(ExportFormat format, const ExportedVariables& variables, std::string_view profile);

}  // namespace tollgate::deliver
