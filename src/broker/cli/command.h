// A command of the program as data: what help, the manual page and completion say of it, what it takes, what it does.
// Parsing is command_line.h's. Plain values.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "broker/cli/app.h"

namespace tollgate::cli {

using Target = std::variant<bool*, std::string*, std::vector<std::string>*>;

struct Option {
  std::string flags;  // "--json", "-j,--json"
  // Name of its value, empty for a switch. Completion goes by it: PROFILE, DIR, FILE, and CMD for a program.
  std::string value;
  std::string help;
  Target target;
  std::vector<std::string> choices = {};  // the values there are; empty: any
};

struct Positional {
  std::string name;  // PROFILE; completion goes by it as by Option::value
  std::string help;
  std::string* target = nullptr;
  bool required = false;
  std::vector<std::string>* targets = nullptr;  // instead of target, for the last one: takes all that follow
  std::vector<std::string> choices = {};
};

struct Command {
  std::string name;      // one word, or two: "shim install"
  std::string summary;   // one line, no full stop
  std::string examples;  // lines as they are typed, without a prompt
  std::string details;   // paragraphs; may be empty
  std::vector<Positional> positionals;
  std::vector<Option> options;
  // Where the rest of the command line (another program and its arguments) goes; nullptr: there is none.
  std::vector<std::string>* rest = nullptr;
  std::function<int(App&)> run;
  bool hidden = false;
};

// One per file of this folder.
Command exec_command();
Command credential_process_command();
Command login_command();
Command whoami_command();
Command status_command();
Command clear_command();
Command profiles_command();
Command explain_command();
Command config_show_command();
Command env_command();
Command shim_install_command();
Command shim_remove_command();
Command shim_list_command();
Command profile_write_command();
Command profile_remove_command();
Command doctor_command();
Command keys_add_command();
Command keys_list_command();
Command keys_import_command();
Command keys_rotate_command();
Command keys_remove_command();
Command keys_protect_command();
Command keys_unlock_command();
Command keys_lock_command();
Command run_list_command();
Command run_show_command();
Command run_watch_command();
Command run_confirm_command();
Command run_discard_command();
Command run_cancel_command();
Command completion_command();
Command complete_command();
Command man_command();
Command version_command();

// In the order in which help lists them.
std::vector<Command> all_commands();

// The duration behind a flag, written as 900, 60m or 1h30m. Code::usage where it is none.
Result<std::chrono::seconds> duration_flag(const std::string& text, std::string_view flag);
// What stands behind --duration, --session-duration and --min-ttl; empty: not given.
struct LifetimeFlags {
  std::string duration;
  std::string session_duration;
  std::string min_ttl;
};
Result<deliver::ObtainOptions> lifetime_options(const LifetimeFlags& flags);
// A role's ARN, in the characters that IAM allows: it stands in a line that AWS clients hand to a shell.
Result<void> check_role_arn(std::string_view text);

// --mfa-process and --no-input, for every command that may need a code.
std::vector<Option> code_flags(CodeOptions& options);
// The environment's part of CodeOptions: TOLLGATE_MFA_PROCESS.
void apply_environment(const os::Environment& environment, CodeOptions& options);

}  // namespace tollgate::cli
