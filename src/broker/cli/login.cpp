// tollgate login and whoami: the session ahead of time, and whose it is.
#include "broker/cli/command.h"
#include "broker/cli/output.h"

namespace tollgate::cli {
namespace {

struct LoginInput {
  std::string profile;
  bool json = false;
  bool force = false;
  std::string min_ttl;
  CodeOptions codes;
};

Result<void> login(App& app, LoginInput& input) {
  apply_environment(app.environment(), input.codes);
  const std::string profile = aws::selected_profile(app.lookup(), input.profile);
  TG_TRY(deliver::CredentialBroker* const broker, app.broker(profile, input.codes));
  deliver::ObtainOptions options;
  options.renew = input.force;
  if (!input.min_ttl.empty()) {
    const auto least = parse_duration(input.min_ttl);
    if (!least) {
      return fail(Error(Code::usage, fmt::format("{} is not a duration", input.min_ttl))
                      .at("--min-ttl")
                      .do_next("write it as 900, 60m, 12h or 1h30m"));
    }
    options.min_ttl = *least;
  }
  TG_TRY(const deliver::Obtained obtained, broker->obtain(profile, options));
  for (const std::string& notice : obtained.notices)
    print_notice(notice);
  const auto until = obtained.session_expires ? obtained.session_expires : obtained.credentials.expiration;
  if (until) {
    print_notice(fmt::format("{} is ready for {} (until {})", profile, format_duration(*until - app.clock().now()),
                             format_iso8601(*until)));
  } else {
    print_notice(fmt::format("{} has long-term keys and needs no session", profile));
  }
  return {};
}

Result<void> whoami(App& app, LoginInput& input) {
  apply_environment(app.environment(), input.codes);
  const std::string profile = aws::selected_profile(app.lookup(), input.profile);
  TG_TRY(deliver::CredentialBroker* const broker, app.broker(profile, input.codes));
  TG_TRY(const deliver::Obtained obtained, broker->obtain(profile));
  for (const std::string& notice : obtained.notices)
    print_notice(notice);
  TG_TRY(const aws::CallerIdentity identity, broker->caller_identity(profile, obtained.credentials));
  const auto time = [](const std::optional<TimePoint>& point) {
    return point ? json::Value(format_iso8601(*point)) : json::Value();
  };
  if (input.json) {
    return print_json(json::Value::object({{"schema", "tollgate.whoami.v1"},
                                           {"profile", profile},
                                           {"account", identity.account},
                                           {"arn", identity.arn},
                                           {"user_id", identity.user_id},
                                           {"region", obtained.region},
                                           {"expires", time(obtained.credentials.expiration)},
                                           {"mfa_session_expires", time(obtained.session_expires)}}));
  }
  std::vector<std::vector<std::string>> rows{
      {"profile", profile}, {"account", identity.account}, {"arn", identity.arn}};
  const TimePoint now = app.clock().now();
  if (obtained.credentials.expiration) {
    rows.push_back({"expires", fmt::format("{} (in {})", format_iso8601(*obtained.credentials.expiration),
                                           format_duration(*obtained.credentials.expiration - now))});
  }
  if (obtained.session_expires) {
    rows.push_back({"MFA session", fmt::format("until {} ({})", format_iso8601(*obtained.session_expires),
                                               format_duration(*obtained.session_expires - now))});
  }
  return print(table(rows));
}

}  // namespace

Command login_command() {
  auto input = std::make_shared<LoginInput>();
  Command command;
  command.name = "login";
  command.summary = "Get a profile's session now, so that nothing asks later";
  command.examples = "tollgate login prod\ntollgate login prod --force";
  command.positionals = {{"PROFILE", "Default: AWS_PROFILE, else default.", &input->profile, false}};
  command.options = {
      {"--force", "", "Ask for a code even if a session is cached.", &input->force},
      {"--min-ttl", "TIME", "Ask for a code if less than this is left of the session.", &input->min_ttl}};
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    const auto done = login(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

Command whoami_command() {
  auto input = std::make_shared<LoginInput>();
  Command command;
  command.name = "whoami";
  command.summary = "Ask AWS who a profile is";
  command.examples = "tollgate whoami prod\ntollgate whoami prod --json";
  command.positionals = {{"PROFILE", "Default: AWS_PROFILE, else default.", &input->profile, false}};
  command.options = {{"--json", "", "Print JSON (schema tollgate.whoami.v1).", &input->json}};
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    const auto done = whoami(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
