#include "sandbox/policy/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/json/value.h"
#include "sandbox/policy/ascii.h"
#include "sandbox/policy/condition.h"
#include "sandbox/policy/written_policy.h"

namespace tollgate::policy {
namespace {

// The six parts of a resource as far as they are written; the last takes all further colons.
std::vector<std::string_view> split_arn(std::string_view arn) {
  std::vector<std::string_view> parts;
  while (parts.size() < 5) {
    const std::size_t colon = arn.find(':');
    parts.push_back(arn.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    arn.remove_prefix(colon + 1);
  }
  parts.push_back(arn);
  return parts;
}

bool is_pattern(std::string_view part) {
  return part.find_first_of("*?$") != std::string_view::npos;
}

bool is_partition(std::string_view part) {
  return part == "aws" || part.substr(0, 4) == "aws-" || is_pattern(part);
}

// What IAM calls legacy parsing: an ARN with empty parts needs all six, and its service must be there.
bool passes_legacy_parsing(std::string_view resource) {
  if (resource == "*") return true;
  const auto parts = split_arn(resource);
  if (parts.size() < 6 && resource.find("::") != std::string_view::npos) return false;
  return parts.size() < 3 || !parts[2].empty();
}

// The sentence with which IAM refuses a resource; empty: it is fine.
std::string resource_complaint(std::string_view resource) {
  if (resource == "*") return "";
  const auto parts = split_arn(resource);
  if (parts.size() < 2) return fmt::format("Resource {} must be in ARN format or \"*\".", resource);
  if (!is_partition(parts[1])) {
    std::string completed = "arn";
    for (std::size_t i = 1; i < 6; ++i)
      completed += fmt::format(":{}", i < parts.size() ? parts[i] : "*");
    return fmt::format("Partition \"{}\" is not valid for resource \"{}\".", parts[1], completed);
  }
  if (parts.size() < 3) return "Resource vendor must be fully qualified and cannot contain regexes.";
  const std::string_view service = parts[2];
  if (parts.size() > 3 && !parts[3].empty() && parts[3] != "*") {
    if (service == "iam") return fmt::format("IAM resource {} cannot contain region information.", resource);
    if (service == "s3" && parts.size() > 4 && parts[4].empty())
      return fmt::format("Resource {} can not contain region information.", resource);
  }
  if (service == "iam" && parts.size() == 6 && !is_pattern(parts[5].substr(0, parts[5].find('/')))) {
    constexpr std::array<std::string_view, 13> kPaths{"user/",
                                                      "federated-user/",
                                                      "role/",
                                                      "group/",
                                                      "instance-profile/",
                                                      "mfa/",
                                                      "server-certificate/",
                                                      "policy/",
                                                      "sms-mfa/",
                                                      "saml-provider/",
                                                      "oidc-provider/",
                                                      "report/",
                                                      "access-report/"};
    const auto begins = [&](std::string_view path) { return parts[5].substr(0, path.size()) == path; };
    if (parts[5] != "root" && std::none_of(kPaths.begin(), kPaths.end(), begins)) {
      return fmt::format("IAM resource path must either be \"*\" or start with {}.", fmt::join(kPaths, ", "));
    }
  }
  return "";
}

std::string action_complaint(std::string_view action) {
  if (action == "*") return "";
  const auto colons = std::count(action.begin(), action.end(), ':');
  if (colons == 0) return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  if (colons > 1) return "Actions/Condition can contain only one colon.";
  const std::string_view vendor = action.substr(0, action.find(':'));
  const auto allowed = [](char c) {
    const char lower = to_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  // "*:*" is all of AWS.
  if (vendor != "*" && !std::all_of(vendor.begin(), vendor.end(), allowed)) {
    return fmt::format("Vendor {} is not valid", vendor);
  }
  return "";
}

bool is_aws_principal(std::string_view name) {
  if (name == "*" || (name.size() == 12 && all_digits(name))) return true;
  if (name.substr(0, 4) != "arn:") {  // a unique id, into which AWS turns users and roles that were deleted
    const std::string_view kind = name.substr(0, 4);
    return name.size() >= 16 && (kind == "AIDA" || kind == "AROA" || kind == "AGPA" || kind == "AIPA");
  }
  const auto parts = split_arn(name);
  if (parts.size() != 6 || is_pattern(name) || !is_partition(parts[1]) || !parts[3].empty()) return false;
  if (parts[4].size() != 12 || !all_digits(parts[4])) return false;
  const auto begins = [&](std::string_view path) {
    return parts[5].size() > path.size() && parts[5].substr(0, path.size()) == path;
  };
  if (parts[2] == "iam") return parts[5] == "root" || begins("user/") || begins("role/");
  return parts[2] == "sts" && (begins("assumed-role/") || begins("federated-user/"));
}

Result<void> check_principal_names(const WrittenStatement& written) {
  const Statement& statement = written.statement;
  if (!statement.principal) return {};
  const std::string at = written.pointer + (statement.not_principal ? "/NotPrincipal/AWS" : "/Principal/AWS");
  for (const std::string& name : statement.principal->aws) {
    if (is_aws_principal(name)) continue;
    return malformed(fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", name), at,
                     "name a 12-digit account, a user, role or session ARN without wildcards, or \"*\"");
  }
  return {};
}

Result<void> check_dates(const WrittenStatement& written) {
  for (const Condition& condition : written.statement.conditions) {
    if (condition.operator_name.substr(0, 4) != "Date") continue;
    for (const std::string& value : condition.values) {
      if (is_condition_date(value)) continue;
      return malformed(
          "The policy failed legacy parsing",
          member_pointer(member_pointer(written.pointer + "/Condition", condition.operator_text()), condition.key),
          fmt::format("\"{}\" is no date", value));
    }
  }
  return {};
}

Result<void> check_sids(const WrittenPolicy& written, std::string_view duplicate_sentence) {
  std::set<std::string_view> seen;
  for (const WrittenStatement& one : written.statements) {
    const std::string& sid = one.statement.sid;
    if (!sid.empty() && !seen.insert(sid).second) {
      return malformed(std::string(duplicate_sentence), one.pointer + "/Sid");
    }
    const auto allowed = [](char c) {
      const char lower = to_lower(c);
      return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
    };
    if (!std::all_of(sid.begin(), sid.end(), allowed)) {
      return malformed(
          "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
          "[0-9A-Za-z]*",
          one.pointer + "/Sid");
    }
  }
  return {};
}

std::string action_name(const Statement& statement) {
  return statement.not_action ? "/NotAction" : "/Action";
}
std::string resource_name(const Statement& statement) {
  return statement.not_resource ? "/NotResource" : "/Resource";
}

// Legacy parsing fails at once; the first other complaint is handed back, because IAM has more urgent ones.
Result<std::optional<Error>> check_resources(const WrittenPolicy& written) {
  std::optional<Error> first;
  for (const WrittenStatement& one : written.statements) {
    const std::string at = one.pointer + resource_name(one.statement);
    for (const std::string& resource : one.statement.resources) {
      std::string complaint = resource_complaint(resource);
      if (!complaint.empty() && !first) first = malformed(std::move(complaint), at).value();
      if (first || passes_legacy_parsing(resource)) continue;
      return malformed("The policy failed legacy parsing", at,
                       fmt::format("\"{}\" is no ARN: arn:partition:service:region:account:resource", resource));
    }
  }
  return first;
}

// Policies of users, roles and buckets, in the order in which IAM looks for errors.
Result<void> check_permissions(const WrittenPolicy& written, Kind kind) {
  const bool identity = kind == Kind::identity || kind == Kind::managed;
  if (kind == Kind::managed && written.version != "2012-10-17") {
    return malformed("Policy document must be version 2012-10-17 or greater.", "/Version");
  }
  for (const WrittenStatement& one : written.statements) {
    if (!one.has_effect) return syntax_error(one.pointer, "add Effect: Allow or Deny");
    if (identity && one.statement.principal) {
      return malformed("Policy document should not specify a principal.", one.pointer,
                       "a principal belongs into a trust or bucket policy");
    }
    if (kind == Kind::resource && !one.statement.principal) {
      return malformed("Missing required field Principal", one.pointer);
    }
  }
  for (const WrittenStatement& one : written.statements) {
    if (one.effect != "Allow" && one.effect != "Deny") {
      return malformed("The policy failed legacy parsing", one.pointer + "/Effect", "write Allow or Deny in this case");
    }
    TG_CHECK(check_dates(one));
  }
  TG_TRY(const auto wrong_resource, check_resources(written));
  TG_CHECK(check_sids(written, "Statement IDs (SID) in a single policy must be unique."));
  for (const WrittenStatement& one : written.statements) {
    if (one.statement.actions.empty()) return malformed("Policy statement must contain actions.", one.pointer);
  }
  if (wrong_resource) return fail(*wrong_resource);
  for (const WrittenStatement& one : written.statements) {
    for (const std::string& action : one.statement.actions) {
      const std::string complaint = action_complaint(action);
      if (!complaint.empty()) return malformed(complaint, one.pointer + action_name(one.statement));
    }
    if (kind != Kind::any && one.statement.resources.empty()) {
      return malformed("Policy statement must contain resources.", one.pointer);
    }
    TG_CHECK(check_principal_names(one));
  }
  return {};
}

Result<void> check_trust_statement(const WrittenStatement& one) {
  const Statement& statement = one.statement;
  if (!one.has_effect) return malformed("Missing required field Effect", one.pointer);
  if (one.effect != "Allow" && one.effect != "Deny") {
    return malformed(fmt::format("Invalid effect: {}", one.effect), one.pointer + "/Effect");
  }
  if (statement.not_principal) {
    return malformed(statement.effect == Effect::allow ? "Allow with NotPrincipal is not allowed."
                                                       : "AssumeRole policy must not contain NotPrincipal field.",
                     one.pointer + "/NotPrincipal");
  }
  if (!statement.principal) return malformed("Missing required field Principal", one.pointer);
  const PrincipalElement& principal = *statement.principal;
  if (!principal.everyone && principal.aws.empty() && principal.services.empty() && principal.federated.empty()) {
    return malformed("Missing required field Principal cannot be empty!", one.pointer + "/Principal");
  }
  TG_CHECK(check_principal_names(one));
  if (statement.actions.empty()) return malformed("Missing required field Action", one.pointer);
  for (const std::string& action : statement.actions) {
    if (equal_ignoring_case(std::string_view(action).substr(0, 4), "sts:")) continue;
    return malformed("AssumeRole policy may only specify STS AssumeRole actions.",
                     one.pointer + action_name(statement));
  }
  if (one.has_resource) {
    return malformed(
        statement.not_resource ? "AssumeRole policy must not contain resources." : "Has prohibited field Resource",
        one.pointer + resource_name(statement), "a trust policy speaks of its own role only");
  }
  return check_dates(one);
}

Result<void> check_trust(const WrittenPolicy& written) {
  for (const WrittenStatement& one : written.statements)
    TG_CHECK(check_trust_statement(one));
  return check_sids(written, "The Statement Ids in the policy are not unique");
}

}  // namespace

std::string Condition::operator_text() const {
  const std::string_view prefix = set_operator == SetOperator::for_all_values  ? "ForAllValues:"
                                  : set_operator == SetOperator::for_any_value ? "ForAnyValue:"
                                                                               : "";
  return fmt::format("{}{}{}", prefix, operator_name, if_exists ? "IfExists" : "");
}

Result<Policy> parse_policy(std::string_view json_text, Kind kind) {
  auto root = json::parse(json_text);
  if (!root) {
    return malformed(kind == Kind::trust ? "This policy contains invalid Json" : "Syntax errors in policy.", "",
                     root.error().message);
  }
  TG_TRY(auto written, read_written_policy(*root));
  if (kind == Kind::trust) {
    TG_CHECK(check_trust(written));
  } else {
    TG_CHECK(check_permissions(written, kind));
  }
  Policy policy;
  policy.id = std::move(written.id);
  policy.variables = written.version == "2012-10-17";
  for (WrittenStatement& one : written.statements) {
    // IAM reads the first part of a resource as "arn", whatever stands there.
    for (std::string& resource : one.statement.resources) {
      if (resource != "*") resource.replace(0, resource.find(':'), "arn");
    }
    policy.statements.push_back(std::move(one.statement));
  }
  return policy;
}

}  // namespace tollgate::policy
