// Managed policies and their versions (at most five at a time, numbers never used again): CreatePolicy, GetPolicy,
// DeletePolicy, ListPolicies, ListEntitiesForPolicy, CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions,
// DeletePolicyVersion, SetDefaultPolicyVersion, and their tags. The caller holds the world's lock.
#pragma once

#include <span>
#include <string>

#include "sandbox/iam_request.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_managed_policy_operations();

// The policy with this ARN, if it is one of the caller's account or of AWS. The sentence of a missing one follows
// `missing`, into which the ARN goes: "Policy {} was not found.".
OrRefused<ManagedPolicy> find_policy(const World& world, const Call& call, const std::string& arn,
                                     std::string_view missing);
inline constexpr std::string_view kPolicyNotFound = "Policy {} was not found.";
inline constexpr std::string_view kPolicyNotAttachable = "Policy {} does not exist or is not attachable.";

// The call's PermissionsBoundary; empty where it was not sent.
OrRefused<std::string> requested_boundary(const World& world, const Call& call);

}  // namespace tollgate::sandbox
