#include <algorithm>
#include <array>

#include "aws/profile_diagnostics.h"
#include "broker/deliver/child_environment.h"
#include "broker/deliver/credential_broker.h"
#include "broker/deliver/doctor_checks.h"
#include "broker/deliver/durations.h"
#include "broker/deliver/hcl_scan.h"
#include "broker/deliver/key_import.h"

namespace tollgate::deliver {
namespace {

// Topics of aws::diagnose that have a check of their own; all others belong to the files.
constexpr std::array<std::string_view, 5> kDeviceTopics = {"mfa_serial_is_user", "mfa_serial_is_security_key",
                                                           "bad_mfa_serial", "other_partition", "mfa_serial_unused"};
constexpr std::array<std::string_view, 3> kDurationTopics = {"bad_duration", "duration_out_of_range",
                                                             "duration_above_chaining_cap"};
constexpr std::array<std::string_view, 4> kKeyTopics = {"plain_key", "keys_win", "keys_beside_source", "token_missing"};
constexpr std::array<std::string_view, 3> kEnvironmentTopics = {"two_profiles", "keys_in_environment", "two_regions"};

template <std::size_t N>
bool is_one_of(std::string_view topic, const std::array<std::string_view, N>& topics) {
  return std::find(topics.begin(), topics.end(), topic) != topics.end();
}

bool has_own_check(std::string_view topic) {
  return is_one_of(topic, kDeviceTopics) || is_one_of(topic, kDurationTopics) || is_one_of(topic, kKeyTopics) ||
         is_one_of(topic, kEnvironmentTopics);
}

aws::Environment lookup_of(const Surroundings& around) {
  return [&around](std::string_view name) { return around.environment.get(name); };
}

std::vector<aws::Diagnostic> diagnostics_of(const Surroundings& around) {
  return aws::diagnose(**around.profiles, lookup_of(around), around.has_vault_keys);
}

// The profiles that the asked one leads through, itself included.
bool concerns(const Surroundings& around, std::string_view profile) {
  if (!around.profile_given) return true;
  std::string name = around.profile;
  for (int steps = 0; steps < 16 && !name.empty(); ++steps) {
    if (name == profile) return true;
    const aws::Profile* found = (*around.profiles)->find(name);
    const std::string source(found == nullptr ? "" : found->text("source_profile"));
    if (source == name) break;
    name = source;
  }
  return false;
}

// An error in a profile that nobody asked about is worth a warning.
void add(CheckBuilder& builder, const Surroundings& around, const aws::Diagnostic& diagnostic) {
  CheckStatus status = CheckStatus::ok;
  if (diagnostic.severity == aws::Severity::warning) status = CheckStatus::warn;
  if (diagnostic.severity == aws::Severity::error) {
    status = concerns(around, diagnostic.subject) ? CheckStatus::fail : CheckStatus::warn;
  }
  builder.add(status, diagnostic.place, diagnostic.message, diagnostic.next);
}

template <std::size_t N>
void add_topics(CheckBuilder& builder, const Surroundings& around, const std::array<std::string_view, N>& topics) {
  for (const aws::Diagnostic& diagnostic : diagnostics_of(around)) {
    if (is_one_of(diagnostic.topic, topics)) add(builder, around, diagnostic);
  }
}

std::string source_in_words(const aws::Chain& chain) {
  struct Visitor {
    std::string operator()(const aws::StaticKeys& keys) const {
      return fmt::format("{} keys of {}", keys.credentials.temporary() ? "temporary" : "long-term", keys.profile);
    }
    std::string operator()(const aws::VaultKeys& keys) const { return fmt::format("stored keys of {}", keys.profile); }
    std::string operator()(const aws::EnvironmentCredentials&) const { return "keys of the environment"; }
    std::string operator()(const aws::ContainerMetadata&) const { return "the container's credentials"; }
    std::string operator()(const aws::InstanceMetadata&) const { return "the instance's credentials"; }
    std::string operator()(const aws::CredentialProcess& process) const {
      return fmt::format("the credential_process of {}", process.profile);
    }
    std::string operator()(const aws::WebIdentity&) const { return "a web identity token"; }
    std::string operator()(const aws::Sso&) const { return "IAM Identity Center"; }
  };
  return std::visit(Visitor{}, chain.source);
}

}  // namespace

Check check_files(const Surroundings& around) {
  CheckBuilder builder("files", "AWS files");
  if (!around.profiles) {
    builder.fail(around.profiles.error());
    return builder.done("");
  }
  const aws::ProfileSet& set = **around.profiles;
  for (const aws::Diagnostic& diagnostic : diagnostics_of(around)) {
    // The chain of the asked profile has a check of its own, which says the same.
    const bool said_elsewhere =
        has_own_check(diagnostic.topic) ||
        (diagnostic.severity == aws::Severity::error && around.profile_given && diagnostic.subject == around.profile);
    if (!said_elsewhere) add(builder, around, diagnostic);
  }
  if (set.profiles.empty()) {
    builder.add(CheckStatus::warn, set.files.config, "there are no profiles", "make one with `aws configure`");
  }
  return builder.done(fmt::format("{} and {}: {} profile{}", set.files.config, set.files.credentials,
                                  set.profiles.size(), set.profiles.size() == 1 ? "" : "s"));
}

Check check_profile(const Surroundings& around, const Target& target) {
  CheckBuilder builder("profile", fmt::format("profile {}", around.profile));
  if (!around.profiles) return builder.skip("the files cannot be read");
  if (target.error) {
    const bool unnamed = !around.profile_given && target.error->reason == "profile_not_found";
    if (unnamed) return builder.skip("no profile was named: `tollgate doctor PROFILE` looks at one");
    builder.fail(*target.error);
    return builder.done("");
  }
  for (const aws::Diagnostic& diagnostic : diagnostics_of(around)) {
    if (around.profile_given && diagnostic.severity == aws::Severity::error && diagnostic.subject == around.profile &&
        !has_own_check(diagnostic.topic)) {
      add(builder, around, diagnostic);
    }
  }
  const aws::Chain& chain = *target.chain;
  std::string text = source_in_words(chain);
  if (const std::string serial = aws::first_mfa_serial(chain); !serial.empty()) text += ", a code of " + serial;
  for (const aws::AssumeRole& role : chain.roles)
    text += ", " + role.role_arn;
  return builder.done(std::move(text));
}

Check check_mfa_device(const Surroundings& around, const Target& target) {
  CheckBuilder builder("mfa-device", "MFA device");
  if (!around.profiles) return builder.skip("the files cannot be read");
  add_topics(builder, around, kDeviceTopics);
  const std::string serial = target.chain ? aws::first_mfa_serial(*target.chain) : "";
  if (serial.empty()) return builder.done("the profile names none");
  const bool hardware = aws::mfa_serial_form(serial) == aws::MfaSerialForm::hardware_serial;
  return builder.done(fmt::format("{}{}", serial, hardware ? " (hardware)" : ""));
}

Check check_durations(const Surroundings& around, const Target& target) {
  CheckBuilder builder("durations", "session durations");
  if (!around.profiles) return builder.skip("the files cannot be read");
  add_topics(builder, around, kDurationTopics);
  if (!target.chain) return builder.done("nothing unusual");
  aws::Chain chain = *target.chain;
  ObtainOptions options;
  const bool with_code = role_takes_code(chain, options.role_duration, options.use_session);
  for (std::string& notice : cap_durations(chain, options, with_code)) {
    builder.add(CheckStatus::warn, chain.roles.empty() ? "" : chain.roles.back().place, std::move(notice),
                "write 3600 or less; tollgate renews the role by itself while Terraform runs");
  }
  if (chain.roles.empty()) return builder.done("no role is assumed");
  const aws::AssumeRole& last = chain.roles.back();
  if (const auto limit = around.role_limit ? around.role_limit(last.role_arn) : std::nullopt) {
    builder.add(CheckStatus::ok, last.place, role_limit_remark(last.role_arn, *limit),
                "where longer sessions are wanted, have the role's owner raise its MaxSessionDuration");
  }
  return builder.done(with_code ? "the role is assumed with the code itself and lives longer than 1h"
                                : "the MFA session lives 12h, the role 1h and is renewed silently");
}

Check check_plain_keys(const Surroundings& around) {
  CheckBuilder builder("plain-keys", "keys in files");
  if (!around.profiles) return builder.skip("the files cannot be read");
  for (aws::Diagnostic diagnostic : diagnostics_of(around)) {
    if (!is_one_of(diagnostic.topic, kKeyTopics)) continue;
    if (diagnostic.topic == "plain_key") {
      const aws::Profile* profile = (*around.profiles)->find(diagnostic.subject);
      const bool has_role =
          profile != nullptr && (!profile->text("role_arn").empty() || !profile->text("source_profile").empty());
      diagnostic.severity = aws::Severity::warning;
      // Keys beside a role cannot be imported: see plan_import.
      diagnostic.next = has_role ? "remove its two lines if they are a copy; else move them to a profile of their own"
                                 : fmt::format("run `tollgate keys import {}`", diagnostic.subject);
    }
    add(builder, around, diagnostic);
  }
  return builder.done("no long-term key lies in a file in clear");
}

Check check_environment(const Surroundings& around) {
  CheckBuilder builder("environment", "environment");
  const os::Environment& environment = around.environment;
  if (around.profiles) add_topics(builder, around, kEnvironmentTopics);
  const bool inside = environment.has("TOLLGATE_PROFILE");
  for (const std::string& name : credential_variables(environment)) {
    const bool chooses = name == "AWS_PROFILE" || name == "AWS_DEFAULT_PROFILE";
    if (environment.get_or(name, "").empty()) {
      if (chooses) {
        builder.add(CheckStatus::warn, name, fmt::format("{} is set and empty: boto3 fails on that", name),
                    fmt::format("unset {}", name));
      }
      continue;
    }
    if (chooses || (name == "AWS_ACCESS_KEY_ID" && !environment.get_or("AWS_PROFILE", "").empty())) continue;
    builder.add(inside ? CheckStatus::ok : CheckStatus::warn, name,
                fmt::format("{} is set, and programs started without tollgate take it before a profile", name),
                inside ? "" : fmt::format("unset {}; `tollgate exec` takes it out by itself", name));
  }
  for (const std::string_view name : {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}) {
    if (const std::string value = environment.get_or(name, ""); !value.empty() && !inside) {
      builder.add(CheckStatus::ok, std::string(name), fmt::format("{} is {}", name, value), "");
    }
  }
  return builder.done(inside ? fmt::format("inside `tollgate exec {}`", environment.get_or("TOLLGATE_PROFILE", ""))
                             : "no variable wins over the profiles");
}

Check check_terraform_code(const Surroundings& around) {
  CheckBuilder builder("terraform-code", "Terraform code here");
  const auto remarks = scan_hcl_directory(around.working_directory);
  for (const auto& [path, remark] : remarks) {
    const std::string place = fmt::format("{}:{}", path, remark.line);
    switch (remark.kind) {
      case HclRemark::Kind::named_files:
        // The overlay still stands beside these; only what they hold themselves comes before it.
        if (remark.attribute.starts_with("shared_credentials_file")) {
          builder.add(
              CheckStatus::warn, place,
              fmt::format("{} in {}: static keys in that file win over tollgate for the profile of their name",
                          remark.attribute, remark.block),
              "remove it: AWS_SHARED_CREDENTIALS_FILE says the same; or keep no keys in that file, as `tollgate "
              "keys import` leaves it");
          break;
        }
        builder.add(CheckStatus::fail, place,
                    fmt::format("{} in {} names the files itself, so what tollgate hands over is passed by",
                                remark.attribute, remark.block),
                    "remove it: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say the same; or use `tollgate exec "
                    "--env`");
        break;
      case HclRemark::Kind::static_keys:
        builder.add(CheckStatus::warn, place,
                    fmt::format("{} in {} wins over every profile", remark.attribute, remark.block),
                    "remove it and name a profile");
        break;
      case HclRemark::Kind::profile:
        if (!around.profiles || (*around.profiles)->find(remark.value) != nullptr) break;
        if (around.has_vault_keys && around.has_vault_keys(remark.value)) break;
        builder.add(CheckStatus::fail, place,
                    fmt::format("{} names profile {}, which no file knows", remark.block, remark.value),
                    "add the profile, or correct the name");
        break;
    }
  }
  return builder.done(remarks.empty() ? "nothing in this directory stands in the way"
                                      : "the profiles that the code names exist");
}

}  // namespace tollgate::deliver
