// Asks policy/ whether a caller may do something, with the policies and condition keys that the world holds for that
// caller, and words the refusal as AWS does. Pure functions over World and Call; not synchronised.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/call.h"
#include "sandbox/policy/evaluate.h"

namespace tollgate::sandbox {

// Condition keys beyond those of the caller and the request, for example {"sts:ExternalId", {"x"}}.
using ContextKeys = std::map<std::string, std::vector<std::string>>;

// Condition keys that every request of this caller carries: aws:PrincipalArn, aws:username, aws:CurrentTime,
// aws:SourceIp, aws:MultiFactorAuthPresent and aws:MultiFactorAuthAge where they exist, ... (IAM User Guide, "AWS
// global condition context keys"). aws:SecureTransport is always true: plain HTTP stands in for AWS's TLS here.
ContextKeys request_context(const World& world, const Call& call);

// The policies and keys of this caller for one action, ready for policy::evaluate; a caller of that adds a trust or
// bucket policy. Root has no policies: see authorize.
policy::EvaluationRequest evaluation_request(const World& world, const Call& call, std::string_view action,
                                             std::string_view resource, const ContextKeys& extra = {});

// nullopt where identity policies (and session policies and the permissions boundary) allow `action` ("iam:GetUser") on
// `resource`; else the AccessDenied answer, which the handler returns. Root is allowed everything in its account.
std::optional<Answer> authorize(const World& world, const Call& call, std::string_view action,
                                std::string_view resource, const ContextKeys& extra = {});

// A document of the world under the name that reasons shall give it. Throws std::runtime_error if it is malformed:
// documents are checked on their way in.
policy::NamedPolicy named_policy(std::string name, const std::string& document);

}  // namespace tollgate::sandbox
