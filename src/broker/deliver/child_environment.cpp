#include "broker/deliver/child_environment.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace tollgate::deliver {
namespace {

// Each of these wins over, or stands beside, a profile's credential_process in some SDK.
constexpr std::array<std::string_view, 20> kCredentialVariables = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ACCOUNT_ID",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_DELEGATION_TOKEN",
    "AMAZON_ACCESS_KEY_ID",
};

void set_marks(os::Environment& child, const ChildProfile& profile) {
  child.set("AWS_VAULT", profile.name);
  child.set("TOLLGATE_PROFILE", profile.name);
  child.unset(kRoleDurationVariable);
  child.unset(kNoSessionVariable);
  child.unset("TOLLGATE_PASSPHRASE_FD");  // names a descriptor that the child does not have
  if (!profile.region.empty()) {
    child.set("AWS_REGION", profile.region);
    child.set("AWS_DEFAULT_REGION", profile.region);
  }
}

}  // namespace

std::vector<std::string> credential_variables(const os::Environment& parent) {
  std::vector<std::string> found;
  for (const std::string_view name : kCredentialVariables) {
    if (parent.has(name)) found.emplace_back(name);
  }
  return found;
}

os::Environment without_credentials(const os::Environment& parent) {
  os::Environment child = parent;
  for (const std::string_view name : kCredentialVariables)
    child.unset(name);
  return child;
}

os::Environment overlay_environment(const os::Environment& parent, const ChildProfile& profile,
                                    const Overlay& overlay) {
  os::Environment child = without_credentials(parent);
  set_marks(child, profile);
  child.set("AWS_CONFIG_FILE", overlay.config_file);
  child.set("AWS_SHARED_CREDENTIALS_FILE", overlay.credentials_file);
  child.set("AWS_SDK_LOAD_CONFIG", "1");
  child.set("AWS_PROFILE", profile.stand_in.empty() ? profile.name : profile.stand_in);
  child.set("TOLLGATE_AWS_CONFIG_FILE", profile.real_files.config);
  child.set("TOLLGATE_AWS_SHARED_CREDENTIALS_FILE", profile.real_files.credentials);
  if (profile.wishes.role_duration)
    child.set(kRoleDurationVariable, fmt::format("{}", profile.wishes.role_duration->count()));
  if (!profile.wishes.use_session) child.set(kNoSessionVariable, "1");
  return child;
}

ProfileWishes wishes_for(const os::Environment& environment, std::string_view profile) {
  ProfileWishes wishes;
  if (environment.get("TOLLGATE_PROFILE") != profile) return wishes;
  wishes.use_session = !environment.has(kNoSessionVariable);
  const std::string text = environment.get_or(kRoleDurationVariable, "");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  // The variable is anyone's: what is no duration is no wish.
  if (error == std::errc() && end == text.data() + text.size() && seconds > 0 && seconds <= 1000000000) {
    wishes.role_duration = std::chrono::seconds(seconds);
  }
  return wishes;
}

os::Environment static_environment(const os::Environment& parent, const ChildProfile& profile,
                                   const aws::Credentials& credentials) {
  os::Environment child = without_credentials(parent);
  set_marks(child, profile);
  child.set("AWS_ACCESS_KEY_ID", credentials.access_key_id);
  child.set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.reveal());
  if (credentials.temporary()) child.set("AWS_SESSION_TOKEN", credentials.session_token.reveal());
  if (credentials.expiration) child.set("AWS_CREDENTIAL_EXPIRATION", format_iso8601(*credentials.expiration));
  return child;
}

}  // namespace tollgate::deliver
