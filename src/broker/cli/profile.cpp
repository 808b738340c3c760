// tollgate profile write and remove: a session in the credentials file, for tools that only read files.
#include "broker/cli/command.h"
#include "broker/cli/output.h"
#include "broker/deliver/profile_writer.h"

namespace tollgate::cli {
namespace {

constexpr std::string_view kSuffix = "-session";

struct WriteInput {
  std::string profile;
  std::string name;
  std::string region;
  std::string duration;
  std::string min_ttl;
  CodeOptions codes;
};

struct RemoveInput {
  std::string name;
  bool expired = false;
  bool all = false;
};

void tell_closed(const deliver::WriteOutcome& outcome, const std::string& path) {
  if (outcome.closed_to_others) print_notice(fmt::format("others could read {}; now they cannot", path));
}

// The config file must not say anything about the name: it would be merged with what is written.
Result<void> check_config_file(const aws::ProfileSet& set, const std::string& name) {
  const aws::Profile* profile = set.find(name);
  if (profile == nullptr) return {};
  for (const aws::Setting& setting : profile->settings) {
    if (setting.file != aws::FileKind::config) continue;
    return fail(Error(Code::config, fmt::format("there is a profile {} already", name))
                    .at(set.place(setting))
                    .do_next("choose another name with --as"));
  }
  return {};
}

Result<void> write(App& app, WriteInput& input) {
  apply_environment(app.environment(), input.codes);
  deliver::ObtainOptions options;
  if (!input.duration.empty()) {
    TG_TRY(options.role_duration, duration_flag(input.duration, "--duration"));
  }
  if (!input.min_ttl.empty()) {
    TG_TRY(options.min_ttl, duration_flag(input.min_ttl, "--min-ttl"));
  }
  TG_TRY(const aws::ProfileSet* const set, app.profiles());
  deliver::TemporaryProfile profile;
  profile.source = input.profile;
  profile.name = input.name.empty() ? input.profile + std::string(kSuffix) : input.name;
  TG_CHECK(check_config_file(*set, profile.name));
  // What cannot be written should not cost a code.
  TG_CHECK(deliver::check_temporary_profile(set->files.credentials, profile.name));

  TG_TRY(deliver::CredentialBroker* const broker, app.broker(input.profile, input.codes));
  TG_TRY(deliver::Obtained obtained, broker->obtain(input.profile, options));
  for (const std::string& notice : obtained.notices)
    print_notice(notice);
  if (!obtained.credentials.temporary()) {
    return fail(Error(Code::config, fmt::format("profile {} has long-term keys and no session", input.profile))
                    .do_next("give it an mfa_serial, or use it as it is"));
  }
  profile.region = input.region.empty() ? obtained.region : input.region;
  profile.credentials = std::move(obtained.credentials);
  TG_TRY(const os::PrivateDirectory* const locks, app.lock_directory());
  TG_TRY(const deliver::WriteOutcome outcome,
         deliver::write_profile(set->files.credentials, profile, *locks, app.clock()));
  tell_closed(outcome, set->files.credentials);
  const auto until = profile.credentials.expiration;
  print_notice(fmt::format(
      "profile {} is in {} and expires {}. It is not renewed. Next: AWS_PROFILE={} in the tool; afterwards `tollgate "
      "profile remove {}`",
      profile.name, set->files.credentials,
      until ? fmt::format("in {} ({})", format_duration(*until - app.clock().now()), format_iso8601(*until))
            : "at a time that is not known",
      profile.name, profile.name));
  return {};
}

Result<void> remove(App& app, const RemoveInput& input) {
  const std::string path = aws::locate_files(app.lookup()).credentials;
  TG_TRY(std::optional<std::string> text, aws::read_aws_file(path));
  const Secret content = text ? Secret::take(std::move(*text)) : Secret();
  const std::vector<deliver::WrittenProfile> written = deliver::written_profiles(content.reveal());
  std::vector<std::string> names;
  if (!input.name.empty()) names.push_back(input.name);
  for (const deliver::WrittenProfile& profile : written) {
    const bool expired = profile.expires && *profile.expires <= app.clock().now();
    if (input.all || (input.expired && expired)) names.push_back(profile.name);
    // The name of the profile behind it will do where that is not ambiguous.
    if (profile.source == input.name && profile.name == input.name + std::string(kSuffix)) names.front() = profile.name;
  }
  if (input.name.empty() && !input.all && !input.expired) {
    return fail(Error(Code::usage, "profile remove needs NAME, --expired or --all")
                    .do_next("run `tollgate profile remove --help` for examples"));
  }
  TG_TRY(const os::PrivateDirectory* const locks, app.lock_directory());
  for (const std::string& name : names) {
    TG_TRY(const deliver::WriteOutcome outcome, deliver::remove_profile(path, name, *locks, app.clock()));
    tell_closed(outcome, path);
    print_notice(
        fmt::format("profile {} is removed from {}; its keys stay valid at AWS until they expire", name, path));
  }
  if (names.empty()) print_notice(fmt::format("there is nothing to remove in {}", path));
  return {};
}

}  // namespace

Command profile_write_command() {
  auto input = std::make_shared<WriteInput>();
  Command command;
  command.name = "profile write";
  command.summary = "Write a session into the credentials file, for tools that only read files";
  command.examples =
      "tollgate profile write prod                 # as profile prod-session\n"
      "tollgate profile write prod --as legacy-tool\n"
      "AWS_PROFILE=prod-session legacy-tool";
  command.details =
      "The keys stand in the file in clear until they expire, and are not renewed: prefer `tollgate exec` where a tool "
      "can use it. The section has a comment that says when it expires. Everything else in the file, comments and "
      "unknown settings included, stays as it is, and a profile that tollgate has not written is never touched.";
  command.positionals = {{"PROFILE", "The profile whose session is written.", &input->profile, true}};
  command.options = {
      {"--as", "NAME", "Name of the new profile. Default: PROFILE-session.", &input->name},
      {"--region", "REGION", "Use this region instead of the profile's.", &input->region},
      {"-d,--duration,--assume-role-ttl", "TIME", "Life of the role session, as for exec.", &input->duration},
      {"--min-ttl", "TIME", "Ask for a code first if less than this is left of the MFA session.", &input->min_ttl},
  };
  for (Option& option : code_flags(input->codes))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) {
    const auto done = write(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

Command profile_remove_command() {
  auto input = std::make_shared<RemoveInput>();
  Command command;
  command.name = "profile remove";
  command.summary = "Remove a session that profile write has written";
  command.examples = "tollgate profile remove prod-session\ntollgate profile remove --expired";
  command.positionals = {{"NAME", "The written profile, or the profile whose session it is.", &input->name, false}};
  command.options = {{"--expired", "", "Remove all written profiles that have expired.", &input->expired},
                     {"--all", "", "Remove all written profiles.", &input->all}};
  command.run = [input](App& app) {
    const auto done = remove(app, *input);
    return done ? 0 : report(done.error());
  };
  return command;
}

}  // namespace tollgate::cli
