// IAM's data types as the XML of its answers (IAM API Reference, "Data Types"). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/world.h"

namespace tollgate::sandbox {

// How much of a row an answer shows: lists leave out tags and boundaries, Get shows all.
enum class Detail { listed, created, full };

// The inside of <User>, <Role>, <Policy>, and of the <member> of a list of them.
std::string user_shape(const User& user, Detail detail);
std::string role_shape(const Role& role, Detail detail);
std::string policy_shape(const World& world, const ManagedPolicy& policy, Detail detail);
// The inside of a member of ListPolicyVersions; with the document in GetPolicyVersion.
std::string policy_version_shape(const ManagedPolicy& policy, std::size_t version, bool with_document);
// The inside of a member of ListAccessKeys.
std::string access_key_shape(const AccessKey& key);
// <Tags>...; empty where there are none and `always` is not set.
std::string tags_shape(const Tags& tags, bool always = false);
// Documents travel percent-encoded (RFC 3986).
std::string document_element(std::string_view name, std::string_view document);

// How many users and roles a managed policy is attached to, and how many it bounds.
struct PolicyUse {
  std::size_t attached = 0;
  std::size_t boundaries = 0;
};
PolicyUse policy_use(const World& world, const std::string& arn);

}  // namespace tollgate::sandbox
