#include "sandbox/iam_managed_policies.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sandbox/iam_principals.h"
#include "sandbox/iam_shapes.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kMostPolicyNameCharacters = 128;
constexpr std::size_t kPolicyQuota = 6144;
constexpr std::size_t kMostVersions = 5;
constexpr std::size_t kMostDescriptionCharacters = 1000;

bool is_policy_arn(std::string_view arn) {
  constexpr std::string_view kStart = "arn:aws:iam::";
  if (arn.substr(0, kStart.size()) != kStart) return false;
  arn.remove_prefix(kStart.size());
  const std::size_t colon = arn.find(':');
  constexpr std::string_view kKind = "policy/";
  return colon != std::string_view::npos && colon != 0 && arn.substr(colon + 1, kKind.size()) == kKind &&
         arn.size() > colon + 1 + kKind.size();
}

OrRefused<std::string> read_policy_arn(const Call& call, std::string_view parameter) {
  auto arn = iam_text(call, parameter, 1, 2048);
  if (arn && !is_policy_arn(*arn)) return tl::unexpected(validation_error("Invalid ARN:  Could not be parsed!"));
  return arn;
}

// The policy that PolicyArn names, if the caller may do call.action on it.
OrRefused<ManagedPolicy> named_policy_of(const World& world, const Call& call, const Tags* requested = nullptr) {
  const auto arn = read_policy_arn(call, "PolicyArn");
  if (!arn) return tl::unexpected(arn.error());
  const ManagedPolicy* present = world.managed.find(*arn);
  const ContextKeys keys = tag_keys(requested, present == nullptr ? nullptr : &present->tags);
  if (auto refused = authorize_iam(world, call, *arn, keys)) return tl::unexpected(std::move(*refused));
  return find_policy(world, call, *arn, kPolicyNotFound);
}

// The same for what changes the policy, which nobody may with those of AWS.
OrRefused<ManagedPolicy> own_policy(const World& world, const Call& call, const Tags* requested = nullptr) {
  auto policy = named_policy_of(world, call, requested);
  if (policy && policy->account != call.principal.account) {
    return tl::unexpected(access_denied(fmt::format("User: {} is not authorized to perform: iam:{} on resource: {}",
                                                    call.principal.arn, call.action, policy->arn())));
  }
  return policy;
}

std::size_t versions_in_use(const ManagedPolicy& policy) {
  return static_cast<std::size_t>(std::count_if(policy.versions.begin(), policy.versions.end(),
                                                [](const std::string& document) { return !document.empty(); }));
}

// The number in VersionId ("v3") of a version that exists.
OrRefused<std::size_t> read_version(const Call& call, const ManagedPolicy& policy) {
  const auto text = iam_text(call, "VersionId", 1, 32);
  if (!text) return tl::unexpected(text.error());
  std::size_t number = 0;
  const char* const end = text->data() + text->size();
  if (text->front() != 'v' || std::from_chars(text->data() + 1, end, number).ptr != end || number == 0) {
    return tl::unexpected(validation_error(
        fmt::format("1 validation error detected: Value '{}' at 'versionId' failed to satisfy constraint: Member must "
                    "satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?",
                    *text)));
  }
  if (number > policy.versions.size() || policy.versions[number - 1].empty()) {
    return tl::unexpected(
        no_such_entity(fmt::format("Policy {} version {} does not exist or is not attachable.", policy.arn(), *text)));
  }
  return number;
}

OrRefused<std::string> managed_document(const Call& call) {
  return iam_document(call, "PolicyDocument", policy::Kind::managed, kPolicyQuota,
                      fmt::format("Cannot exceed quota for PolicySize: {}", kPolicyQuota));
}

Answer create_policy(World& world, const Call& call) {
  const auto name = iam_name(call, "PolicyName", kMostPolicyNameCharacters);
  if (!name) return name.error();
  const auto path = iam_path(call);
  if (!path) return path.error();
  const auto tags = iam_tags(call);
  if (!tags) return tags.error();
  ManagedPolicy policy;
  policy.account = call.principal.account;
  policy.name = *name;
  policy.path = *path;
  policy.tags = *tags;
  policy.created = call.now;
  policy.description = std::string(call.text("Description")).substr(0, kMostDescriptionCharacters);
  if (auto refused = authorize_iam(world, call, policy.arn(), tag_keys(&*tags, nullptr))) return *refused;
  const auto document = managed_document(call);
  if (!document) return document.error();
  policy.versions = {*document};
  const auto& all = world.managed.all();
  if (std::any_of(all.begin(), all.end(), [&](const auto& entry) {
        return entry.second.account == policy.account && same_name(entry.second.name, policy.name);
      })) {
    return entity_already_exists(
        fmt::format("A policy called {} already exists. Duplicate names are not allowed.", policy.name));
  }
  policy.id = new_unique_id(*call.random, "ANPA");
  Answer answer = done(policy.arn(), enclose("Policy", policy_shape(world, policy, Detail::created)));
  world.managed.put(std::move(policy));
  return answer;
}

Answer get_policy(World& world, const Call& call) {
  const auto policy = named_policy_of(world, call);
  if (!policy) return policy.error();
  return done(policy->arn(), enclose("Policy", policy_shape(world, *policy, Detail::full)));
}

Answer delete_policy(World& world, const Call& call) {
  const auto policy = own_policy(world, call);
  if (!policy) return policy.error();
  const PolicyUse use = policy_use(world, policy->arn());
  if (use.attached != 0 || use.boundaries != 0) {
    return delete_conflict("Cannot delete a policy attached to entities.");
  }
  if (versions_in_use(*policy) > 1) {
    return delete_conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The "
        "default version is deleted with the policy.");
  }
  world.managed.erase(policy->arn());
  return done(policy->arn());
}

Answer list_policies(World& world, const Call& call) {
  // The one resource that IAM does not write as an ARN; so only "*" in a policy allows it.
  const std::string resource = "policy path " + path_prefix(call);
  if (auto refused = authorize_iam(world, call, resource)) return *refused;
  const std::string_view scope = call.text("Scope");
  const std::string prefix = path_prefix(call);
  const bool only_attached = call.text("OnlyAttached") == "true";
  std::vector<std::string> members;
  for (const auto& [arn, policy] : world.managed.all()) {
    const bool own = policy.account == call.principal.account;
    if (!own && (policy.account != "aws" || scope == "Local")) continue;
    if (own && scope == "AWS") continue;
    if (policy.path.compare(0, prefix.size(), prefix) != 0) continue;
    if (only_attached && policy_use(world, arn).attached == 0) continue;
    members.push_back(policy_shape(world, policy, Detail::listed));
  }
  return page(call, resource, "Policies", members);
}

Answer list_entities_for_policy(World& world, const Call& call) {
  const auto policy = named_policy_of(world, call);
  if (!policy) return policy.error();
  const bool boundaries = call.text("PolicyUsageFilter") == "PermissionsBoundary";
  const std::string_view filter = call.text("EntityFilter");
  const auto list = [&](const auto& table, std::string_view kind, std::string_view name, std::string_view id) {
    std::string members;
    if (!filter.empty() && filter != kind) return members;
    for (const auto& [key, row] : table.all()) {
      if (row.account != call.principal.account) continue;
      const bool attached = std::find(row.attached.begin(), row.attached.end(), policy->arn()) != row.attached.end();
      if (boundaries ? row.permissions_boundary != policy->arn() : !attached) continue;
      members += enclose("member", element(name, row.name) + element(id, row.id));
    }
    return members;
  };
  return done(policy->arn(), enclose("PolicyGroups", "") +
                                 enclose("PolicyUsers", list(world.users, "User", "UserName", "UserId")) +
                                 enclose("PolicyRoles", list(world.roles, "Role", "RoleName", "RoleId")) +
                                 element("IsTruncated", "false"));
}

Answer create_policy_version(World& world, const Call& call) {
  const auto found = own_policy(world, call);
  if (!found) return found.error();
  const auto document = managed_document(call);
  if (!document) return document.error();
  if (versions_in_use(*found) >= kMostVersions) {
    return limit_exceeded(
        fmt::format("A managed policy can have up to {} versions. Before you create a new version, you must delete an "
                    "existing version.",
                    kMostVersions));
  }
  ManagedPolicy policy = *found;
  policy.versions.push_back(*document);
  if (call.text("SetAsDefault") == "true") policy.default_version = policy.versions.size();
  Answer answer =
      done(policy.arn(), enclose("PolicyVersion", policy_version_shape(policy, policy.versions.size(), false)));
  world.managed.put(std::move(policy));
  return answer;
}

Answer get_policy_version(World& world, const Call& call) {
  const auto policy = named_policy_of(world, call);
  if (!policy) return policy.error();
  const auto version = read_version(call, *policy);
  if (!version) return version.error();
  return done(policy->arn(), enclose("PolicyVersion", policy_version_shape(*policy, *version, true)));
}

Answer list_policy_versions(World& world, const Call& call) {
  const auto policy = named_policy_of(world, call);
  if (!policy) return policy.error();
  std::vector<std::string> members;
  for (std::size_t version = policy->versions.size(); version > 0; --version) {  // the newest first
    if (policy->versions[version - 1].empty()) continue;
    members.push_back(policy_version_shape(*policy, version, false));
  }
  return page(call, policy->arn(), "Versions", members);
}

Answer delete_policy_version(World& world, const Call& call) {
  const auto found = own_policy(world, call);
  if (!found) return found.error();
  const auto version = read_version(call, *found);
  if (!version) return version.error();
  if (*version == found->default_version) return delete_conflict("Cannot delete the default version of a policy.");
  ManagedPolicy policy = *found;
  policy.versions[*version - 1].clear();  // the number stays used
  Answer answer = done(policy.arn());
  world.managed.put(std::move(policy));
  return answer;
}

Answer set_default_policy_version(World& world, const Call& call) {
  const auto found = own_policy(world, call);
  if (!found) return found.error();
  const auto version = read_version(call, *found);
  if (!version) return version.error();
  ManagedPolicy policy = *found;
  policy.default_version = *version;
  Answer answer = done(policy.arn());
  world.managed.put(std::move(policy));
  return answer;
}

Answer tag_policy(World& world, const Call& call) {
  const auto tags = iam_tags(call);
  if (!tags) return tags.error();
  const auto found = own_policy(world, call, &*tags);
  if (!found) return found.error();
  ManagedPolicy policy = *found;
  if (auto refused = add_tags(*tags, policy.tags)) return *refused;
  Answer answer = done(policy.arn());
  world.managed.put(std::move(policy));
  return answer;
}

Answer untag_policy(World& world, const Call& call) {
  const auto found = own_policy(world, call);
  if (!found) return found.error();
  ManagedPolicy policy = *found;
  for (const std::string& key : call.list("TagKeys"))
    policy.tags.erase(key);
  Answer answer = done(policy.arn());
  world.managed.put(std::move(policy));
  return answer;
}

Answer list_policy_tags(World& world, const Call& call) {
  const auto policy = named_policy_of(world, call);
  if (!policy) return policy.error();
  return done(policy->arn(), tags_shape(policy->tags, true) + element("IsTruncated", "false"));
}

constexpr std::array<Operation, 13> kManagedPoliciesOperations{{{"CreatePolicy", create_policy},
                                                                {"GetPolicy", get_policy},
                                                                {"DeletePolicy", delete_policy},
                                                                {"ListPolicies", list_policies},
                                                                {"ListEntitiesForPolicy", list_entities_for_policy},
                                                                {"CreatePolicyVersion", create_policy_version},
                                                                {"GetPolicyVersion", get_policy_version},
                                                                {"ListPolicyVersions", list_policy_versions},
                                                                {"DeletePolicyVersion", delete_policy_version},
                                                                {"SetDefaultPolicyVersion", set_default_policy_version},
                                                                {"TagPolicy", tag_policy},
                                                                {"UntagPolicy", untag_policy},
                                                                {"ListPolicyTags", list_policy_tags}}};

}  // namespace

std::span<const Operation> iam_managed_policy_operations() {
  return kManagedPoliciesOperations;
}

OrRefused<ManagedPolicy> find_policy(const World& world, const Call& call, const std::string& arn,
                                     std::string_view missing) {
  if (!is_policy_arn(arn)) return tl::unexpected(validation_error("Invalid ARN:  Could not be parsed!"));
  const ManagedPolicy* policy = world.managed.find(arn);
  if (policy == nullptr || (policy->account != "aws" && policy->account != call.principal.account)) {
    return tl::unexpected(no_such_entity(fmt::format(fmt::runtime(missing), arn)));
  }
  return *policy;
}

OrRefused<std::string> requested_boundary(const World& world, const Call& call) {
  const std::string* arn = call.find("PermissionsBoundary");
  if (arn == nullptr) return std::string();
  const auto policy = find_policy(world, call, *arn, kPolicyNotAttachable);
  if (!policy) return tl::unexpected(policy.error());
  return *arn;
}

}  // namespace tollgate::sandbox
