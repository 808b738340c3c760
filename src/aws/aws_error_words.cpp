#include "aws/aws_error_words.h"

#include <algorithm>

namespace tollgate::aws {
namespace {

using Kind = MappedKind;

std::string named(std::string_view what, std::string_view name) {
  return name.empty() ? std::string(what) : fmt::format("{} {}", what, name);
}

std::string operation_of(const CallContext& context) {
  return context.operation.empty() ? "the call" : context.operation;
}

// AWS's own sentence, without its full stop, where it says more than ours.
std::string quoted(const ErrorAnswer& answer) {
  std::string text = answer.message;
  while (text.ends_with('.') || text.ends_with(' '))
    text.pop_back();
  return text.empty() ? "" : fmt::format(" (AWS: {})", text);
}

bool is_session(const CallContext& context) {
  return context.access_key_id.starts_with("ASIA");
}

ErrorWords mfa_words(Kind kind, const CallContext& context) {
  const std::string device = named("MFA device", context.serial_number);
  if (kind == Kind::mfa_code_refused) {
    return {fmt::format("AWS refused the one-time code of {}: it is wrong, too old, or was used before", device),
            "wait for the next code of this device and type that one"};
  }
  if (kind == Kind::mfa_incomplete) {
    return {"AWS got only one of the MFA device's serial and the one-time code", "set mfa_serial for this profile"};
  }
  ErrorWords words{
      fmt::format("AWS does not accept {} for this user", device),
      "check that mfa_serial is a device of the user whose access key this is; if it is, resynchronise the "
      "device in the IAM console"};
  if (context.serial_number.find(":user/") != std::string::npos) {
    words.next = "mfa_serial names a user; a device reads arn:aws:iam::ACCOUNT:mfa/NAME";
  }
  return words;
}

ErrorWords clock_words(const ErrorAnswer& answer, const CallContext& context) {
  std::string message = "AWS refused the time of the request: this machine's clock is more than 15 minutes off";
  if (answer.date && context.now != TimePoint()) {
    const Duration behind = *answer.date - context.now;
    message = fmt::format("AWS refused the time of the request: this machine's clock is {} {} AWS's",
                          format_duration(std::chrono::abs(behind)), behind > Duration(0) ? "behind" : "ahead of");
  }
  return {message, "set the clock (timedatectl set-ntp true), then try again"};
}

ErrorWords validation_words(const ErrorAnswer& answer, const CallContext& context) {
  if (contains_ignoring_case(answer.message, "tokenCode"))
    return {"AWS does not take this for a one-time code", "type the six digits"};
  if (contains_ignoring_case(answer.message, "serialNumber")) {
    return {fmt::format("AWS does not take {} for an MFA device", named("the serial", context.serial_number)),
            "correct mfa_serial: arn:aws:iam::ACCOUNT:mfa/NAME, or what is printed on a hardware device"};
  }
  if (contains_ignoring_case(answer.message, "durationSeconds")) {
    return {"AWS does not accept the session's duration" + quoted(answer),
            "ask for at least 15m; at most 36h for a session, 12h for a role"};
  }
  if (contains_ignoring_case(answer.message, "roleSessionName")) {
    return {"AWS does not accept the role session name" + quoted(answer),
            "use 2 to 64 of the characters A-Z a-z 0-9 _ + = , . @ -"};
  }
  return {fmt::format("AWS found {} malformed{}", operation_of(context), quoted(answer)),
          "correct the profile's settings"};
}

ErrorWords key_words(Kind kind, const ErrorAnswer& answer, const CallContext& context) {
  const std::string key = named("the access key", context.access_key_id);
  if (kind == Kind::session_credentials_refused) {
    return {fmt::format("AWS refused {}: {} belongs to a session, and this call needs a long-term key",
                        operation_of(context), key),
            "use the user's own access key here, not temporary credentials"};
  }
  if (kind == Kind::expired_token) {
    return {context.operation == "AssumeRoleWithWebIdentity" ? "the web identity token has expired"
                                                             : "the session that signed the call has expired",
            "fetch it anew and try again"};
  }
  if (kind == Kind::key_unknown && is_session(context)) {
    return {fmt::format("AWS does not know the session of {}, or does not accept it {}", key,
                        context.region.empty() ? "here" : "in " + context.region),
            "start a new session; sessions from the global STS endpoint are not valid in opt-in regions"};
  }
  if (kind == Kind::key_unknown) {
    return {fmt::format("AWS does not know {}: it was deleted, made inactive, or is of another partition", key),
            "check the key in the IAM console, or replace it"};
  }
  if ((answer.code == "SignatureDoesNotMatch" || answer.code == "InvalidSignatureException")) {
    return {fmt::format("the secret key does not belong to {}", key), "enter the key pair again"};
  }
  return {fmt::format("the signature of {} did not reach AWS as it was sent", operation_of(context)),
          "check whether a proxy changes requests"};
}

ErrorWords permission_words(Kind kind, const ErrorAnswer& answer, const CallContext& context) {
  const std::string what = context.role_arn.empty() ? operation_of(context) : "assuming " + context.role_arn;
  if (kind == Kind::explicit_deny) {
    return {fmt::format("a policy forbids {} by an explicit deny{}", what, quoted(answer)),
            "ask whoever owns the policy; a deny without MFA is lifted by a session with MFA"};
  }
  if (!context.role_arn.empty()) {
    return {fmt::format("AWS does not allow {}{}", what, quoted(answer)),
            "check the role's name and account, that its trust policy names the caller (with its conditions on MFA and "
            "external id), and that the caller may call sts:AssumeRole on it"};
  }
  return {fmt::format("AWS does not allow {}{}", what, quoted(answer)), "ask for the permission"};
}

ErrorWords other_words(const ErrorAnswer& answer, const CallContext& context) {
  if (answer.html || answer.status == 407) {
    return {fmt::format("a web page came instead of an answer of AWS (HTTP status {})", answer.status),
            "check the proxy (HTTPS_PROXY, NO_PROXY), a captive portal, and the endpoint URL"};
  }
  if (answer.status >= 300 && answer.status < 400) {
    return {fmt::format("the endpoint redirects elsewhere (HTTP status {}), which is not followed", answer.status),
            "correct the endpoint URL"};
  }
  if (answer.code.empty()) {
    return {fmt::format("{} failed with HTTP status {} and no reason", operation_of(context), answer.status),
            "check the endpoint URL"};
  }
  return {fmt::format("AWS refused {}: {}{}", operation_of(context), answer.code, quoted(answer)), ""};
}

}  // namespace

bool contains_ignoring_case(std::string_view text, std::string_view fragment) {
  return std::search(text.begin(), text.end(), fragment.begin(), fragment.end(), [](char a, char b) {
           const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
           return lower(a) == lower(b);
         }) != text.end();
}

ErrorWords unanswered_words(const ErrorAnswer& answer, const CallContext& context) {
  const std::string what = answer.status == 0 ? "no complete answer came"
                                              : fmt::format("the service failed with HTTP status {}", answer.status);
  if (context.carried_code) {
    return {fmt::format("the one-time code was sent with {} and {}: it counts as used", operation_of(context), what),
            "wait for the next code and type that one"};
  }
  return {fmt::format("{} was sent and {}", operation_of(context), what), "try again in a moment"};
}

ErrorWords words_for(Kind kind, const ErrorAnswer& answer, const CallContext& context) {
  switch (kind) {
    case Kind::mfa_code_refused:
    case Kind::mfa_device_unknown:
    case Kind::mfa_incomplete:
      return mfa_words(kind, context);
    case Kind::not_authorized:
    case Kind::explicit_deny:
      return permission_words(kind, answer, context);
    case Kind::session_credentials_refused:
    case Kind::key_unknown:
    case Kind::signature_wrong:
    case Kind::expired_token:
      return key_words(kind, answer, context);
    case Kind::clock_skew:
      return clock_words(answer, context);
    case Kind::validation:
      return validation_words(answer, context);
    case Kind::chaining_limit:
      return {"AWS gives a role at most 1h when a session asks for it (role chaining)",
              "ask for 1h or less, or assume the role with the one-time code directly"};
    case Kind::role_max_duration:
      return {fmt::format("{} does not allow a session as long as that", named("the role", context.role_arn)),
              "ask for less, or raise the role's maximum session duration"};
    case Kind::throttled:
      return {fmt::format("AWS is throttling {}: too many calls in a short time", operation_of(context)),
              "wait a few seconds and try again"};
    case Kind::region_disabled:
      return {fmt::format("STS is not active for this account in {}",
                          context.region.empty() ? "the region" : context.region),
              "choose another region, or activate STS there in the IAM console's account settings"};
    case Kind::web_identity_refused:
      return {"AWS does not accept the web identity token" + quoted(answer),
              "check the identity provider in IAM and the token's audience"};
    case Kind::policy_too_large:
      return {"the session policy and tags are too large together" + quoted(answer), "shorten the policy or the tags"};
    case Kind::outcome_unknown:
      return unanswered_words(answer, context);
    default:
      return other_words(answer, context);
  }
}

}  // namespace tollgate::aws
