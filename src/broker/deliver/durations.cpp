#include "broker/deliver/durations.h"

#include <algorithm>

#include "broker/deliver/credential_broker.h"

namespace tollgate::deliver {
namespace {

using std::chrono::seconds;

bool starts_from_long_term_keys(const aws::Chain& chain) {
  if (const auto* keys = std::get_if<aws::StaticKeys>(&chain.source)) return !keys->credentials.temporary();
  return std::holds_alternative<aws::VaultKeys>(chain.source);
}

// Written as a person would type it: "12h", "15m".
std::string plain(seconds duration) {
  if (duration.count() % 3600 == 0) return fmt::format("{}h", duration.count() / 3600);
  if (duration.count() % 60 == 0) return fmt::format("{}m", duration.count() / 60);
  return fmt::format("{}s", duration.count());
}

void cap(seconds& duration, seconds least, seconds most, std::string_view what, std::string_view rule,
         std::vector<std::string>& notices) {
  const seconds allowed = std::clamp(duration, least, most);
  if (allowed == duration) return;
  notices.push_back(
      fmt::format("{} of {} is not possible: {}; {} is used", what, plain(duration), rule, plain(allowed)));
  duration = allowed;
}

}  // namespace

bool role_takes_code(const aws::Chain& chain, const std::optional<seconds>& wanted, bool use_session) {
  if (chain.roles.size() != 1) return false;
  const std::string serial = aws::first_mfa_serial(chain);
  if (serial.empty()) return false;
  if (!starts_from_long_term_keys(chain)) return !chain.roles.front().mfa_serial.empty();
  if (!use_session) return true;
  return wanted.value_or(chain.roles.front().duration.value_or(kMaxChainedDuration)) > kMaxChainedDuration;
}

std::optional<seconds> effective_duration(const aws::Chain& chain, const std::optional<seconds>& wanted,
                                          std::size_t index, bool caller_is_temporary) {
  auto duration = index + 1 == chain.roles.size() && wanted ? wanted : chain.roles[index].duration;
  if (duration && caller_is_temporary) duration = std::min(*duration, kMaxChainedDuration);
  return duration;
}

std::vector<std::string> cap_durations(aws::Chain& chain, ObtainOptions& options, bool with_code) {
  std::vector<std::string> notices;
  if (options.session_duration) {
    cap(*options.session_duration, kMinDuration, kMaxSessionDuration, "a session",
        "AWS gives GetSessionToken 15m to 36h", notices);
  }
  const bool chained = chain.roles.size() > 1 || (!with_code && !aws::first_mfa_serial(chain).empty()) ||
                       !starts_from_long_term_keys(chain);
  const seconds most = chained ? kMaxChainedDuration : kMaxRoleDuration;
  const std::string_view rule = chained ? "AWS caps roles assumed with temporary credentials at 1h (role chaining)"
                                        : "AWS gives AssumeRole 15m to 12h";
  if (options.role_duration && !chain.roles.empty()) {
    cap(*options.role_duration, kMinDuration, most, "a role session", rule, notices);
  }
  for (aws::AssumeRole& role : chain.roles) {
    const bool overridden = options.role_duration && &role == &chain.roles.back();
    if (role.duration && !overridden) {
      cap(*role.duration, kMinDuration, most, fmt::format("duration_seconds ({}) ", role.place), rule, notices);
    }
  }
  return notices;
}

seconds next_shorter(seconds refused) {
  for (const seconds choice : {seconds(8 * 3600), seconds(4 * 3600), seconds(2 * 3600)}) {
    if (choice < refused) return choice;
  }
  return kMaxChainedDuration;
}

std::string role_limit_remark(std::string_view role_arn, const RoleLimit& limit) {
  return fmt::format("AWS has refused a session of {} of {}: as much or more becomes {} for the time being",
                     plain(limit.refused), role_arn, plain(limit.instead));
}

std::string role_limit_notice(std::string_view role_arn, seconds wanted, seconds used) {
  return fmt::format(
      "a role session of {} is not possible: {} refuses it as longer than its MaxSessionDuration; {} is used. Ask for "
      "less, or have the role's owner raise it",
      plain(wanted), role_arn, plain(used));
}

}  // namespace tollgate::deliver
