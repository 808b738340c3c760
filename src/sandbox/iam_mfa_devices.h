// MFA devices: CreateVirtualMFADevice (64 base32 characters of seed), EnableMFADevice and ResyncMFADevice (two codes in
// a row), DeactivateMFADevice, DeleteVirtualMFADevice, the lists, and tags. Eight devices per user at most. The caller
// holds the world's lock.
//
// The imitation's device clocks are exact: ResyncMFADevice checks its codes and has nothing to set.
#pragma once

#include <span>

#include "sandbox/call.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_mfa_device_operations();

}  // namespace tollgate::sandbox
