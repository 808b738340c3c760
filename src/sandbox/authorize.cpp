#include "sandbox/authorize.h"

#include <stdexcept>

namespace tollgate::sandbox {
namespace {

const std::string kNothing = R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})";

template <class Owner>
void add_policies(const World& world, const Owner& owner, policy::EvaluationRequest& request) {
  for (const InlinePolicy& inline_policy : owner.policies) {
    request.identity_policies.push_back(named_policy(inline_policy.name, inline_policy.document));
  }
  for (const std::string& arn : owner.attached) {
    if (const ManagedPolicy* managed = world.managed.find(arn)) {
      request.identity_policies.push_back(named_policy(arn, managed->document()));
    }
  }
  if (owner.permissions_boundary.empty()) return;
  if (const ManagedPolicy* boundary = world.managed.find(owner.permissions_boundary)) {
    request.permissions_boundary = named_policy(boundary->arn(), boundary->document());
  } else {
    // A boundary is a limit: one that cannot be read permits nothing.
    request.permissions_boundary = named_policy(owner.permissions_boundary + " (missing)", kNothing);
  }
}

policy::PrincipalType principal_type(const Principal& principal) {
  switch (principal.kind) {
    case Principal::Kind::root:
      return policy::PrincipalType::root;
    case Principal::Kind::role_session:
      return policy::PrincipalType::role_session;
    case Principal::Kind::user:
    case Principal::Kind::federated:
      break;
  }
  return policy::PrincipalType::user;
}

}  // namespace

policy::NamedPolicy named_policy(std::string name, const std::string& document) {
  auto parsed = policy::parse_policy(document);
  if (!parsed) throw std::runtime_error(fmt::format("policy {}: {}", name, parsed.error().text()));
  return policy::NamedPolicy{std::move(name), std::make_shared<const policy::Policy>(std::move(*parsed))};
}

ContextKeys request_context(const World& world, const Call& call) {
  const Principal& principal = call.principal;
  ContextKeys keys;
  keys["aws:userid"] = {principal.id};
  keys["aws:CurrentTime"] = {format_iso8601(call.now)};
  keys["aws:EpochTime"] = {std::to_string(unix_seconds(call.now))};
  keys["aws:SecureTransport"] = {"true"};
  keys["aws:ViaAWSService"] = {"false"};
  keys["aws:PrincipalIsAWSService"] = {"false"};
  if (!call.source_ip.empty()) keys["aws:SourceIp"] = {call.source_ip};
  if (!call.user_agent.empty()) keys["aws:UserAgent"] = {call.user_agent};
  if (!call.region.empty()) keys["aws:RequestedRegion"] = {call.region};
  Tags tags;
  if (principal.kind == Principal::Kind::role_session) {
    if (const Role* role = world.roles.find(principal.account + "/" + principal.name)) tags = role->tags;
  } else if (const User* user = world.users.find(principal.account + "/" + principal.name)) {
    tags = user->tags;
  }
  if (principal.session) {
    const Session& session = *principal.session;
    for (const auto& [key, value] : session.tags)
      tags.insert_or_assign(key, value);
    keys["aws:TokenIssueTime"] = {format_iso8601(session.issued)};
    if (!session.source_identity.empty()) keys["aws:SourceIdentity"] = {session.source_identity};
    if (principal.has_mfa_key()) keys["aws:MultiFactorAuthPresent"] = {principal.mfa_present() ? "true" : "false"};
    if (principal.mfa_present()) {
      // Shortened lifetimes shorten the clock of conditions on age alike.
      const std::int64_t age = unix_seconds(call.now) - unix_seconds(*session.mfa_at);
      keys["aws:MultiFactorAuthAge"] = {std::to_string(std::max<std::int64_t>(0, age) * world.lifetime_divisor)};
    }
  }
  for (const auto& [key, value] : tags)
    keys["aws:PrincipalTag/" + key] = {value};
  return keys;
}

policy::EvaluationRequest evaluation_request(const World& world, const Call& call, std::string_view action,
                                             std::string_view resource, const ContextKeys& extra) {
  const Principal& principal = call.principal;
  policy::EvaluationRequest request;
  request.principal.type = principal_type(principal);
  request.principal.arn = principal.arn;
  request.principal.account = principal.account;
  request.action = action;
  request.resource = resource;
  for (auto& [key, values] : request_context(world, call))
    request.context.set(key, values);
  for (const auto& [key, values] : extra)
    request.context.set(key, values);
  const std::string owner = principal.account + "/" + principal.name;
  if (principal.kind == Principal::Kind::role_session) {
    if (const Role* role = world.roles.find(owner)) {
      request.principal.role_arn = role->arn();
      add_policies(world, *role, request);
    }
  } else if (const User* user = world.users.find(owner)) {
    add_policies(world, *user, request);
  }
  policy::add_principal_keys(request.principal, request.context);
  if (principal.session) {
    for (const std::string& document : principal.session->policies) {
      request.session_policies.push_back(named_policy("session policy", document));
    }
    // A federated user has what the session policy gives; without one nothing (STS API, GetFederationToken).
    if (principal.kind == Principal::Kind::federated && principal.session->policies.empty()) {
      request.identity_policies.clear();
    }
  }
  return request;
}

std::optional<Answer> authorize(const World& world, const Call& call, std::string_view action,
                                std::string_view resource, const ContextKeys& extra) {
  if (call.principal.kind == Principal::Kind::root) return std::nullopt;
  policy::EvaluationRequest request = evaluation_request(world, call, action, resource, extra);
  // IAM acts within the caller's account, also on policies that AWS manages; no resource has a policy of its own.
  request.resource_account = call.principal.account;
  const policy::Decision decision = policy::evaluate(request);
  if (decision.allowed()) {
    call.allowed_because = decision.reason;
    return std::nullopt;
  }
  Answer answer = access_denied(policy::access_denied_message(request, decision));
  answer.resource = resource;
  answer.reason = decision.reason;
  return answer;
}

}  // namespace tollgate::sandbox
