// Whether one condition of a statement holds for a request (IAM User Guide, "IAM JSON policy elements: Condition
// operators" and "Creating a condition with multiple keys or values"). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/policy/context.h"
#include "sandbox/policy/document.h"

namespace tollgate::policy {

// Whether AWS has an operator of that name (StringLike, Bool, ...), without set prefix and IfExists. Exact case.
bool is_condition_operator(std::string_view name);
// A date as AWS writes it in policies: ISO 8601, whole or without its time (2026-01, 2026-01-02), or seconds since
// 1970.
bool is_condition_date(std::string_view text);

// A key that is absent: false, but true for operators that negate (StringNotEquals, ...), for ...IfExists and for
// ForAllValues:. Negating operators hold only if no value of the policy matches. Text that is no number, date, address
// or boolean, where one is needed, matches nothing.
bool holds(const Condition& condition, bool variables, const Context& context);

// `Bool aws:MultiFactorAuthPresent "true", and the request has no such key`, to follow "because" or "needs".
std::string describe(const Condition& condition, const Context& context);

}  // namespace tollgate::policy
