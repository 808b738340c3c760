#include <fmt/format.h>

#include "sandbox/policy/ascii.h"
#include "sandbox/policy/evaluate.h"

namespace tollgate::policy {
namespace {

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

std::string_view type_name(PrincipalType type) {
  switch (type) {
    case PrincipalType::root:
      return "Account";
    case PrincipalType::user:
      return "User";
    case PrincipalType::role_session:
      return "AssumedRole";
    case PrincipalType::federated:
      return "FederatedUser";
    case PrincipalType::service:
      return "Service";
    case PrincipalType::anonymous:
      return "Anonymous";
  }
  return "Anonymous";
}

}  // namespace

Result<Principal> principal_from_arn(std::string_view arn) {
  const auto refuse = [&] {
    return fail(Error(Code::invalid, fmt::format("\"{}\" names no principal", arn))
                    .do_next("write the ARN of a user, of an assumed-role session or of an account's root, or a "
                             "service such as ec2.amazonaws.com"));
  };
  Principal principal;
  principal.arn = arn;
  std::string_view rest = arn;
  constexpr std::string_view kServiceSuffix = ".amazonaws.com";
  if (arn.size() > kServiceSuffix.size() && arn.substr(arn.size() - kServiceSuffix.size()) == kServiceSuffix &&
      arn.find(':') == std::string_view::npos) {
    principal.type = PrincipalType::service;
    return principal;
  }
  if (take_until(rest, ':') != "arn") return refuse();
  const std::string_view partition = take_until(rest, ':');
  const std::string_view service = take_until(rest, ':');
  const std::string_view region = take_until(rest, ':');
  const std::string_view account = take_until(rest, ':');
  if (partition.empty() || !region.empty() || account.size() != 12 || !all_digits(account)) return refuse();
  principal.account = account;
  if (service == "iam" && rest == "root") {
    principal.type = PrincipalType::root;
    return principal;
  }
  const std::string_view kind = take_until(rest, '/');
  if (rest.empty()) return refuse();
  if (service == "iam" && kind == "user") {
    principal.type = PrincipalType::user;
    return principal;
  }
  if (service == "sts" && kind == "assumed-role") {
    const std::string_view role = take_until(rest, '/');
    if (role.empty() || rest.empty()) return refuse();
    principal.type = PrincipalType::role_session;
    principal.role_arn = fmt::format("arn:{}:iam::{}:role/{}", partition, account, role);
    return principal;
  }
  return refuse();
}

void add_principal_keys(const Principal& principal, Context& context) {
  context.set_default("aws:PrincipalType", std::string(type_name(principal.type)));
  if (principal.account.empty()) return;
  context.set_default("aws:PrincipalAccount", principal.account);
  // For a role session AWS gives the role, not the session.
  context.set_default("aws:PrincipalArn",
                      principal.type == PrincipalType::role_session ? principal.role_arn : principal.arn);
  if (principal.type == PrincipalType::user) {
    context.set_default("aws:username", principal.arn.substr(principal.arn.rfind('/') + 1));
  }
}

}  // namespace tollgate::policy
