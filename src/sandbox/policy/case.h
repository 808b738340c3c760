// One AssumeRole question written down as JSON, for `tollgate-sandbox evaluate` and for test data. Not a call: it needs
// no world, the record holds all policies. Pure functions.
#pragma once

#include <string_view>

#include "common/base/error.h"
#include "sandbox/policy/evaluate.h"

namespace tollgate::policy {

// An object with principal and role (ARNs), context (key -> text, number, boolean, or list), identityPolicy and
// trustPolicy (documents, or null for none); optional: action (default sts:AssumeRole), permissionsBoundary and
// sessionPolicy (documents). Other members are ignored. Keys that follow from the principal need not be in context.
// Errors: Code::invalid with the JSON pointer of what is wrong.
Result<EvaluationRequest> read_case(std::string_view json_text);

// read_case and evaluate in one.
Result<Decision> evaluate_case(std::string_view json_text);

}  // namespace tollgate::policy
