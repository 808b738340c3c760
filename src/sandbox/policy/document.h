// An IAM policy document as a value, and the strict reader for its JSON text. It knows the grammar of the policy
// language (IAM User Guide, "Grammar of the IAM JSON policy language") and the limits that IAM puts on each kind of
// policy; it does not know which actions or condition keys a service has. Plain values; safe to share once built.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace tollgate::policy {

enum class Effect { allow, deny };

// What a document is attached to, which decides the elements that it must and may not have.
enum class Kind {
  any,       // the grammar alone: Principal and Resource are both optional
  identity,  // inline policies of users and roles, session policies: no Principal
  managed,   // the same for a managed policy, whose Version must be 2012-10-17
  trust,     // a role's AssumeRolePolicyDocument: Principal needed, Resource forbidden, only sts actions
  resource,  // a bucket's or a key's policy: Principal needed
};

// Who a statement of a resource or trust policy speaks of. Patterns do not exist here: IAM knows "*" and whole names.
struct PrincipalElement {
  bool everyone = false;               // "*" or {"AWS": "*"}
  std::vector<std::string> aws;        // ARNs, 12-digit account numbers, unique ids
  std::vector<std::string> services;   // sts.amazonaws.com
  std::vector<std::string> federated;  // identity providers
  std::vector<std::string> canonical_users;
};

enum class SetOperator { none, for_all_values, for_any_value };

// One operator with one key: {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*"]}}.
struct Condition {
  SetOperator set_operator = SetOperator::none;
  std::string operator_name;  // as AWS spells it, without prefix and suffix: StringLike
  bool if_exists = false;
  std::string key;                  // as written; compared without regard to case
  std::vector<std::string> values;  // numbers and booleans as their JSON text
  // ForAnyValue:StringLikeIfExists, for messages.
  std::string operator_text() const;
};

struct Statement {
  std::string sid;  // may be empty
  Effect effect = Effect::deny;
  std::optional<PrincipalElement> principal;
  bool not_principal = false;
  std::vector<std::string> actions;
  bool not_action = false;
  std::vector<std::string> resources;  // empty where the element is absent: the statement speaks of any resource
  bool not_resource = false;
  std::vector<Condition> conditions;  // all must hold
};

struct Policy {
  std::string id;
  // Version 2012-10-17; older documents (2008-10-17, or no Version) know no policy variables.
  bool variables = false;
  std::vector<Statement> statements;
};

// Reads one document. Errors: Code::invalid, reason "MalformedPolicyDocument", message = the sentence with which IAM
// refuses such a document, place = JSON pointer, next = what IAM leaves unsaid. Size limits belong to the API call.
Result<Policy> parse_policy(std::string_view json_text, Kind kind = Kind::any);

}  // namespace tollgate::policy
