#include "broker/deliver/doctor.h"

#include <algorithm>

#include "broker/deliver/doctor_checks.h"

namespace tollgate::deliver {
namespace {

int weight(CheckStatus status) {
  switch (status) {
    case CheckStatus::skipped:
    case CheckStatus::ok:
      return 0;
    case CheckStatus::warn:
      return 1;
    case CheckStatus::fail:
      return 2;
  }
  return 2;
}

// The principal to let in: the user that was seen, else the account that the device belongs to.
std::string principal_of(const Caller& caller, const aws::Chain& chain) {
  if (!caller.arn.empty()) return caller.arn;
  const std::string serial = aws::first_mfa_serial(chain);
  const std::size_t at = serial.find(":mfa/");
  if (!serial.starts_with("arn:") || at == std::string::npos) return "arn:aws:iam::YOUR-ACCOUNT:root";
  return serial.substr(0, at) + ":root";
}

}  // namespace

std::string_view check_status_name(CheckStatus status) {
  switch (status) {
    case CheckStatus::ok:
      return "ok";
    case CheckStatus::warn:
      return "warn";
    case CheckStatus::fail:
      return "fail";
    case CheckStatus::skipped:
      return "skipped";
  }
  return "fail";
}

void CheckBuilder::add(CheckStatus status, std::string place, std::string message, std::string fix) {
  if (weight(status) > weight(check_.status)) check_.status = status;
  check_.findings.push_back({status, std::move(place), std::move(message), std::move(fix)});
}

Check CheckBuilder::done(std::string message_if_ok) {
  if (check_.status == CheckStatus::ok) {
    check_.message = std::move(message_if_ok);
  } else {
    // The worst finding speaks for the check.
    const auto worst = std::find_if(check_.findings.begin(), check_.findings.end(),
                                    [&](const Finding& finding) { return finding.status == check_.status; });
    check_.message = worst->message;
  }
  return std::move(check_);
}

Check CheckBuilder::skip(std::string why) {
  check_.status = CheckStatus::skipped;
  check_.message = std::move(why);
  return std::move(check_);
}

bool Report::failed() const {
  return std::any_of(checks.begin(), checks.end(),
                     [](const Check& check) { return check.status == CheckStatus::fail; });
}

Target target_of(const Surroundings& around) {
  Target target;
  if (!around.profiles) return target;
  const aws::Environment lookup = [&](std::string_view name) { return around.environment.get(name); };
  auto chain = aws::resolve_chain(**around.profiles, around.profile, lookup, around.has_vault_keys);
  if (chain) {
    target.chain = std::move(*chain);
  } else {
    target.error = std::move(chain.error());
  }
  return target;
}

Report examine(const Surroundings& around) {
  Report report;
  const Target target = target_of(around);
  report.checks.push_back(check_files(around));
  report.checks.push_back(check_profile(around, target));
  report.checks.push_back(check_mfa_device(around, target));
  report.checks.push_back(check_durations(around, target));
  report.checks.push_back(check_plain_keys(around));
  report.checks.push_back(check_environment(around));
  report.checks.push_back(check_terraform_code(around));
  report.checks.push_back(check_storage(around));
  report.checks.push_back(check_session_key(around));
  report.checks.push_back(check_stored_keys(around));
  report.checks.push_back(check_overlay(around));
  report.checks.push_back(check_terminal(around));
  report.checks.push_back(check_fetch(around));
  report.checks.push_back(check_programs(around));
  Reached reached;
  Caller caller;
  report.checks.push_back(check_endpoint(around, target, reached));
  report.checks.push_back(check_clock(around, reached));
  report.checks.push_back(check_credentials(around, target, reached, caller));
  report.checks.push_back(check_user_devices(around, target, caller));
  report.checks.push_back(check_gate(around, target, caller));
  if (target.chain && !target.chain->roles.empty()) {
    const aws::AssumeRole& role = target.chain->roles.front();
    report.role_arn = role.role_arn;
    report.trust_policy = mfa_trust_policy(principal_of(caller, *target.chain), role.external_id);
  }
  return report;
}

json::Value to_json(const Report& report) {
  json::Value checks = json::Value::array();
  for (const Check& check : report.checks) {
    json::Value findings = json::Value::array();
    for (const Finding& finding : check.findings) {
      findings.push(json::Value::object({{"status", check_status_name(finding.status)},
                                         {"place", finding.place},
                                         {"message", finding.message},
                                         {"fix", finding.fix}}));
    }
    checks.push(json::Value::object({{"id", check.id},
                                     {"title", check.title},
                                     {"status", check_status_name(check.status)},
                                     {"message", check.message},
                                     {"findings", std::move(findings)}}));
  }
  json::Value value = json::Value::object(
      {{"schema", "tollgate.doctor.v1"}, {"status", report.failed() ? "fail" : "ok"}, {"checks", std::move(checks)}});
  value.set("trust_policy", report.trust_policy.empty()
                                ? json::Value()
                                : json::Value::object({{"role_arn", report.role_arn},
                                                       {"document", json::parse(report.trust_policy).value()}}));
  return value;
}

std::string mfa_trust_policy(std::string_view principal_arn, std::string_view external_id) {
  json::Value condition =
      json::Value::object({{"Bool", json::Value::object({{"aws:MultiFactorAuthPresent", "true"}})}});
  if (!external_id.empty()) {
    condition.set("StringEquals", json::Value::object({{"sts:ExternalId", external_id}}));
  }
  const json::Value statement = json::Value::object({{"Effect", "Allow"},
                                                     {"Principal", json::Value::object({{"AWS", principal_arn}})},
                                                     {"Action", "sts:AssumeRole"},
                                                     {"Condition", std::move(condition)}});
  return json::to_pretty_text(
      json::Value::object({{"Version", "2012-10-17"}, {"Statement", json::Value::array({statement})}}));
}

}  // namespace tollgate::deliver
