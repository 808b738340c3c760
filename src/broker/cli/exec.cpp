#include "broker/cli/exec.h"

#include "aws/arn.h"
#include "broker/cli/command.h"
#include "broker/cli/output.h"
#include "broker/cli/supervise.h"
#include "broker/deliver/child_environment.h"
#include "broker/deliver/command_rules.h"
#include "broker/deliver/overlay.h"
#include "broker/deliver/stand_in_profile.h"
#include "common/os/child_process.h"
#include "common/os/program_search.h"
#include "common/os/terminal.h"

namespace tollgate::cli {
namespace {

// What the user's rules say of this program.
Result<std::chrono::seconds> min_ttl_by_rule(App& app, const std::vector<std::string>& command) {
  TG_TRY(const Configuration* const settings, app.configuration());
  const auto traits = deliver::inspect_command(command.front(), {command.begin() + 1, command.end()});
  return deliver::min_ttl_for(traits.work, settings->min_ttl_rules());
}

Result<deliver::Obtained> obtain_with(deliver::CredentialBroker& broker, const ExecRequest& input,
                                      const deliver::ObtainOptions& options) {
  return input.role_arn.empty() ? broker.obtain(input.profile, options)
                                : broker.obtain_role(input.profile, input.role_arn, options);
}

// With less than a rule wants, and nobody to ask, what is there is used: the rule is a wish, a flag is an order.
Result<deliver::Obtained> obtain(App& app, const ExecRequest& input, deliver::ObtainOptions options) {
  TG_TRY(deliver::CredentialBroker* const broker, app.broker(input.profile, input.codes));
  if (!input.min_ttl.empty()) return obtain_with(*broker, input, options);
  TG_TRY(options.min_ttl, min_ttl_by_rule(app, input.command));
  auto obtained = obtain_with(*broker, input, options);
  if (obtained || obtained.error().code != Code::needs_person || options.min_ttl == std::chrono::seconds(0)) {
    return obtained;
  }
  const auto session = broker->cached_session(input.profile);
  if (!session) return obtained;
  const std::string wanted = format_duration(std::exchange(options.min_ttl, std::chrono::seconds(0)));
  auto shorter = obtain_with(*broker, input, options);
  if (!shorter) return obtained;
  shorter->notices.push_back(
      fmt::format("the MFA session of {} ends in {}, {} should have {}, and nobody can be asked for a code here",
                  input.profile, format_duration(session->expires - app.clock().now()), input.command.front(), wanted));
  return shorter;
}

Result<deliver::ObtainOptions> obtain_options(const ExecRequest& input) {
  TG_TRY(deliver::ObtainOptions options, lifetime_options({input.duration, input.session_duration, input.min_ttl}));
  options.use_session = !input.no_session;
  return options;
}

// `exec arn:aws:iam::...:role/NAME` is that role with the credentials of the profile that would be used otherwise.
Result<void> take_role_arn(App& app, ExecRequest& input) {
  if (input.role_arn.empty() && aws::is_role_arn(input.profile)) {
    TG_TRY(const aws::ProfileSet* const set, app.profiles());
    if (set->find(input.profile) == nullptr) input.role_arn = std::exchange(input.profile, "");
  }
  if (input.profile.empty()) input.profile = aws::selected_profile(app.lookup());
  return input.role_arn.empty() ? Result<void>() : check_role_arn(input.role_arn);
}

struct Prepared {
  os::Environment environment;
  bool watch = false;  // there is an MFA session that may end while the program runs
};

Result<Prepared> prepare(App& app, const ExecRequest& input) {
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  TG_TRY(const deliver::ObtainOptions options, obtain_options(input));
  TG_TRY(const aws::Chain chain, aws::resolve_chain(*set, input.profile, app.lookup(), app.has_vault_keys()));

  deliver::ChildProfile child{input.profile, input.region.empty() ? chain.region : input.region, set->files};
  std::optional<deliver::Obtained> obtained;
  if (!input.lazy || input.static_environment) {
    TG_TRY(obtained, obtain(app, input, options));
    for (const std::string& notice : obtained->notices)
      print_notice(notice);
  }
  if (input.static_environment) {
    return Prepared{deliver::static_environment(app.environment(), child, obtained->credentials), false};
  }
  child.wishes = {options.role_duration, options.use_session};
  const std::string directory =
      deliver::inspect_command(input.command.front(), {input.command.begin() + 1, input.command.end()}).directory;
  child.stand_in = input.role_arn.empty()
                       ? deliver::stand_in_for(*set, input.profile, directory.empty() ? "." : directory)
                       : deliver::role_profile_name(input.profile, input.role_arn);
  TG_TRY(const deliver::Overlay overlay, current_overlay(app, child.stand_in, input.profile, input.role_arn));
  return Prepared{deliver::overlay_environment(app.environment(), child, overlay),
                  !aws::first_mfa_serial(chain).empty()};
}

}  // namespace

Result<deliver::Overlay> current_overlay(App& app, std::string_view stand_in, std::string_view profile,
                                         std::string_view role_arn) {
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  TG_TRY(const std::string program, os::own_program());
  TG_TRY(KeyVault* const keys, app.vault());
  TG_TRY(const std::string text, deliver::overlay_text(*set, program, keys->profiles(), stand_in, profile, role_arn));
  TG_TRY(const std::string directory, app.overlay_directory());
  return deliver::write_overlay(directory, text, app.clock().now());
}

int run_exec(App& app, ExecRequest& input) {
  apply_environment(app.environment(), input.codes);
  if (const auto taken = take_role_arn(app, input); !taken) return report(taken.error());
  if (input.command.empty()) {
    return report(Error(Code::usage, "exec needs a program to run")
                      .do_next("write it behind --, as in `tollgate exec prod -- terraform plan`"));
  }
  // What cannot be started should not cost a code.
  if (input.program == nullptr) {
    const auto path = app.environment().get_or("PATH", "/usr/local/bin:/usr/bin:/bin");
    if (const auto found = os::find_program(input.command.front(), path); !found) {
      report(found.error());
      return os::program_error_status(found.error());
    }
  }
  auto prepared = prepare(app, input);
  if (!prepared) return report(prepared.error());
  os::Command command;
  command.argv = input.command;
  command.environment = std::move(prepared->environment);
  for (const auto& [name, value] : input.variables)
    command.environment.set(name, value);
  if (input.program != nullptr && !input.program->is_script) {
    command.program_fd = input.program->file.get();
  } else if (input.program != nullptr) {
    command.argv.front() = input.program->path;
  }
  command.restore = app.inherited();
  // With nobody to ask there is nothing to watch for: the program takes our place.
  if (prepared->watch && !input.codes.no_input && os::Terminal::open()) {
    command.pass_inherited_descriptors = true;  // -var-file=<(...)
    const auto status = supervise_with_renewal(app, input.profile, command);
    if (status) os::end_like(*status);
    report(status.error());
    return os::program_error_status(status.error());
  }
  const Error error = os::replace_process(command);
  report(error);
  return os::program_error_status(error);
}

Command exec_command() {
  auto input = std::make_shared<ExecRequest>();
  Command command;
  command.name = "exec";
  command.summary = "Run a program with the credentials of a profile";
  command.examples =
      "tollgate exec prod -- terraform apply\n"
      "tollgate exec prod -- terragrunt run-all plan\n"
      "tollgate exec arn:aws:iam::222222222222:role/audit -- aws s3 ls\n"
      "tollgate prod -- aws s3 ls                 # the short form";
  command.details =
      "The program sees your own profiles, with tollgate behind each: provider aliases, the S3 backend, remote state, "
      "boto3 and the AWS CLI work unchanged, for several accounts at once, and renew their credentials by themselves. "
      "A one-time code is asked for at most once per device and session, before the program starts.\n\n"
      "The program's exit status and signals are its own.";
  command.positionals = {
      {"PROFILE", "A profile of your AWS configuration files, or a role's ARN.", &input->profile, true}};
  command.options = {
      {"--env", "",
       "Hand over static session keys as AWS_ACCESS_KEY_ID and so on instead of profiles. They are not renewed.",
       &input->static_environment},
      {"--role-arn", "ARN", "Assume this role, which no profile describes, with the profile's credentials.",
       &input->role_arn},
      {"--lazy", "", "Start the program at once and ask when it first needs credentials.", &input->lazy},
      {"--region", "REGION", "Use this region instead of the profile's.", &input->region},
      {"-d,--duration,--assume-role-ttl", "TIME",
       "Life of the role session: 900, 60m, 1h30m. AWS allows 1h on top of an MFA session; more costs a code per role.",
       &input->duration},
      {"--session-duration", "TIME", "Life of the MFA session, 15m to 36h. Default 12h.", &input->session_duration},
      {"--min-ttl", "TIME",
       "Ask for a code first if less than this is left of the MFA session. Default: by what is run, see the settings "
       "min_ttl; apply wants 2h.",
       &input->min_ttl},
      {"--no-session", "", "Send the code with the role instead of getting an MFA session first.", &input->no_session},
  };
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.rest = &input->command;
  command.run = [input](App& app) { return run_exec(app, *input); };
  return command;
}

}  // namespace tollgate::cli
