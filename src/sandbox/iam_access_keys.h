// Long-term keys: CreateAccessKey (two per user at most), UpdateAccessKey, DeleteAccessKey, ListAccessKeys,
// GetAccessKeyLastUsed (which knows no use: the imitation does not note it). The caller holds the world's lock.
#pragma once

#include <span>

#include "sandbox/call.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_access_key_operations();

}  // namespace tollgate::sandbox
