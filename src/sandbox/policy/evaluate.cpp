#include "sandbox/policy/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "sandbox/policy/condition.h"
#include "sandbox/policy/pattern.h"

namespace tollgate::policy {
namespace {

// How closely a resource policy's Allow names the caller. What it opens by itself depends on that.
enum class Grant {
  none,
  account,  // the caller's account: delegates to identity policies
  role,     // the role behind a session, or everyone: still bounded by boundary and session policies
  direct,   // the user, the session, the service itself
};

// One statement that speaks of the request.
struct Finding {
  std::string_view kind;  // identity policy, trust policy, ...
  const NamedPolicy* policy = nullptr;
  std::size_t index = 0;
  const Condition* failed = nullptr;  // the condition that does not hold, in a statement that came near

  const Statement& statement() const { return policy->policy->statements[index]; }
};

std::string describe_statement(const Finding& finding) {
  const std::string& sid = finding.statement().sid;
  return fmt::format("statement {}{} of {} \"{}\"", finding.index + 1, sid.empty() ? "" : fmt::format(" \"{}\"", sid),
                     finding.kind, finding.policy->name);
}

// What one set of policies says of a request.
struct Verdict {
  std::optional<Finding> deny;
  std::optional<Finding> allow;
  Grant grant = Grant::none;  // resource policies only
  std::vector<Finding> near;  // Allow statements that speak of others, or whose condition does not hold
};

bool matches_any_action(const std::vector<std::string>& patterns, std::string_view action) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& text) {
    const auto pattern = Pattern::compile(text, nullptr);
    return pattern && pattern->matches_ignoring_case(action);
  });
}

bool matches_any_resource(const std::vector<std::string>& patterns, Variables variables, std::string_view resource) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& text) {
    const auto pattern = Pattern::compile(text, variables);
    return pattern && pattern->matches_arn(resource);
  });
}

bool is_account_name(std::string_view name, const Principal& principal) {
  if (principal.account.empty()) return false;
  if (name == principal.account) return true;
  constexpr std::string_view kArn = "arn:";
  const std::string root = fmt::format(":iam::{}:root", principal.account);
  return name.substr(0, kArn.size()) == kArn && name.size() > root.size() &&
         name.substr(name.size() - root.size()) == root &&
         name.find(':', kArn.size()) == name.size() - root.size();  // only the partition in between
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// How closely Principal names the caller.
Grant named_by(const PrincipalElement& element, const Principal& principal) {
  const bool session = principal.type == PrincipalType::role_session;
  if (principal.type == PrincipalType::service && contains(element.services, principal.arn)) return Grant::direct;
  if (principal.type == PrincipalType::federated && contains(element.federated, principal.arn)) return Grant::direct;
  if (!principal.account.empty() && contains(element.aws, principal.arn)) return Grant::direct;
  if (session && contains(element.aws, principal.role_arn)) return Grant::role;
  if (element.everyone) return session ? Grant::role : Grant::direct;
  const bool account = std::any_of(element.aws.begin(), element.aws.end(),
                                   [&](const std::string& name) { return is_account_name(name, principal); });
  return account ? Grant::account : Grant::none;
}

// Whether NotPrincipal excepts the caller from an Allow (any of its names is enough) or from a Deny (all of them must
// be listed: the session, its role and its account; AWS documents that leaving one out denies the caller).
bool excepted(const PrincipalElement& element, const Principal& principal, Effect effect) {
  if (element.everyone) return true;
  if (effect == Effect::allow || principal.account.empty()) return named_by(element, principal) != Grant::none;
  const bool account = std::any_of(element.aws.begin(), element.aws.end(),
                                   [&](const std::string& name) { return is_account_name(name, principal); });
  const bool role = principal.type != PrincipalType::role_session || contains(element.aws, principal.role_arn);
  return account && role && (principal.type == PrincipalType::root || contains(element.aws, principal.arn));
}

class Scan {
 public:
  explicit Scan(const EvaluationRequest& request) : request_(request) {}

  void policy(std::string_view kind, const NamedPolicy& named, Verdict& verdict) const {
    const Policy& policy = *named.policy;
    for (std::size_t i = 0; i < policy.statements.size(); ++i) {
      statement(Finding{kind, &named, i, nullptr}, policy.variables, verdict);
    }
  }

 private:
  void statement(Finding finding, bool variables, Verdict& verdict) const {
    const Statement& one = finding.statement();
    Grant grant = Grant::none;
    if (one.principal) {
      grant = one.not_principal ? (excepted(*one.principal, request_.principal, one.effect) ? Grant::none
                                   : request_.principal.type == PrincipalType::role_session ? Grant::role
                                                                                            : Grant::direct)
                                : named_by(*one.principal, request_.principal);
    }
    if (matches_any_action(one.actions, request_.action) == one.not_action) return;
    if (!one.resources.empty() && matches_any_resource(one.resources, variables ? &request_.context : nullptr,
                                                       request_.resource) == one.not_resource) {
      return;
    }
    if (one.principal && grant == Grant::none) {
      if (one.effect == Effect::allow) verdict.near.push_back(finding);
      return;
    }
    const auto failed = std::find_if(one.conditions.begin(), one.conditions.end(), [&](const Condition& condition) {
      return !holds(condition, variables, request_.context);
    });
    if (failed != one.conditions.end()) {
      finding.failed = &*failed;
      if (one.effect == Effect::allow) verdict.near.push_back(finding);
      return;
    }
    if (one.effect == Effect::deny) {
      if (!verdict.deny) verdict.deny = finding;
      return;
    }
    if (!verdict.allow || grant > verdict.grant) verdict.allow = finding;
    verdict.grant = std::max(verdict.grant, grant);
  }

  const EvaluationRequest& request_;
};

std::string_view account_of(std::string_view arn) {
  for (int i = 0; i < 4; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return "";
    arn.remove_prefix(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

class Evaluation {
 public:
  explicit Evaluation(const EvaluationRequest& request)
      : request_(request), resource_kind_(request.resource_policy_required ? "trust policy" : "resource policy") {
    const Scan scan(request);
    for (const NamedPolicy& one : request.identity_policies)
      scan.policy("identity policy", one, identity_);
    if (request.resource_policy) scan.policy(resource_kind_, *request.resource_policy, resource_);
    if (request.permissions_boundary) scan.policy("permissions boundary", *request.permissions_boundary, boundary_);
    for (const NamedPolicy& one : request.session_policies)
      scan.policy("session policy", one, session_);
  }

  Decision decide() const {
    for (const Verdict* verdict : {&identity_, &resource_, &boundary_, &session_}) {
      if (verdict->deny) return explicit_deny(*verdict);
    }
    return missing().empty() ? allow() : implicit_deny();
  }

 private:
  enum class Need { identity, resource, boundary, session };

  bool same_account() const {
    const std::string_view owner =
        request_.resource_account.empty() ? account_of(request_.resource) : request_.resource_account;
    // S3's ARNs name no account, those of AWS's own policies the account "aws": both belong to whoever asks.
    return owner.empty() || owner == "aws" || owner == request_.principal.account;
  }
  bool is_root() const { return request_.principal.type == PrincipalType::root; }
  bool boundary_allows() const { return is_root() || !request_.permissions_boundary || boundary_.allow; }
  bool session_allows() const { return request_.session_policies.empty() || session_.allow; }
  bool identity_allows() const { return is_root() || identity_.allow; }

  // The kinds of policies that would have to allow the request and do not; none: it is allowed.
  std::vector<Need> missing() const {
    std::vector<Need> needs;
    if (request_.principal.account.empty()) {  // services and strangers have no policies of their own
      if (resource_.grant == Grant::none) needs.push_back(Need::resource);
      return needs;
    }
    const bool user = request_.principal.type == PrincipalType::user;
    if (same_account() && resource_.grant == Grant::direct) {
      // The user or session is named itself: nothing else need allow it, but a federated user's session policies.
      if (user && !session_allows()) needs.push_back(Need::session);
      return needs;
    }
    const bool role_named = same_account() && resource_.grant == Grant::role;
    if (!role_named && !identity_allows()) needs.push_back(Need::identity);
    const bool resource_needed = !same_account() || request_.resource_policy_required;
    if (resource_needed && resource_.grant == Grant::none) needs.push_back(Need::resource);
    if (!boundary_allows()) needs.push_back(Need::boundary);
    if (!session_allows()) needs.push_back(Need::session);
    return needs;
  }

  const Verdict& verdict_of(Need need) const {
    switch (need) {
      case Need::identity:
        return identity_;
      case Need::resource:
        return resource_;
      case Need::boundary:
        return boundary_;
      case Need::session:
        return session_;
    }
    return identity_;
  }

  // As AWS words it: "identity-based policy".
  std::string_view aws_name(Need need) const {
    switch (need) {
      case Need::identity:
        return "identity-based policy";
      case Need::resource:
        return request_.resource_policy_required ? "role trust policy" : "resource-based policy";
      case Need::boundary:
        return "permissions boundary";
      case Need::session:
        return "session policy";
    }
    return "";
  }
  std::string_view plain_name(Need need) const {
    switch (need) {
      case Need::identity:
        return "identity policy";
      case Need::resource:
        return resource_kind_;
      case Need::boundary:
        return "permissions boundary";
      case Need::session:
        return "session policy";
    }
    return "";
  }

  Decision explicit_deny(const Verdict& verdict) const {
    const Finding& finding = *verdict.deny;
    Decision decision;
    decision.outcome = Outcome::explicitly_denied;
    decision.reason = fmt::format("denied by {}", describe_statement(finding));
    std::string_view separator = ", whose condition holds: ";
    for (const Condition& condition : finding.statement().conditions) {
      decision.reason += fmt::format("{}{}", separator, describe(condition, request_.context));
      separator = "; and: ";
    }
    for (const Need need : {Need::identity, Need::resource, Need::boundary, Need::session}) {
      if (&verdict_of(need) == &verdict) {
        decision.aws_because = fmt::format("with an explicit deny in {} {}",
                                           need == Need::resource && request_.resource_policy_required ? "the"
                                           : need == Need::identity                                    ? "an"
                                                                                                       : "a",
                                           aws_name(need));
      }
    }
    return decision;
  }

  Decision allow() const {
    Decision decision;
    decision.outcome = Outcome::allowed;
    std::string by;
    for (const Verdict* verdict : {&resource_, &identity_, &boundary_, &session_}) {
      if (verdict->allow) by += fmt::format("{}{}", by.empty() ? "" : " and ", describe_statement(*verdict->allow));
    }
    decision.reason = by.empty() ? "allowed, being the account's root user" : fmt::format("allowed by {}", by);
    return decision;
  }

  void add_near(const Verdict& verdict, std::string& reason) const {
    for (const Finding& finding : verdict.near) {
      reason += finding.failed == nullptr
                    ? fmt::format("; {} does not name the caller", describe_statement(finding))
                    : fmt::format("; {} would, but for its condition {}", describe_statement(finding),
                                  describe(*finding.failed, request_.context));
    }
  }

  Decision implicit_deny() const {
    Decision decision;
    const std::vector<Need> needs = missing();
    decision.aws_because = fmt::format("because no {} allows the {} action", aws_name(needs.front()), request_.action);
    for (const Need need : needs) {
      if (!decision.reason.empty()) decision.reason += "; ";
      decision.reason += fmt::format("no {} allows {} on {}", plain_name(need), request_.action, request_.resource);
      add_near(verdict_of(need), decision.reason);
    }
    // A statement that names the caller itself would have made up for a missing identity policy.
    if (std::find(needs.begin(), needs.end(), Need::resource) == needs.end()) add_near(resource_, decision.reason);
    return decision;
  }

  const EvaluationRequest& request_;
  std::string_view resource_kind_;
  Verdict identity_;
  Verdict resource_;
  Verdict boundary_;
  Verdict session_;
};

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::allowed:
      return "Allowed";
    case Outcome::implicitly_denied:
      return "ImplicitlyDenied";
    case Outcome::explicitly_denied:
      return "ExplicitlyDenied";
  }
  return "ImplicitlyDenied";
}

Decision evaluate(const EvaluationRequest& request) {
  return Evaluation(request).decide();
}

std::string access_denied_message(const EvaluationRequest& request, const Decision& decision) {
  return fmt::format("User: {} is not authorized to perform: {} on resource: {}{}{}", request.principal.arn,
                     request.action, request.resource, decision.aws_because.empty() ? "" : " ", decision.aws_because);
}

}  // namespace tollgate::policy
