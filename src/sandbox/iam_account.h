// What concerns the account as a whole (GetAccountSummary, ListAccountAliases), and the kinds of entities that this IAM
// does not have and that clients ask for before they delete a user or role: groups, instance profiles, login profiles,
// certificates, SSH keys. The caller holds the world's lock.
#pragma once

#include <span>

#include "sandbox/call.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_account_operations();

}  // namespace tollgate::sandbox
