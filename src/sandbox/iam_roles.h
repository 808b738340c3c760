// IAM roles: CreateRole, GetRole, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole, ListRoles.
// Their trust policies may only name users and roles that exist. The caller holds the world's lock.
#pragma once

#include <span>

#include "sandbox/call.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_role_operations();

}  // namespace tollgate::sandbox
