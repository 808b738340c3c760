// What users and roles carry: inline policies, attached managed policies, the permissions boundary, tags. Every
// operation exists for both under two names (PutUserPolicy, PutRolePolicy). The caller holds the world's lock.
#pragma once

#include <span>

#include "sandbox/call.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_principal_policy_operations();

}  // namespace tollgate::sandbox
