// sts:AssumeRole, and what its answer shares with the other calls that give credentials. Pure functions over World and
// Call; the caller holds the world's lock.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/call.h"

namespace tollgate::sandbox {

Answer assume_role(World& world, const Call& call);

// <Credentials> of an answer.
std::string credentials_xml(const Session& session);

// Fresh keys as AWS forms them: prefix AKIA or ASIA with 16 characters more; 40 characters.
std::string new_access_key_id(RandomSource& random, std::string_view prefix);
Secret new_secret_access_key(RandomSource& random);

// The session policies that a call names in Policy and PolicyArns.
struct SessionPolicies {
  std::optional<Answer> fault;
  std::vector<std::string> documents;
  int packed_percent = 0;  // of the space that AWS has for policies and tags together
};
SessionPolicies session_policies(const World& world, const Call& call);

}  // namespace tollgate::sandbox
