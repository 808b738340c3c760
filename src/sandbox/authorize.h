// Asks policy/ whether a caller may do something, with the policies and condition keys that the world holds for that
// caller, and words the refusal as AWS does. Pure functions over World and Call; not synchronised.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/call.h"

namespace tollgate::sandbox {

// Condition keys beyond those of the caller and the request, for example {"sts:ExternalId", {"x"}}.
using ContextKeys = std::map<std::string, std::vector<std::string>>;

// Condition keys that every request of this caller carries: aws:PrincipalArn, aws:username, aws:CurrentTime,
// aws:SourceIp, aws:MultiFactorAuthPresent and aws:MultiFactorAuthAge where they exist, ...
ContextKeys request_context(const World& world, const Call& call);

// nullopt where identity policies (and session policies and the permissions boundary) allow `action` ("iam:GetUser") on
// `resource`; else the AccessDenied answer, which the handler returns. Root is allowed everything in its account.
std::optional<Answer> authorize(const World& world, const Call& call, std::string_view action,
                                std::string_view resource, const ContextKeys& extra = {});

// The identity policies of a caller: inline and attached ones of its user or role.
std::vector<std::string> identity_policies(const World& world, const Principal& principal);

}  // namespace tollgate::sandbox
