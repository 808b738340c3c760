// Decides one request against the policies that apply to it, as AWS documents its evaluation ("Policy evaluation
// logic", IAM User Guide). A pure function: it knows no users, roles or clock; the caller gathers the policies and
// fills the condition keys. Not covered: service and resource control policies, ACLs, VPC endpoint policies.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "sandbox/policy/context.h"
#include "sandbox/policy/document.h"

namespace tollgate::policy {

enum class PrincipalType {
  root,          // the account's root user
  user,          // an IAM user, by long-term key or by the credentials of GetSessionToken
  role_session,  // an assumed role
  service,       // an AWS service
  federated,     // a federated user (with its account), or a web or SAML identity at its provider
  anonymous,
};

struct Principal {
  PrincipalType type = PrincipalType::anonymous;
  // arn:aws:iam::ACCOUNT:user/NAME, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, arn:aws:iam::ACCOUNT:root; for a
  // service its name (ec2.amazonaws.com), for a federated identity its provider.
  std::string arn;
  std::string account;   // 12 digits; empty for service, federated, anonymous
  std::string role_arn;  // role sessions: the role, with its path
};

// A principal from its ARN alone. A session ARN holds no role path, so its role is taken to lie at "/".
// Errors: Code::invalid for text that is neither such an ARN nor a service name.
Result<Principal> principal_from_arn(std::string_view arn);

// Sets the keys that follow from who calls, where absent: aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType,
// and aws:username for users only. Never a key about MFA: those follow from the credentials used.
void add_principal_keys(const Principal& principal, Context& context);

struct NamedPolicy {
  std::string name;                      // as messages shall name it
  std::shared_ptr<const Policy> policy;  // never null
};

struct EvaluationRequest {
  Principal principal;
  std::string action;            // sts:AssumeRole
  std::string resource;          // an ARN or "*"
  std::string resource_account;  // empty: the account in `resource`, else the principal's
  Context context;
  std::vector<NamedPolicy> identity_policies;  // all of the user, or of the role
  std::optional<NamedPolicy> resource_policy;  // a trust, bucket or key policy
  // For roles and keys identity policies alone never suffice, not even in the same account.
  bool resource_policy_required = false;
  std::optional<NamedPolicy> permissions_boundary;
  std::vector<NamedPolicy> session_policies;  // of this session; together they bound it once
};

enum class Outcome { allowed, implicitly_denied, explicitly_denied };
// Allowed, ImplicitlyDenied, ExplicitlyDenied.
std::string_view outcome_name(Outcome outcome);

struct Decision {
  Outcome outcome = Outcome::implicitly_denied;
  // One sentence without full stop: the policy and statement that decided; for an implicit deny the statements that
  // came nearest and the condition that failed.
  std::string reason;
  // The end of AWS's own sentence: "because no identity-based policy allows the iam:GetUser action", "with an explicit
  // deny in an identity-based policy". Empty when allowed.
  std::string aws_because;

  bool allowed() const { return outcome == Outcome::allowed; }
};

// Time: linear in the size of policies and context, and for each pattern at most its length times the text's.
Decision evaluate(const EvaluationRequest& request);

// "User: ARN is not authorized to perform: ACTION on resource: RESOURCE <aws_because>".
std::string access_denied_message(const EvaluationRequest& request, const Decision& decision);

}  // namespace tollgate::policy
