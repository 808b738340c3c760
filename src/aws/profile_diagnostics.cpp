#include "aws/profile_diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "aws/arn.h"
#include "aws/endpoints.h"
#include "aws/ini_remarks.h"
#include "aws/setting_names.h"
#include "aws/setting_values.h"

namespace tollgate::aws {
namespace {

constexpr std::int64_t kShortestSession = 900;   // STS AssumeRole DurationSeconds
constexpr std::int64_t kLongestSession = 43200;  // the same; the role's MaxSessionDuration may be lower
constexpr std::int64_t kLongestChained = 3600;   // a role assumed from a role

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter_or_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_of(std::string_view text, std::string_view also) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter_or_digit(c) || also.find(c) != also.npos; });
}

// Settings for which the Go SDK takes only these words; with any other it refuses the whole profile.
struct Words {
  std::string_view key;
  std::array<std::string_view, 5> allowed;
  bool any_case = false;
};
constexpr std::array<Words, 7> kWords = {{
    {"retry_mode", {"standard", "adaptive"}, false},
    {"defaults_mode", {"standard", "legacy", "cross-region", "in-region", "mobile"}, true},
    {"ec2_metadata_service_endpoint_mode", {"ipv4", "ipv6"}, true},
    {"account_id_endpoint_mode", {"preferred", "required", "disabled"}, false},
    {"request_checksum_calculation", {"when_supported", "when_required"}, true},
    {"response_checksum_validation", {"when_supported", "when_required"}, true},
    {"disable_request_compression", {"true", "false"}, false},
}};

class ProfileLint {
 public:
  ProfileLint(const ProfileSet& set, const Environment& environment, const HasVaultKeys& has_vault_keys)
      : set_(set), environment_(environment), has_vault_keys_(has_vault_keys) {}

  std::vector<Diagnostic> run();

 private:
  void check_environment();
  void check(const Profile& profile);
  void check_mfa_serial(const Profile& profile);
  void check_role(const Profile& profile);
  void check_duration(const Profile& profile);
  void check_keys(const Profile& profile);
  void check_process(const Profile& profile);
  void check_words(const Profile& profile);
  void check_names(const Profile& profile);
  void check_region_and_endpoint(const Profile& profile);
  void check_chain(const Profile& profile);

  const Setting* set_in(const Profile& profile, std::string_view key) const {
    const Setting* setting = profile.find(key);
    return setting != nullptr && !setting->value.empty() ? setting : nullptr;
  }
  void add(Severity severity, std::string place, std::string_view topic, std::string message, std::string next,
           std::string subject);
  void add(Severity severity, const Profile& profile, const Setting& setting, std::string_view topic,
           std::string_view message, std::string next);

  const ProfileSet& set_;
  const Environment& environment_;
  const HasVaultKeys& has_vault_keys_;
  std::vector<Diagnostic> found_;
};

std::vector<Diagnostic> ProfileLint::run() {
  found_ = set_.diagnostics;
  check_environment();
  for (const Profile& profile : set_.profiles)
    check(profile);
  // One cause may be met from several profiles.
  std::vector<Diagnostic> once;
  std::unordered_set<std::string> seen;
  for (Diagnostic& diagnostic : found_) {
    const bool is_new =
        seen.insert(fmt::format("{}\n{}\n{}", diagnostic.place, diagnostic.topic, diagnostic.message)).second;
    if (is_new) once.push_back(std::move(diagnostic));
  }
  return once;
}

void ProfileLint::add(Severity severity, std::string place, std::string_view topic, std::string message,
                      std::string next, std::string subject) {
  found_.push_back(
      {severity, std::move(place), std::move(message), std::move(next), std::string(topic), std::move(subject)});
}

void ProfileLint::add(Severity severity, const Profile& profile, const Setting& setting, std::string_view topic,
                      std::string_view message, std::string next) {
  add(severity, set_.place(setting), topic,
      fmt::format("{} of profile {} {}", setting.key, printable(profile.name), message), std::move(next), profile.name);
}

void ProfileLint::check_environment() {
  const std::string profile = variable(environment_, "AWS_PROFILE");
  const std::string default_profile = variable(environment_, "AWS_DEFAULT_PROFILE");
  if (!profile.empty() && !default_profile.empty() && profile != default_profile) {
    add(Severity::warning, "AWS_DEFAULT_PROFILE", "two_profiles",
        fmt::format(
            "AWS_PROFILE is {} and AWS_DEFAULT_PROFILE is {}: Terraform and AWS CLI 2 take the first, AWS CLI 1 "
            "and boto3 the second",
            printable(profile), printable(default_profile)),
        "unset AWS_DEFAULT_PROFILE", "AWS_DEFAULT_PROFILE");
  }
  if (!variable(environment_, "AWS_ACCESS_KEY_ID").empty() && !profile.empty()) {
    add(Severity::warning, "AWS_ACCESS_KEY_ID", "keys_in_environment",
        "AWS_ACCESS_KEY_ID is set and wins over AWS_PROFILE in every client", "unset AWS_ACCESS_KEY_ID and its secret",
        "AWS_ACCESS_KEY_ID");
  }
  const std::string region = variable(environment_, "AWS_REGION");
  const std::string default_region = variable(environment_, "AWS_DEFAULT_REGION");
  if (!region.empty() && !default_region.empty() && region != default_region) {
    add(Severity::warning, "AWS_DEFAULT_REGION", "two_regions",
        "AWS_REGION and AWS_DEFAULT_REGION differ: Terraform takes the first, AWS CLI 1 and boto3 the second",
        "set both alike", "AWS_DEFAULT_REGION");
  }
}

void ProfileLint::check(const Profile& profile) {
  check_names(profile);
  check_keys(profile);
  check_mfa_serial(profile);
  check_role(profile);
  check_duration(profile);
  check_process(profile);
  check_words(profile);
  check_region_and_endpoint(profile);
  check_chain(profile);
}

void ProfileLint::check_mfa_serial(const Profile& profile) {
  const Setting* serial = set_in(profile, "mfa_serial");
  if (serial == nullptr) return;
  switch (mfa_serial_form(serial->value)) {
    case MfaSerialForm::virtual_device:
    case MfaSerialForm::hardware_serial:
      break;
    case MfaSerialForm::user_arn:
      add(Severity::error, profile, *serial, "mfa_serial_is_user", "is the ARN of a user, not of a device",
          "write arn:aws:iam::ACCOUNT:mfa/NAME; aws iam list-mfa-devices shows it");
      return;
    case MfaSerialForm::security_key:
      add(Severity::error, profile, *serial, "mfa_serial_is_security_key",
          "is a security key, which shows no codes and so cannot be used through the API",
          "add a virtual device to the user; AWS allows eight");
      return;
    case MfaSerialForm::invalid:
      add(Severity::error, profile, *serial, "bad_mfa_serial", "is no MFA device",
          "write arn:aws:iam::ACCOUNT:mfa/NAME, or the serial number on a hardware device");
      return;
  }
  const bool has_keys =
      profile.find("aws_access_key_id") != nullptr || (has_vault_keys_ && has_vault_keys_(profile.name));
  if (set_in(profile, "role_arn") == nullptr && set_in(profile, "source_profile") == nullptr && !has_keys) {
    add(Severity::note, profile, *serial, "mfa_serial_unused", "has no effect without role_arn and without keys",
        "remove it, or add role_arn");
  }
  const Setting* role = set_in(profile, "role_arn");
  const Partition* device = partition_of_arn(serial->value);
  if (role != nullptr && device != nullptr && partition_of_arn(role->value) != nullptr &&
      partition_of_arn(role->value) != device) {
    add(Severity::error, profile, *serial, "other_partition", "lies in another partition than role_arn",
        "name a device of the partition of the role");
  }
}

void ProfileLint::check_role(const Profile& profile) {
  if (const Setting* role = set_in(profile, "role_arn")) {
    if (!is_role_arn(role->value) || partition_of_arn(role->value) == nullptr) {
      add(Severity::error, profile, *role, "bad_role_arn", "is no ARN of a role",
          "write arn:aws:iam::ACCOUNT:role/NAME, with the account's 12 digits");
    }
  }
  if (const Setting* name = set_in(profile, "role_session_name")) {
    if (name->value.size() < 2 || name->value.size() > 64 || !all_of(name->value, "_+=,.@-")) {
      add(Severity::error, profile, *name, "bad_session_name", "is refused by STS",
          "use 2 to 64 letters, digits and _+=,.@-");
    }
  }
  if (const Setting* id = set_in(profile, "external_id")) {
    if (id->value.size() < 2 || id->value.size() > 1224 || !all_of(id->value, "_+=,.@:/-")) {
      add(Severity::error, profile, *id, "bad_external_id", "is refused by STS",
          "use 2 to 1224 letters, digits and _+=,.@:/-");
    }
  }
}

void ProfileLint::check_duration(const Profile& profile) {
  const Setting* duration = set_in(profile, "duration_seconds");
  if (duration == nullptr) return;
  const std::optional<std::int64_t> seconds = parse_go_integer(duration->value);
  if (!seconds) {
    add(Severity::warning, profile, *duration, "bad_duration",
        "is not a number of seconds: Terraform asks for 15 minutes then", "write a whole number, for example 3600");
  } else if (*seconds < kShortestSession || *seconds > kLongestSession) {
    add(Severity::error, profile, *duration, "duration_out_of_range", "is not between 900 and 43200",
        "write 900 to 43200, and not more than the role's MaxSessionDuration");
  } else if (*seconds > kLongestChained) {
    const Profile* source = set_.find(profile.text("source_profile"));
    if (source != nullptr && source != &profile && set_in(*source, "role_arn") != nullptr) {
      add(Severity::error, profile, *duration, "duration_above_chaining_cap",
          "is above 3600, and AWS refuses that for a role assumed from a role",
          fmt::format("write 3600 or less, or let source_profile name a profile with keys instead of {}",
                      printable(source->name)));
    }
  }
}

void ProfileLint::check_keys(const Profile& profile) {
  const Setting* id = set_in(profile, "aws_access_key_id");
  if (id == nullptr || profile.half_pair_line > 0) return;
  for (const std::string_view key : {"credential_process", "sso_session", "sso_start_url", "credential_source"}) {
    if (const Setting* loser = set_in(profile, key)) {
      add(Severity::warning, profile, *id, "keys_win", fmt::format("wins over {} ({})", key, set_.place(*loser)),
          "remove the one that is not meant");
    }
  }
  if (set_in(profile, "source_profile") != nullptr && profile.text("source_profile") != profile.name) {
    add(Severity::warning, profile, *id, "keys_beside_source",
        "is used only where another profile names this one as its source; asked for directly, source_profile wins",
        "move the keys to a profile of their own");
  }
  if (id->value.starts_with("AKIA")) {
    add(Severity::note, profile, *id, "plain_key", "is a long-term key in a plain file",
        "move it into the vault with tollgate keys");
  }
  if (id->value.starts_with("ASIA") && profile.find("aws_session_token") == nullptr) {
    add(Severity::error, profile, *id, "token_missing", "is a temporary key and has no aws_session_token beside it",
        "copy the session token as well");
  }
}

void ProfileLint::check_process(const Profile& profile) {
  const Setting* process = set_in(profile, "credential_process");
  if (process == nullptr) return;
  const std::string_view command = process->value;
  // Read here without its outer quotes already, so what shows is an odd number of them.
  const std::size_t quotes = static_cast<std::size_t>(std::count(command.begin(), command.end(), '"'));
  if (quotes % 2 == 1) {
    add(Severity::error, profile, *process, "process_quotes", "has an odd number of quotes",
        "quote only the part that holds a blank, and do not begin and end the line with a quote");
  }
  if (command.find("\" \"") != command.npos && !command.starts_with('"')) {
    add(Severity::warning, profile, *process, "process_outer_quotes",
        "may have lost its outer quotes: Terraform drops a quote at both ends of a value",
        "do not begin and end the line with a quote");
  }
  if (command.find_first_of("|&<>$`~") != command.npos) {
    add(Severity::note, profile, *process, "process_shell",
        "holds characters of the shell: Terraform runs it with sh, the AWS CLI passes them literally",
        "put the command into a script");
  }
}

void ProfileLint::check_words(const Profile& profile) {
  for (const Words& words : kWords) {
    const Setting* setting = profile.find(words.key);
    if (setting == nullptr) continue;
    std::string value = setting->value;
    if (words.any_case) {
      std::transform(value.begin(), value.end(), value.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    }
    std::vector<std::string_view> allowed(words.allowed.begin(), words.allowed.end());
    std::erase(allowed, std::string_view());
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) continue;
    add(Severity::error, profile, *setting, "bad_value", "has a value for which Terraform refuses the profile",
        fmt::format("write {}", fmt::join(allowed, " or ")));
  }
  for (const std::string_view key : {"max_attempts", "request_min_compression_size_bytes"}) {
    const Setting* setting = profile.find(key);
    if (setting != nullptr && !parse_go_integer(setting->value)) {
      add(Severity::error, profile, *setting, "bad_value", "is not a number, so Terraform refuses the profile",
          "write a whole number");
    }
  }
}

void ProfileLint::check_names(const Profile& profile) {
  for (const Setting& setting : profile.settings) {
    const std::string_view meant = setting_meant_by(setting.key);
    if (meant.empty() || profile.find(meant) != nullptr) continue;
    add(Severity::warning, set_.place(setting), "unknown_setting",
        fmt::format("{} of profile {} is not read by anything", printable(setting.key), printable(profile.name)),
        fmt::format("write {}, if that is meant", meant), profile.name);
  }
}

void ProfileLint::check_region_and_endpoint(const Profile& profile) {
  const Setting* region = set_in(profile, "region");
  if (region != nullptr && !valid_region_name(region->value)) {
    add(Severity::error, profile, *region, "bad_region", "is no region's name", "write a region such as eu-west-1");
    return;
  }
  if (const Setting* services = set_in(profile, "services")) {
    if (set_.find_services(services->value) == nullptr) {
      add(Severity::warning, profile, *services, "services_not_found", "names a services section that does not exist",
          fmt::format("add [services {}] to {}", printable(services->value), set_.files.config));
    }
  }
  // Only what the files say: a variable that is set now may not be set when Terraform runs.
  const Result<Endpoint> endpoint =
      endpoint_for("STS", region == nullptr ? "us-east-1" : region->value, {}, set_, &profile);
  if (!endpoint) {
    add(Severity::error, set_.place(profile), endpoint.error().reason,
        fmt::format("profile {} has no usable STS endpoint: {}", printable(profile.name), endpoint.error().message),
        endpoint.error().next, profile.name);
    return;
  }
  // The rules build such a host for every commercial region.
  const bool american = region == nullptr || region->value.starts_with("us-") || region->value.starts_with("ca-");
  if (endpoint->url.find("-fips.") != std::string::npos && !american) {
    add(Severity::warning, set_.place(*profile.find("use_fips_endpoint")), "fips_region",
        fmt::format("profile {} would ask {}, and AWS runs FIPS hosts in the United States and Canada only",
                    printable(profile.name), endpoint->url),
        "remove use_fips_endpoint, or choose another region", profile.name);
  }
}

void ProfileLint::check_chain(const Profile& profile) {
  const Result<Chain> chain = resolve_chain(set_, profile.name, environment_, has_vault_keys_);
  if (chain) {
    for (const Diagnostic& diagnostic : chain->diagnostics) {
      // check_duration has more to say on it.
      if (diagnostic.topic != "bad_duration") found_.push_back(diagnostic);
    }
    return;
  }
  const Error& error = chain.error();
  // A profile may be there for its region or its endpoint alone.
  const bool plain = error.reason == "no_credentials" && set_in(profile, "role_arn") == nullptr &&
                     set_in(profile, "source_profile") == nullptr;
  if (plain) return;
  add(Severity::error, error.place, error.reason, error.message, error.next, profile.name);
}

}  // namespace

MfaSerialForm mfa_serial_form(std::string_view serial) {
  if (serial.size() < 9 || serial.size() > 256 || !all_of(serial, "_+=/:,.@-")) return MfaSerialForm::invalid;
  if (!serial.starts_with("arn:")) {
    return all_of(serial, "") ? MfaSerialForm::hardware_serial : MfaSerialForm::invalid;
  }
  const std::optional<Arn> arn = parse_arn(serial);
  if (!arn || arn->service != "iam" || !arn->region.empty() || !is_account_id(arn->account) ||
      partition_of_arn(serial) == nullptr) {
    return MfaSerialForm::invalid;
  }
  if (arn->resource.starts_with("mfa/") && arn->resource.size() > 4) return MfaSerialForm::virtual_device;
  if (arn->resource.starts_with("user/") || arn->resource == "root") return MfaSerialForm::user_arn;
  if (arn->resource.starts_with("u2f/")) return MfaSerialForm::security_key;
  return MfaSerialForm::invalid;
}

std::vector<Diagnostic> diagnose(const ProfileSet& set, const Environment& environment,
                                 const HasVaultKeys& has_vault_keys) {
  return ProfileLint(set, environment, has_vault_keys).run();
}

}  // namespace tollgate::aws
