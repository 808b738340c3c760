// tollgate env: a profile's session as variables, for shells and for tools that read files or JSON.
#include "broker/cli/command.h"
#include "broker/cli/exec.h"
#include "broker/cli/output.h"
#include "broker/deliver/child_environment.h"
#include "broker/deliver/exports.h"
#include "broker/deliver/stand_in_profile.h"

namespace tollgate::cli {
namespace {

struct EnvInput {
  std::string profile;
  std::string format = "sh";
  std::string region;
  std::string duration;
  std::string session_duration;
  std::string min_ttl;
  bool overlay = false;
  bool unset = false;
  CodeOptions codes;
};

// Where the user is: in a shell of their own. TOLLGATE_PROFILE and AWS_VAULT mark the inside of a program that tollgate
// started, and would keep shims from acting.
os::Environment unmarked(const os::Environment& parent, os::Environment child) {
  for (const char* mark : {"AWS_VAULT", "TOLLGATE_PROFILE"}) {
    const std::string* value = parent.find(mark);
    if (value == nullptr) {
      child.unset(mark);
    } else {
      child.set(mark, *value);
    }
  }
  return child;
}

Result<deliver::ExportedVariables> variables(App& app, const EnvInput& input, const std::string& profile) {
  TG_TRY(const deliver::ObtainOptions options,
         lifetime_options({input.duration, input.session_duration, input.min_ttl}));
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  TG_TRY(deliver::CredentialBroker* const broker, app.broker(profile, input.codes));
  TG_TRY(const deliver::Obtained obtained, broker->obtain(profile, options));
  for (const std::string& notice : obtained.notices)
    print_notice(notice);

  deliver::ChildProfile child{profile, input.region.empty() ? obtained.region : input.region, set->files};
  if (input.overlay) {
    child.wishes.role_duration = options.role_duration;
    child.stand_in = deliver::stand_in_for(*set, profile, ".");
    TG_TRY(const deliver::Overlay overlay, current_overlay(app, child.stand_in, profile));
    return deliver::exported_variables(app.environment(),
                                       deliver::overlay_environment(app.environment(), child, overlay));
  }
  if (!obtained.credentials.temporary()) {
    print_notice(fmt::format("these are the long-term keys of {}, which do not expire: give the profile an mfa_serial",
                             profile));
  }
  return deliver::exported_variables(
      app.environment(),
      unmarked(app.environment(), deliver::static_environment(app.environment(), child, obtained.credentials)));
}

Result<void> env(App& app, EnvInput& input) {
  const auto format = deliver::parse_export_format(input.format);
  if (!format) return fail(Code::internal, "a format that is not listed");
  if (input.unset && !deliver::is_shell_format(*format)) {
    return fail(Error(Code::usage, fmt::format("{} cannot take variables away", input.format))
                    .at("--unset")
                    .do_next("use it with sh, fish, pwsh or cmd"));
  }
  if (input.overlay && *format == deliver::ExportFormat::ini) {
    return fail(Error(Code::usage, "ini holds keys, and an overlay has none").at("--overlay"));
  }
  const std::string profile = aws::selected_profile(app.lookup(), input.profile);
  deliver::ExportedVariables exported;
  if (input.unset) {
    exported = deliver::retracted_variables(app.environment());
  } else {
    apply_environment(app.environment(), input.codes);
    TG_TRY(exported, variables(app, input, profile));
  }
  TG_TRY(const Secret document, deliver::export_document(*format, exported, profile));
  return print(document);
}

}  // namespace

Command env_command() {
  auto input = std::make_shared<EnvInput>();
  Command command;
  command.name = "env";
  command.summary = "Print a profile's session as variables, for shells and other tools";
  command.examples =
      "eval \"$(tollgate env prod)\"                     # sh, bash, zsh\n"
      "tollgate env prod --format fish | source\n"
      "tollgate env prod --format pwsh | Out-String | Invoke-Expression\n"
      "eval \"$(tollgate env --unset)\"                  # and away again\n"
      "docker run --env-file <(tollgate env prod --format docker) IMAGE\n"
      "terragrunt run --all plan --auth-provider-cmd \\\n"
      "  'tollgate env prod --format terragrunt'";
  command.details =
      "The variables are session keys with a fixed end; `tollgate exec` and --overlay give credentials that renew "
      "themselves. Variables that would win over them are unset. The output is one complete document, or nothing and a "
      "line on stderr. A code is asked for on the terminal, also inside $(...).\n\n"
      "json is one object of variables; ini a section of a credentials file; terragrunt what --auth-provider-cmd "
      "reads.";
  command.positionals = {{"PROFILE", "Default: AWS_PROFILE, else default.", &input->profile, false}};
  command.options = {
      {"-f,--format", "FORMAT", "sh (default), fish, pwsh, cmd, json, ini, dotenv, docker or terragrunt.",
       &input->format, deliver::export_format_names()},
      {"--unset", "", "Print what takes the variables away again; needs no profile.", &input->unset},
      {"--overlay", "",
       "Print variables that lead programs to tollgate instead of keys: what they start with renews itself.",
       &input->overlay},
      {"--region", "REGION", "Use this region instead of the profile's.", &input->region},
      {"-d,--duration,--assume-role-ttl", "TIME", "Life of the role session, as for exec.", &input->duration},
      {"--session-duration", "TIME", "Life of a new MFA session, 15m to 36h.", &input->session_duration},
      {"--min-ttl", "TIME", "Ask for a code first if less than this is left of the MFA session.", &input->min_ttl},
  };
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    const auto done = env(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
