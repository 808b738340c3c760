#include "sandbox/iam_shapes.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/encoding.h"
#include "common/base/time.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

std::string boundary_shape(const std::string& arn) {
  if (arn.empty()) return "";
  return enclose("PermissionsBoundary",
                 element("PermissionsBoundaryType", "Policy") + element("PermissionsBoundaryArn", arn));
}

std::string optional_element(std::string_view name, const std::string& text) {
  return text.empty() ? "" : element(name, text);
}

}  // namespace

std::string tags_shape(const Tags& tags, bool always) {
  if (tags.empty() && !always) return "";
  std::string members;
  for (const auto& [key, value] : tags)
    members += enclose("member", element("Key", key) + element("Value", value));
  return enclose("Tags", members);
}

std::string document_element(std::string_view name, std::string_view document) {
  return element(name, percent_encode(document));
}

std::string user_shape(const User& user, Detail detail) {
  std::string xml = element("Path", user.path) + element("UserName", user.name) + element("UserId", user.id) +
                    element("Arn", user.arn()) + element("CreateDate", format_iso8601(user.created));
  if (detail != Detail::listed) xml += boundary_shape(user.permissions_boundary) + tags_shape(user.tags);
  return xml;
}

std::string role_shape(const Role& role, Detail detail) {
  std::string xml = element("Path", role.path) + element("RoleName", role.name) + element("RoleId", role.id) +
                    element("Arn", role.arn()) + element("CreateDate", format_iso8601(role.created)) +
                    document_element("AssumeRolePolicyDocument", role.trust_policy) +
                    optional_element("Description", role.description);
  if (detail != Detail::created) xml += element("MaxSessionDuration", std::to_string(role.max_session_duration));
  if (detail != Detail::listed) xml += boundary_shape(role.permissions_boundary) + tags_shape(role.tags);
  if (detail == Detail::full) xml += enclose("RoleLastUsed", "");
  return xml;
}

PolicyUse policy_use(const World& world, const std::string& arn) {
  PolicyUse use;
  const auto count = [&](const auto& table) {
    for (const auto& [key, row] : table.all()) {
      if (std::find(row.attached.begin(), row.attached.end(), arn) != row.attached.end()) ++use.attached;
      if (row.permissions_boundary == arn) ++use.boundaries;
    }
  };
  count(world.users);
  count(world.roles);
  return use;
}

std::string policy_shape(const World& world, const ManagedPolicy& policy, Detail detail) {
  const PolicyUse use = policy_use(world, policy.arn());
  std::string xml =
      element("PolicyName", policy.name) + element("PolicyId", policy.id) + element("Arn", policy.arn()) +
      element("Path", policy.path) + element("DefaultVersionId", fmt::format("v{}", policy.default_version)) +
      element("AttachmentCount", std::to_string(use.attached)) +
      element("PermissionsBoundaryUsageCount", std::to_string(use.boundaries)) + element("IsAttachable", "true") +
      element("CreateDate", format_iso8601(policy.created)) + element("UpdateDate", format_iso8601(policy.created));
  if (detail == Detail::full) xml += optional_element("Description", policy.description);
  if (detail != Detail::listed) xml += tags_shape(policy.tags);
  return xml;
}

std::string policy_version_shape(const ManagedPolicy& policy, std::size_t version, bool with_document) {
  return (with_document ? document_element("Document", policy.versions.at(version - 1)) : "") +
         element("VersionId", fmt::format("v{}", version)) +
         element("IsDefaultVersion", version == policy.default_version ? "true" : "false") +
         element("CreateDate", format_iso8601(policy.created));
}

std::string access_key_shape(const AccessKey& key) {
  return optional_element("UserName", key.user) + element("AccessKeyId", key.id) +
         element("Status", key.active ? "Active" : "Inactive") + element("CreateDate", format_iso8601(key.created));
}

}  // namespace tollgate::sandbox
