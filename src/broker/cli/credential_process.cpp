#include "broker/cli/credential_process.h"

#include "broker/cli/command.h"
#include "broker/cli/output.h"
#include "broker/deliver/child_environment.h"
#include "common/base/encoding.h"

namespace tollgate::cli {
namespace {

// aws-sdk-go-v2 kills a credential_process after one minute (processcreds, DefaultTimeout).
constexpr Duration kAskFor{50000};

struct CredentialProcessInput {
  std::string profile;
  std::string encoded_profile;
  std::string role_arn;
  CodeOptions codes;
};

}  // namespace

std::optional<std::string> plain_profile_argument(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  if (arguments[0] == "--profile") return arguments[1];
  if (arguments[0] == "--profile-b64") return base64url_decode(arguments[1]);
  return std::nullopt;
}

int run_credential_process(App& app, const std::string& profile, CodeOptions codes, const std::string& role_arn) {
  if (!role_arn.empty()) {
    if (const auto checked = check_role_arn(role_arn); !checked) return report(checked.error());
  }
  apply_environment(app.environment(), codes);
  codes.fresh_request = false;
  codes.time_limit = kAskFor;
  const auto broker = app.broker(profile, codes);
  if (!broker) return report(broker.error());
  deliver::ObtainOptions options;
  options.tell_session = false;
  const deliver::ProfileWishes wishes = deliver::wishes_for(app.environment(), profile);
  options.role_duration = wishes.role_duration;
  options.use_session = wishes.use_session;
  const auto obtained =
      role_arn.empty() ? (*broker)->obtain(profile, options) : (*broker)->obtain_role(profile, role_arn, options);
  if (!obtained) return report(obtained.error());
  if (!obtained->from_cache) {
    for (const std::string& notice : obtained->notices)
      print_notice(notice);
  }
  const auto printed = print(deliver::process_json(obtained->credentials));
  return printed ? 0 : report(printed.error());
}

Command credential_process_command() {
  auto input = std::make_shared<CredentialProcessInput>();
  Command command;
  command.name = "credential-process";
  command.summary = "Print a profile's credentials as AWS clients read them";
  command.examples =
      "tollgate credential-process --profile prod\n"
      "credential_process = /usr/bin/tollgate credential-process --profile prod";
  command.details =
      "Prints one JSON object of the credential_process contract, or nothing and one line on stderr. A code is asked "
      "for "
      "on the terminal, also where stdin, stdout and stderr are pipes.";
  command.options = {
      {"--profile", "PROFILE", "The profile. Default: AWS_PROFILE, else default.", &input->profile},
      {"--profile-b64", "NAME", "The same in base64url, for names with blanks or other characters.",
       &input->encoded_profile},
      {"--role-arn", "ARN", "Assume this role, which no profile describes, with the profile's credentials.",
       &input->role_arn},
  };
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    std::string profile = input->profile;
    if (!input->encoded_profile.empty()) {
      const auto decoded = base64url_decode(input->encoded_profile);
      if (!decoded) {
        return report(
            Error(Code::usage, "the value is not base64url").at("--profile-b64").do_next("use --profile NAME"));
      }
      profile = *decoded;
    }
    return run_credential_process(app, aws::selected_profile(app.lookup(), profile), input->codes, input->role_arn);
  };
  return command;
}

}  // namespace tollgate::cli
