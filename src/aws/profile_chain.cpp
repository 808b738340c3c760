#include "aws/profile_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "aws/ini_remarks.h"
#include "aws/setting_values.h"

namespace tollgate::aws {
namespace {

Error refuse(std::string_view reason, std::string message, std::string next, std::string place) {
  return Error(Code::config, std::move(message))
      .do_next(std::move(next))
      .at(std::move(place))
      .because(std::string(reason));
}

// Follows source_profile from the asked profile to the one that ends the chain. Written as a loop, because a file may
// hold a chain of any length.
class ChainResolver {
 public:
  ChainResolver(const ProfileSet& set, const Environment& environment, const HasVaultKeys& has_vault_keys)
      : set_(set), environment_(environment), has_vault_keys_(has_vault_keys) {}

  Result<Chain> run(std::string_view asked);

 private:
  Result<bool> step();  // true: the source is found
  Result<bool> step_without_profile();
  Result<void> check_role_is_named(const Profile& profile);
  Result<void> check_one_source(const Profile& profile) const;
  Result<void> check_sso_session(const Profile& profile) const;
  Result<void> take_source(const Profile& profile);
  Result<Source> sso(const Profile& profile) const;
  std::optional<Source> keys(std::string_view name, const Profile* profile) const;
  Result<Source> credential_source(const Profile& profile) const;
  void add_role(const Profile& profile);
  void remark(const Setting& setting, Severity severity, std::string_view topic, std::string message, std::string next);

  Error not_found() const;
  Error no_credentials(const Profile& profile) const;
  bool top() const { return path_.size() == 1; }
  // "A -> B -> A"
  std::string path() const { return printable(fmt::format("{}", fmt::join(path_, " -> "))); }

  const ProfileSet& set_;
  const Environment& environment_;
  const HasVaultKeys& has_vault_keys_;
  Chain chain_;
  std::vector<std::string> path_;      // the profiles so far, the current one last
  bool again_ = false;                 // the current one has been met before
  const Setting* referrer_ = nullptr;  // the source_profile setting that led here
  std::string lenient_mfa_serial_;     // of a profile that names a source and no role
};

Result<Chain> ChainResolver::run(std::string_view asked) {
  chain_.profile = asked;
  path_.emplace_back(asked);
  for (;;) {
    TG_TRY(const bool found, step());
    if (found) break;
  }
  std::reverse(chain_.roles.begin(), chain_.roles.end());
  chain_.source_profile = path_.back();
  if (chain_.source_mfa_serial.empty()) chain_.source_mfa_serial = lenient_mfa_serial_;

  chain_.region = variable(environment_, "AWS_REGION");
  if (chain_.region.empty()) chain_.region = variable(environment_, "AWS_DEFAULT_REGION");
  if (const Profile* profile = set_.find(asked); profile != nullptr && chain_.region.empty()) {
    chain_.region = profile->text("region");
  }
  return std::move(chain_);
}

Result<bool> ChainResolver::step() {
  const std::string& name = path_.back();
  const Profile* profile = set_.find(name);
  if (profile == nullptr) return step_without_profile();
  chain_.source_region = profile->text("region");
  if (profile->half_pair_line > 0) {
    return fail(
        refuse("partial_keys",
               fmt::format("profile {} has only one of aws_access_key_id and aws_secret_access_key", printable(name)),
               "add the other one, or remove this one", set_.place(profile->half_pair_file, profile->half_pair_line)));
  }
  // The second time only what the profile holds itself counts: its role and its source_profile are those of the first.
  if (!again_) TG_CHECK(check_role_is_named(*profile));

  if (!top()) {
    if (std::optional<Source> own = keys(name, profile)) {
      chain_.source = std::move(*own);
      if (!again_) {
        const Setting* role = profile->find("role_arn");
        if (role != nullptr && !role->value.empty()) {
          remark(
              *role, Severity::warning, "role_of_source_with_keys",
              fmt::format("profile {} has keys and a role: Terraform assumes that role with the keys, the AWS CLI uses "
                          "the keys alone",
                          printable(name)),
              "move the keys to a profile of their own");
        }
        add_role(*profile);
        if (role == nullptr || role->value.empty()) chain_.source_mfa_serial = profile->text("mfa_serial");
      }
      return true;
    }
  }

  TG_CHECK(check_one_source(*profile));
  const Setting* source = again_ ? nullptr : profile->find("source_profile");
  if (source == nullptr || source->value.empty()) {
    TG_CHECK(check_sso_session(*profile));
    TG_CHECK(take_source(*profile));
    return true;
  }
  add_role(*profile);
  TG_CHECK(check_sso_session(*profile));
  referrer_ = source;
  again_ = std::find(path_.begin(), path_.end(), source->value) != path_.end();
  path_.push_back(source->value);
  return false;
}

Result<bool> ChainResolver::step_without_profile() {
  std::optional<Source> own = keys(path_.back(), nullptr);
  if (!own) return fail(not_found());
  chain_.source = std::move(*own);
  chain_.source_region.clear();
  return true;
}

// The SDK refuses a source without a role. aws-vault, whose users write such profiles to share one session, takes the
// source's credentials as they are; so does this, because the overlay hands Terraform none of these settings.
Result<void> ChainResolver::check_role_is_named(const Profile& profile) {
  if (!profile.text("role_arn").empty()) return {};
  for (const std::string_view key : {"source_profile", "credential_source", "web_identity_token_file"}) {
    const Setting* setting = profile.find(key);
    if (setting == nullptr || setting->value.empty()) continue;
    if (key == "web_identity_token_file") {
      return fail(refuse("role_arn_missing",
                         fmt::format("profile {} has web_identity_token_file and no role_arn", printable(profile.name)),
                         "add role_arn = arn:aws:iam::ACCOUNT:role/NAME", set_.place(*setting)));
    }
    chain_.lenient = true;
    if (lenient_mfa_serial_.empty()) lenient_mfa_serial_ = profile.text("mfa_serial");
    remark(
        *setting, Severity::warning, "source_without_role",
        fmt::format("profile {} has {} and no role_arn: Terraform by itself refuses it; here it means the credentials "
                    "of the source as they are",
                    printable(profile.name), key),
        "add role_arn, if a role is meant; nothing, if Terraform is run through tollgate");
    return {};
  }
  return {};
}

Result<void> ChainResolver::check_one_source(const Profile& profile) const {
  const Setting* first = nullptr;
  for (const std::string_view key :
       {"source_profile", "credential_source", "credential_process", "web_identity_token_file"}) {
    if (again_ && key == "source_profile") continue;
    const Setting* setting = profile.find(key);
    if (setting == nullptr || setting->value.empty()) continue;
    if (first != nullptr) {
      return fail(
          refuse("several_sources",
                 fmt::format("profile {} has both {} (line {}) and {}; only one source of credentials is allowed",
                             printable(profile.name), first->key, first->line, setting->key),
                 "remove one of the two", set_.place(*setting)));
    }
    first = setting;
  }
  return {};
}

Result<void> ChainResolver::check_sso_session(const Profile& profile) const {
  const Setting* session = profile.find("sso_session");
  if (session == nullptr || session->value.empty() || set_.find_sso_session(session->value) != nullptr) return {};
  return fail(refuse("sso_incomplete",
                     fmt::format("profile {} names sso_session {}, and there is no [sso-session {}]",
                                 printable(profile.name), printable(session->value), printable(session->value)),
                     fmt::format("add [sso-session {}] with sso_start_url and sso_region to {}",
                                 printable(session->value), set_.files.config),
                     set_.place(*session)));
}

Result<void> ChainResolver::take_source(const Profile& profile) {
  const auto has = [&profile](std::string_view key) { return !profile.text(key).empty(); };
  if (std::optional<Source> own = keys(profile.name, &profile)) {
    chain_.source = std::move(*own);
    if (!has("role_arn")) chain_.source_mfa_serial = profile.text("mfa_serial");
  } else if (has("credential_source")) {
    TG_TRY(chain_.source, credential_source(profile));
  } else if (has("web_identity_token_file")) {
    chain_.source = WebIdentity{profile.name, std::string(profile.text("web_identity_token_file")),
                                std::string(profile.text("role_arn")), std::string(profile.text("role_session_name")),
                                set_.place(*profile.find("web_identity_token_file"))};
    return {};
  } else if (has("sso_session") || has("sso_region") || has("sso_account_id") || has("sso_start_url") ||
             has("sso_role_name")) {
    TG_TRY(chain_.source, sso(profile));
  } else if (has("credential_process")) {
    const Setting& process = *profile.find("credential_process");
    chain_.source = CredentialProcess{profile.name, process.value, set_.place(process)};
  } else if (top() && (!variable(environment_, "AWS_CONTAINER_CREDENTIALS_FULL_URI").empty() ||
                       !variable(environment_, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty())) {
    chain_.source = ContainerMetadata{};
  } else {
    return fail(no_credentials(profile));
  }
  if (!again_) add_role(profile);
  return {};
}

std::optional<Source> ChainResolver::keys(std::string_view name, const Profile* profile) const {
  if (has_vault_keys_ && has_vault_keys_(name)) return Source(VaultKeys{std::string(name)});
  if (profile == nullptr) return std::nullopt;
  const Setting* id = profile->find("aws_access_key_id");
  const Setting* secret = profile->find("aws_secret_access_key");
  if (id == nullptr || id->value.empty() || secret == nullptr || secret->secret.empty()) return std::nullopt;
  StaticKeys found;
  found.profile = profile->name;
  found.credentials.access_key_id = id->value;
  found.credentials.secret_access_key = secret->secret;
  if (const Setting* token = profile->find("aws_session_token")) found.credentials.session_token = token->secret;
  found.account_id = profile->text("aws_account_id");
  found.place = set_.place(*id);
  return Source(std::move(found));
}

Result<Source> ChainResolver::credential_source(const Profile& profile) const {
  const Setting& setting = *profile.find("credential_source");
  if (setting.value == "Environment") return Source(EnvironmentCredentials{});
  if (setting.value == "EcsContainer") return Source(ContainerMetadata{});
  if (setting.value == "Ec2InstanceMetadata") return Source(InstanceMetadata{});
  return fail(refuse("bad_credential_source",
                     fmt::format("credential_source = {} of profile {} is not known", printable(setting.value),
                                 printable(profile.name)),
                     "write Environment, EcsContainer or Ec2InstanceMetadata", set_.place(setting)));
}

Result<Source> ChainResolver::sso(const Profile& profile) const {
  Sso found;
  found.profile = profile.name;
  found.session = profile.text("sso_session");
  found.account_id = profile.text("sso_account_id");
  found.role_name = profile.text("sso_role_name");
  const Section* session = found.session.empty() ? nullptr : set_.find_sso_session(found.session);
  const Section& owner = session == nullptr ? static_cast<const Section&>(profile) : *session;
  found.start_url = owner.text("sso_start_url");
  found.region = owner.text("sso_region");
  found.registration_scopes = owner.text("sso_registration_scopes");
  found.place = set_.place(profile);

  std::vector<std::string_view> missing;
  if (found.start_url.empty()) missing.emplace_back("sso_start_url");
  if (found.region.empty()) missing.emplace_back("sso_region");
  if (!missing.empty()) {
    return fail(refuse("sso_incomplete",
                       fmt::format("{} {} has no {}", session == nullptr ? "profile" : "sso-session",
                                   printable(owner.name), fmt::join(missing, " and no ")),
                       "add it there, as aws configure sso does", set_.place(owner)));
  }
  for (const std::string_view key : {"sso_start_url", "sso_region"}) {
    const std::string_view own = profile.text(key);
    if (session == nullptr || own.empty() || own == session->text(key)) continue;
    return fail(refuse("sso_incomplete",
                       fmt::format("{} of profile {} is not that of sso-session {}", key, printable(profile.name),
                                   printable(session->name)),
                       fmt::format("remove {} from the profile", key), set_.place(*profile.find(key))));
  }
  if (found.account_id.empty()) missing.emplace_back("sso_account_id");
  if (found.role_name.empty()) missing.emplace_back("sso_role_name");
  if (!missing.empty()) {
    return fail(refuse(
        "sso_incomplete",
        fmt::format("profile {} has SSO settings and no {}", printable(profile.name), fmt::join(missing, " and no ")),
        "add it, as aws configure sso does", set_.place(profile)));
  }
  return Source(std::move(found));
}

void ChainResolver::add_role(const Profile& profile) {
  const Setting* arn = profile.find("role_arn");
  if (arn == nullptr || arn->value.empty()) return;
  AssumeRole role;
  role.profile = profile.name;
  role.role_arn = arn->value;
  role.external_id = profile.text("external_id");
  role.mfa_serial = profile.text("mfa_serial");
  role.role_session_name = profile.text("role_session_name");
  role.source_identity = profile.text("source_identity");
  role.place = set_.place(*arn);
  if (const Setting* duration = profile.find("duration_seconds")) {
    const std::optional<std::int64_t> seconds = parse_go_integer(duration->value);
    // The bound keeps later arithmetic in milliseconds from overflowing; no duration comes near it.
    if (seconds && *seconds > 0 && *seconds <= std::numeric_limits<std::int32_t>::max()) {
      role.duration = std::chrono::seconds(*seconds);
    } else {
      remark(*duration, Severity::warning, "bad_duration",
             fmt::format("duration_seconds of profile {} is not a number of seconds and is not used",
                         printable(profile.name)),
             "write a whole number, for example 3600");
    }
  }
  chain_.roles.push_back(std::move(role));
}

void ChainResolver::remark(const Setting& setting, Severity severity, std::string_view topic, std::string message,
                           std::string next) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.place = set_.place(setting);
  diagnostic.message = std::move(message);
  diagnostic.next = std::move(next);
  diagnostic.topic = topic;
  diagnostic.subject = setting.key;
  chain_.diagnostics.push_back(std::move(diagnostic));
}

Error ChainResolver::not_found() const {
  const std::string& name = path_.back();
  std::string next;
  for (const Diagnostic& diagnostic : set_.diagnostics) {
    const bool wrong_header = diagnostic.topic == "bare_section" || diagnostic.topic == "prefixed_section";
    if (wrong_header && diagnostic.subject == name) {
      next = fmt::format("{} ({}: {})", diagnostic.next, diagnostic.place, diagnostic.message);
    }
  }
  const auto same_letters = [](std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&lower](char x, char y) { return lower(x) == lower(y); });
  };
  if (next.empty()) {
    for (const Profile& profile : set_.profiles) {
      if (same_letters(profile.name, name) || profile.name == "\"" + name + "\"") {
        next = fmt::format("there is a profile {} at {}; write its name exactly so", printable(profile.name),
                           set_.place(profile));
      }
    }
  }
  if (top()) {
    if (next.empty()) next = "`tollgate profiles` lists them";
    return Error(Code::not_found, fmt::format("there is no profile {} in {} or {}", printable(name), set_.files.config,
                                              set_.files.credentials))
        .do_next(std::move(next))
        .because("profile_not_found");
  }
  if (next.empty()) next = "correct source_profile, or store keys under that name with tollgate keys";
  return Error(Code::not_found, fmt::format("the source_profile {} of profile {} does not exist", printable(name),
                                            printable(path_[path_.size() - 2])))
      .do_next(std::move(next))
      .at(set_.place(*referrer_))
      .because("source_not_found");
}

Error ChainResolver::no_credentials(const Profile& profile) const {
  if (again_) {
    return refuse("source_cycle", fmt::format("the source profiles form a circle without keys: {}", path()),
                  "let the last source_profile name a profile with keys", set_.place(*referrer_));
  }
  const std::string place = top() ? set_.place(profile) : set_.place(*referrer_);
  const std::string message =
      top() ? fmt::format("profile {} says nothing about credentials", printable(profile.name))
            : fmt::format("the source profile {} says nothing about credentials", printable(profile.name));
  return Error(Code::not_found, message)
      .do_next(
          "store keys under that name with tollgate keys, or add source_profile with role_arn, SSO settings or "
          "credential_process")
      .at(place)
      .because("no_credentials");
}

}  // namespace

Result<Chain> resolve_chain(const ProfileSet& set, std::string_view profile, const Environment& environment,
                            const HasVaultKeys& has_vault_keys) {
  return ChainResolver(set, environment, has_vault_keys).run(profile);
}

std::string first_mfa_serial(const Chain& chain) {
  if (!chain.source_mfa_serial.empty()) return chain.source_mfa_serial;
  for (const AssumeRole& role : chain.roles) {
    if (!role.mfa_serial.empty()) return role.mfa_serial;
  }
  return {};
}

}  // namespace tollgate::aws
