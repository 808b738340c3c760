#include <algorithm>

#include "aws/arn.h"
#include "broker/cli/command.h"
#include "broker/cli/run_gate.h"

namespace tollgate::cli {

std::vector<Command> all_commands() {
  std::vector<Command> commands;
  commands.push_back(exec_command());
  commands.push_back(env_command());
  commands.push_back(login_command());
  commands.push_back(status_command());
  commands.push_back(whoami_command());
  commands.push_back(clear_command());
  commands.push_back(profiles_command());
  commands.push_back(explain_command());
  commands.push_back(shim_install_command());
  commands.push_back(shim_remove_command());
  commands.push_back(shim_list_command());
  commands.push_back(profile_write_command());
  commands.push_back(profile_remove_command());
  commands.push_back(config_show_command());
  commands.push_back(credential_process_command());
  commands.push_back(doctor_command());
  commands.push_back(keys_add_command());
  commands.push_back(keys_import_command());
  commands.push_back(keys_list_command());
  commands.push_back(keys_rotate_command());
  commands.push_back(keys_remove_command());
  commands.push_back(keys_protect_command());
  commands.push_back(keys_unlock_command());
  commands.push_back(keys_lock_command());
  commands.push_back(run_list_command());
  commands.push_back(run_show_command());
  commands.push_back(run_watch_command());
  commands.push_back(run_confirm_command());
  commands.push_back(run_discard_command());
  commands.push_back(run_cancel_command());
  commands.push_back(authenticate_command());
  commands.push_back(completion_command());
  commands.push_back(man_command());
  commands.push_back(version_command());
  commands.push_back(complete_command());
  return commands;
}

Result<std::chrono::seconds> duration_flag(const std::string& text, std::string_view flag) {
  const auto duration = parse_duration(text);
  if (!duration) {
    return fail(Error(Code::usage, fmt::format("{} is not a duration", text))
                    .at(std::string(flag))
                    .do_next("write it as 900, 60m, 12h or 1h30m"));
  }
  return *duration;
}

Result<deliver::ObtainOptions> lifetime_options(const LifetimeFlags& flags) {
  deliver::ObtainOptions options;
  if (!flags.duration.empty()) {
    TG_TRY(options.role_duration, duration_flag(flags.duration, "--duration"));
  }
  if (!flags.session_duration.empty()) {
    TG_TRY(options.session_duration, duration_flag(flags.session_duration, "--session-duration"));
  }
  if (!flags.min_ttl.empty()) {
    TG_TRY(options.min_ttl, duration_flag(flags.min_ttl, "--min-ttl"));
  }
  return options;
}

Result<void> check_role_arn(std::string_view text) {
  // IAM's names are [A-Za-z0-9_+=,.@-], with '/' between the parts of a path (IAM API reference, CreateRole).
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("_+=,.@-/:").find(c) != std::string_view::npos;
  });
  if (plain && aws::is_role_arn(text)) return {};
  return fail(Error(Code::usage, "the value is not the ARN of a role")
                  .at("--role-arn")
                  .do_next("write it as arn:aws:iam::222222222222:role/NAME"));
}

std::vector<Option> code_flags(CodeOptions& options) {
  return {
      {"--mfa-process", "CMD", "Ask this program for the code instead of a person; it prints six digits.",
       &options.mfa_process},
      {"--no-input", "", "Never ask; fail with status 77 where a code is needed.", &options.no_input},
  };
}

void apply_environment(const os::Environment& environment, CodeOptions& options) {
  if (options.mfa_process.empty()) options.mfa_process = environment.get_or("TOLLGATE_MFA_PROCESS", "");
}

}  // namespace tollgate::cli
