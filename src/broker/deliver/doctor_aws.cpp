#include <algorithm>
#include <chrono>

#include "aws/iam_client.h"
#include "aws/profile_diagnostics.h"
#include "broker/deliver/doctor_checks.h"

namespace tollgate::deliver {
namespace {

using std::chrono::seconds;

constexpr Duration kVisibleSkew{30000};       // a TOTP step: codes computed on this machine begin to be refused
constexpr Duration kIntolerableSkew{300000};  // most services of AWS refuse from here on; STS from 15 min
constexpr std::string_view kOffline = "no network was wanted";

Result<aws::Endpoint> endpoint_of(const Surroundings& around, const Target& target, std::string_view service) {
  const aws::Environment lookup = [&](std::string_view name) { return around.environment.get(name); };
  std::string region;
  if (target.chain) region = target.chain->region.empty() ? target.chain->source_region : target.chain->region;
  if (region.empty())
    region = around.environment.get_or("AWS_REGION", around.environment.get_or("AWS_DEFAULT_REGION", ""));
  return aws::endpoint_for(service, region, lookup, **around.profiles, (*around.profiles)->find(around.profile));
}

aws::StsClient sts_client(const Surroundings& around, const aws::Endpoint& endpoint, Duration offset) {
  aws::StsOptions options;
  options.attempts = 2;
  options.clock_offset = offset;
  return aws::StsClient(around.network(), around.clock, endpoint, options);
}

std::string in_seconds(Duration duration) {
  return format_duration(Duration(std::abs(duration.count())));
}

}  // namespace

Check check_endpoint(const Surroundings& around, const Target& target, Reached& reached) {
  CheckBuilder builder("endpoint", "STS endpoint");
  if (!around.profiles) return builder.skip("the files cannot be read");
  const auto endpoint = endpoint_of(around, target, "STS");
  if (!endpoint) {
    builder.fail(endpoint.error());
    return builder.done("");
  }
  if (!around.network) return builder.skip(fmt::format("{}: {}", endpoint->url, kOffline));
  // An unsigned question costs nothing and is answered by a redirect or a refusal, with a Date.
  net::Request request;
  request.url = endpoint->url + "/";
  request.total_timeout = std::chrono::milliseconds(10000);
  const TimePoint before = around.clock.now();
  const auto answer = around.network().send(request);
  if (!answer) {
    const Error& error = answer.error().error;
    builder.add(
        CheckStatus::fail, endpoint->url, error.message,
        error.next.empty() ? "check proxy (HTTPS_PROXY, NO_PROXY), name resolution and AWS_CA_BUNDLE" : error.next);
    return builder.done("");
  }
  const TimePoint after = around.clock.now();
  const std::string* date = net::find_header(answer->headers, "date");
  if (const auto theirs = date == nullptr ? std::nullopt : parse_http_date(*date)) {
    reached.answered = true;
    // The Date has whole seconds: within the exchange there is no skew to speak of.
    const TimePoint ours = before + (after - before) / 2;
    const Duration skew = *theirs - ours;
    reached.skew = std::abs(skew.count()) <= 1000 + (after - before).count() ? Duration(0) : skew;
  }
  if (endpoint->configured) {
    builder.add(CheckStatus::ok, endpoint->url, "this address comes from a variable or a profile, not from AWS's rules",
                "");
  }
  return builder.done(fmt::format("{} answers in {} ms", endpoint->url, (after - before).count()));
}

Check check_clock(const Surroundings& around, const Reached& reached) {
  CheckBuilder builder("clock", "clock");
  if (!around.network) return builder.skip(std::string(kOffline));
  if (!reached.answered) return builder.skip("the endpoint told no time");
  const Duration off(std::abs(reached.skew.count()));
  const std::string_view direction = reached.skew > Duration(0) ? "behind" : "ahead of";
  if (off >= kIntolerableSkew) {
    builder.add(CheckStatus::fail, "",
                fmt::format("the clock of this machine is {} {} AWS: tollgate corrects for it, other programs are "
                            "refused",
                            in_seconds(off), direction),
                "set the clock: `timedatectl set-ntp true`");
  } else if (off >= kVisibleSkew) {
    builder.add(CheckStatus::warn, "",
                fmt::format("the clock of this machine is {} {} AWS: one-time codes made here may be refused",
                            in_seconds(off), direction),
                "set the clock: `timedatectl set-ntp true`");
  }
  return builder.done(off.count() == 0 ? "agrees with AWS" : fmt::format("{} {} AWS", in_seconds(off), direction));
}

Check check_credentials(const Surroundings& around, const Target& target, const Reached& reached, Caller& caller) {
  CheckBuilder builder("credentials", "long-term keys");
  if (!target.chain) return builder.skip("the profile cannot be resolved");
  std::optional<aws::Credentials> keys;
  if (const auto* stored = std::get_if<aws::VaultKeys>(&target.chain->source)) {
    if (!around.network) return builder.skip(std::string(kOffline));
    if (!around.vault_keys) return builder.skip("the stored keys are not looked at");
    auto opened = around.vault_keys(*stored);
    if (!opened && (opened.error().code == Code::needs_person || opened.error().code == Code::cancelled)) {
      return builder.skip(opened.error().message);
    }
    if (!opened) {
      builder.fail(opened.error());
      return builder.done("");
    }
    keys = std::move(*opened);
  } else if (const auto* in_file = std::get_if<aws::StaticKeys>(&target.chain->source)) {
    if (!in_file->credentials.temporary()) keys = in_file->credentials;
  }
  if (!keys) return builder.skip("the profile does not start from long-term keys");
  if (!around.network) return builder.skip(std::string(kOffline));
  const auto endpoint = endpoint_of(around, target, "STS");
  if (!endpoint || !reached.answered) return builder.skip("the endpoint is not reached");
  aws::StsClient sts = sts_client(around, *endpoint, around.clock_offset);
  auto identity = sts.get_caller_identity(*keys);
  caller.clock_offset = sts.clock_offset();
  if (!identity) {
    builder.fail(identity.error().error);
    return builder.done("");
  }
  caller.keys = std::move(keys);
  caller.arn = identity->arn;
  if (identity->arn.ends_with(":root")) {
    builder.add(CheckStatus::warn, "", "these are the keys of the account's root user, which no policy can limit",
                "make an IAM user for daily work and delete the root user's keys");
  }
  return builder.done(fmt::format("accepted: {}", identity->arn));
}

Check check_user_devices(const Surroundings& around, const Target& target, const Caller& caller) {
  CheckBuilder builder("user-devices", "devices of the user");
  if (!caller.keys || !target.chain) return builder.skip("there are no keys to ask with");
  const auto endpoint = endpoint_of(around, target, "IAM");
  if (!endpoint) return builder.skip(endpoint.error().message);
  aws::IamClient iam(around.network(), around.clock, *endpoint, caller.clock_offset);
  const auto devices = iam.list_mfa_devices(*caller.keys);
  if (!devices) return builder.skip("AWS does not let the keys list them without MFA");
  const std::string serial = aws::first_mfa_serial(*target.chain);
  std::string all;
  bool usable = false;
  bool known = false;
  for (const aws::MfaDevice& device : *devices) {
    all += (all.empty() ? "" : ", ") + device.serial_number;
    usable |= aws::mfa_serial_form(device.serial_number) != aws::MfaSerialForm::security_key;
    known |= device.serial_number == serial;
  }
  if (devices->empty()) {
    builder.add(serial.empty() ? CheckStatus::warn : CheckStatus::fail, "", "the user has no MFA device",
                "add a virtual device to the user in IAM");
  } else if (!usable) {
    builder.add(CheckStatus::fail, "", "the user has security keys only, which cannot be used through the API",
                "add a virtual device to the user in IAM; AWS allows eight devices");
  } else if (!serial.empty() && !known) {
    builder.add(CheckStatus::fail, "", fmt::format("{} is no device of this user", serial),
                fmt::format("write mfa_serial = one of: {}", all));
  } else if (serial.empty()) {
    builder.add(CheckStatus::ok, "", fmt::format("the profile names no device; the user has {}", all), "");
  }
  return builder.done(all);
}

Check check_gate(const Surroundings& around, const Target& target, const Caller& caller) {
  CheckBuilder builder("gate", "MFA gate");
  if (!target.chain) return builder.skip("the profile cannot be resolved");
  if (target.chain->roles.empty()) {
    return builder.skip("no role is assumed; whether the user's own policies demand MFA cannot be seen from here");
  }
  if (!around.network) return builder.skip(std::string(kOffline));
  if (!caller.keys) return builder.skip("there are no long-term keys to try with");
  const auto endpoint = endpoint_of(around, target, "STS");
  if (!endpoint) return builder.skip(endpoint.error().message);
  const aws::AssumeRole& role = target.chain->roles.front();
  const bool expects_mfa = !aws::first_mfa_serial(*target.chain).empty();

  aws::AssumeRoleRequest request;
  request.role_arn = role.role_arn;
  request.external_id = role.external_id;
  request.source_identity = role.source_identity;
  request.session_name = "tollgate-doctor";
  request.duration = seconds(900);
  const auto answer = sts_client(around, *endpoint, caller.clock_offset).assume_role(*caller.keys, request);
  if (answer) {
    builder.add(
        expects_mfa ? CheckStatus::fail : CheckStatus::warn, role.place,
        fmt::format("AWS let the bare keys into {} without any code: whoever has the keys has the role", role.role_arn),
        "give the role the trust policy below; its owner does that with `aws iam update-assume-role-policy`");
    return builder.done("");
  }
  const aws::MappedKind kind = answer.error().kind;
  if (kind != aws::MappedKind::not_authorized && kind != aws::MappedKind::explicit_deny) {
    builder.add(CheckStatus::warn, role.place, fmt::format("could not be tried: {}", answer.error().error.message),
                answer.error().error.next);
    return builder.done("");
  }
  if (!expects_mfa) {
    builder.add(
        CheckStatus::warn, role.place,
        fmt::format("AWS refuses {} to the bare keys, and the profile names no mfa_serial", role.role_arn),
        "if the role demands MFA, add mfa_serial; if not, its trust policy or your permissions do not allow it");
    return builder.done("");
  }
  return builder.done(
      fmt::format("{} is closed without a code (a wrong ARN is refused alike; `tollgate whoami {}` "
                  "shows that it opens with one)",
                  role.role_arn, around.profile));
}

}  // namespace tollgate::deliver
