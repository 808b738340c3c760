// IAM users: CreateUser, GetUser, UpdateUser, DeleteUser, ListUsers. The caller holds the world's lock.
#pragma once

#include <span>

#include "sandbox/call.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_user_operations();

}  // namespace tollgate::sandbox
