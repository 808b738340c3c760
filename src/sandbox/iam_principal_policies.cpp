#include "sandbox/iam_principal_policies.h"

#include <algorithm>
#include <array>

#include "aws/xml.h"
#include "sandbox/iam_managed_policies.h"
#include "sandbox/iam_principals.h"
#include "sandbox/iam_shapes.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kMostPolicyNameCharacters = 128;
constexpr std::size_t kMostAttached = 10;

template <class Row>
auto find_inline(Row& row, const std::string& name) {
  return std::find_if(row.policies.begin(), row.policies.end(),
                      [&](const InlinePolicy& policy) { return policy.name == name; });
}

template <class Kind>
Answer no_such_inline_policy(const std::string& name) {
  return no_such_entity(fmt::format("The {} policy with name {} cannot be found.", Kind::kNoun, name));
}

// Stores the row and answers without a result.
template <class Kind>
Answer store(World& world, typename Kind::Row row) {
  Answer answer = done(row.arn());
  Kind::table(world).put(std::move(row));
  return answer;
}

template <class Kind>
Answer put_inline_policy(World& world, const Call& call) {
  const auto name = iam_name(call, "PolicyName", kMostPolicyNameCharacters);
  if (!name) return name.error();
  auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  const std::string too_long =
      fmt::format("Maximum policy size of {} bytes exceeded for {} {}", Kind::kInlineQuota, Kind::kNoun, row->name);
  const auto document = iam_document(call, "PolicyDocument", policy::Kind::identity, Kind::kInlineQuota, too_long);
  if (!document) return document.error();
  if (const auto present = find_inline(*row, *name); present != row->policies.end()) {
    present->document = *document;
  } else {
    row->policies.push_back({*name, *document});
  }
  std::size_t size = 0;
  for (const InlinePolicy& policy : row->policies)
    size += document_size(policy.document);
  if (size > Kind::kInlineQuota) return limit_exceeded(too_long);
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer get_inline_policy(World& world, const Call& call) {
  const auto name = iam_name(call, "PolicyName", kMostPolicyNameCharacters);
  if (!name) return name.error();
  const auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  const auto present = find_inline(*row, *name);
  if (present == row->policies.end()) return no_such_inline_policy<Kind>(*name);
  return done(row->arn(), element(Kind::kName, row->name) + element("PolicyName", present->name) +
                              document_element("PolicyDocument", present->document));
}

template <class Kind>
Answer delete_inline_policy(World& world, const Call& call) {
  const auto name = iam_name(call, "PolicyName", kMostPolicyNameCharacters);
  if (!name) return name.error();
  auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  const auto present = find_inline(*row, *name);
  if (present == row->policies.end()) return no_such_inline_policy<Kind>(*name);
  row->policies.erase(present);
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer list_inline_policies(World& world, const Call& call) {
  const auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  // A list of names is a list of texts, not of structures.
  std::vector<std::string> names;
  for (const InlinePolicy& policy : row->policies)
    names.push_back(aws::xml_escape(policy.name));
  std::sort(names.begin(), names.end());
  return page(call, row->arn(), "PolicyNames", names);
}

template <class Kind>
Answer attach_policy(World& world, const Call& call) {
  const auto arn = iam_text(call, "PolicyArn", 1, 2048);
  if (!arn) return arn.error();
  auto row = find_principal<Kind>(world, call, {{"iam:PolicyARN", {*arn}}});
  if (!row) return row.error();
  const auto policy = find_policy(world, call, *arn, kPolicyNotAttachable);
  if (!policy) return policy.error();
  if (std::find(row->attached.begin(), row->attached.end(), *arn) != row->attached.end()) return done(row->arn());
  if (row->attached.size() >= kMostAttached) {
    return limit_exceeded(fmt::format("Cannot exceed quota for {}: {}", Kind::kPoliciesQuota, kMostAttached));
  }
  row->attached.push_back(*arn);
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer detach_policy(World& world, const Call& call) {
  const auto arn = iam_text(call, "PolicyArn", 1, 2048);
  if (!arn) return arn.error();
  auto row = find_principal<Kind>(world, call, {{"iam:PolicyARN", {*arn}}});
  if (!row) return row.error();
  const auto attached = std::find(row->attached.begin(), row->attached.end(), *arn);
  if (attached == row->attached.end()) {
    const auto policy = find_policy(world, call, *arn, kPolicyNotFound);
    return policy ? no_such_entity(fmt::format(fmt::runtime(kPolicyNotFound), *arn)) : policy.error();
  }
  row->attached.erase(attached);
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer list_attached_policies(World& world, const Call& call) {
  const auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  const std::string prefix = path_prefix(call);
  std::vector<std::string> members;
  for (const std::string& arn : row->attached) {
    const ManagedPolicy* policy = world.managed.find(arn);
    if (policy == nullptr || policy->path.compare(0, prefix.size(), prefix) != 0) continue;
    members.push_back(element("PolicyName", policy->name) + element("PolicyArn", arn));
  }
  return page(call, row->arn(), "AttachedPolicies", members);
}

template <class Kind>
Answer put_boundary(World& world, const Call& call) {
  const auto arn = iam_text(call, "PermissionsBoundary", 1, 2048);
  if (!arn) return arn.error();
  auto row = find_principal<Kind>(world, call, {{"iam:PermissionsBoundary", {*arn}}});
  if (!row) return row.error();
  const auto boundary = requested_boundary(world, call);
  if (!boundary) return boundary.error();
  row->permissions_boundary = *boundary;
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer delete_boundary(World& world, const Call& call) {
  auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  if (row->permissions_boundary.empty()) {
    return no_such_entity(
        fmt::format("{} with name {} does not have a permissions boundary.", Kind::kTitle, row->name));
  }
  row->permissions_boundary.clear();
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer tag(World& world, const Call& call) {
  const auto tags = iam_tags(call);
  if (!tags) return tags.error();
  auto row = find_principal<Kind>(world, call, tag_keys(&*tags, nullptr));
  if (!row) return row.error();
  if (auto refused = add_tags(*tags, row->tags)) return *refused;
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer untag(World& world, const Call& call) {
  const std::vector<std::string> keys = call.list("TagKeys");
  auto row = find_principal<Kind>(world, call, {{"aws:TagKeys", keys}});
  if (!row) return row.error();
  for (const std::string& key : keys)
    row->tags.erase(key);
  return store<Kind>(world, std::move(*row));
}

template <class Kind>
Answer list_tags(World& world, const Call& call) {
  const auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  return done(row->arn(), tags_shape(row->tags, true) + element("IsTruncated", "false"));
}

constexpr std::array<Operation, 24> kPrincipalPoliciesOperations{
    {{"PutUserPolicy", put_inline_policy<UserKind>},
     {"PutRolePolicy", put_inline_policy<RoleKind>},
     {"GetUserPolicy", get_inline_policy<UserKind>},
     {"GetRolePolicy", get_inline_policy<RoleKind>},
     {"DeleteUserPolicy", delete_inline_policy<UserKind>},
     {"DeleteRolePolicy", delete_inline_policy<RoleKind>},
     {"ListUserPolicies", list_inline_policies<UserKind>},
     {"ListRolePolicies", list_inline_policies<RoleKind>},
     {"AttachUserPolicy", attach_policy<UserKind>},
     {"AttachRolePolicy", attach_policy<RoleKind>},
     {"DetachUserPolicy", detach_policy<UserKind>},
     {"DetachRolePolicy", detach_policy<RoleKind>},
     {"ListAttachedUserPolicies", list_attached_policies<UserKind>},
     {"ListAttachedRolePolicies", list_attached_policies<RoleKind>},
     {"PutUserPermissionsBoundary", put_boundary<UserKind>},
     {"PutRolePermissionsBoundary", put_boundary<RoleKind>},
     {"DeleteUserPermissionsBoundary", delete_boundary<UserKind>},
     {"DeleteRolePermissionsBoundary", delete_boundary<RoleKind>},
     {"TagUser", tag<UserKind>},
     {"TagRole", tag<RoleKind>},
     {"UntagUser", untag<UserKind>},
     {"UntagRole", untag<RoleKind>},
     {"ListUserTags", list_tags<UserKind>},
     {"ListRoleTags", list_tags<RoleKind>}}};

}  // namespace

std::span<const Operation> iam_principal_policy_operations() {
  return kPrincipalPoliciesOperations;
}

}  // namespace tollgate::sandbox
