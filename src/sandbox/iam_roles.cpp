#include "sandbox/iam_roles.h"

#include <algorithm>
#include <array>

#include "sandbox/constraints.h"
#include "sandbox/iam_managed_policies.h"
#include "sandbox/iam_principals.h"
#include "sandbox/iam_shapes.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kTrustPolicyQuota = 2048;
constexpr std::size_t kMostDescriptionCharacters = 1000;
constexpr std::int64_t kLeastSession = 3600;
constexpr std::int64_t kLongestSession = 43200;

// arn:aws:iam::ACCOUNT:user/PATH/NAME as "ACCOUNT", "user", "PATH/NAME".
struct NamedPrincipal {
  std::string account;
  std::string kind;
  std::string name;
};

NamedPrincipal split_principal(std::string_view arn) {
  NamedPrincipal named;
  for (int part = 0; part < 5; ++part) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    if (part == 4) named.account = arn.substr(0, colon);
    arn.remove_prefix(colon + 1);
  }
  const std::size_t slash = arn.find('/');
  named.kind = arn.substr(0, slash);
  if (slash != std::string_view::npos) named.name = arn.substr(slash + 1);
  return named;
}

// Whether a trust policy may name this principal. Of accounts that the world does not hold nothing is known, and
// everything about them is believed.
bool principal_exists(const World& world, const std::string& arn) {
  const NamedPrincipal named = split_principal(arn);
  if (!world.accounts.has(named.account)) return true;
  const auto has_arn = [&](const auto& table) {
    return std::any_of(table.begin(), table.end(), [&](const auto& entry) { return entry.second.arn() == arn; });
  };
  if (named.kind == "user") return has_arn(world.users.all());
  if (named.kind == "role") return has_arn(world.roles.all());
  if (named.kind == "assumed-role") {
    return world.roles.has(named.account + "/" + named.name.substr(0, named.name.find('/')));
  }
  return true;
}

// The document in `parameter`, checked as a trust policy of this world.
OrRefused<std::string> trust_policy(const World& world, const Call& call, std::string_view parameter) {
  auto document = iam_document(call, parameter, policy::Kind::trust, kTrustPolicyQuota,
                               fmt::format("Cannot exceed quota for ACLSizePerRole: {}", kTrustPolicyQuota));
  if (!document) return document;
  const auto parsed = policy::parse_policy(*document, policy::Kind::trust);
  for (const policy::Statement& statement : parsed->statements) {
    if (!statement.principal) continue;
    for (const std::string& name : statement.principal->aws) {
      if (principal_exists(world, name)) continue;
      return tl::unexpected(
          refuse(400, "MalformedPolicyDocument", fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", name)));
    }
  }
  return document;
}

// Description and MaxSessionDuration as far as they were sent.
std::optional<Answer> read_settings(const Call& call, Role& role) {
  Constraints constraints(call);
  constraints.length("Description", "description", 0, kMostDescriptionCharacters);
  role.max_session_duration = constraints.integer("MaxSessionDuration", "maxSessionDuration", kLeastSession,
                                                  kLongestSession, role.max_session_duration);
  if (const std::string* description = call.find("Description")) role.description = *description;
  return constraints.fault();
}

Answer create_role(World& world, const Call& call) {
  const auto name = iam_name(call, RoleKind::kName, kMostNameCharacters);
  if (!name) return name.error();
  const auto path = iam_path(call);
  if (!path) return path.error();
  const auto tags = iam_tags(call);
  if (!tags) return tags.error();
  Role role;
  if (auto fault = read_settings(call, role)) return *fault;
  role.account = call.principal.account;
  role.name = *name;
  role.path = *path;
  role.tags = *tags;
  role.created = call.now;
  const auto boundary = requested_boundary(world, call);
  if (!boundary) return boundary.error();
  role.permissions_boundary = *boundary;
  ContextKeys keys = tag_keys(&*tags, nullptr);
  if (!boundary->empty()) keys["iam:PermissionsBoundary"] = {*boundary};
  if (auto refused = authorize_iam(world, call, role.arn(), keys)) return *refused;
  const auto trust = trust_policy(world, call, "AssumeRolePolicyDocument");
  if (!trust) return trust.error();
  role.trust_policy = *trust;
  const auto& roles = world.roles.all();
  if (std::any_of(roles.begin(), roles.end(), [&](const auto& entry) {
        return entry.second.account == role.account && same_name(entry.second.name, role.name);
      })) {
    return entity_already_exists(fmt::format("Role with name {} already exists.", role.name));
  }
  role.id = new_unique_id(*call.random, "AROA");
  Answer answer = done(role.arn(), enclose("Role", role_shape(role, Detail::created)));
  world.roles.put(std::move(role));
  return answer;
}

Answer get_role(World& world, const Call& call) {
  const auto role = find_principal<RoleKind>(world, call);
  if (!role) return role.error();
  return done(role->arn(), enclose("Role", role_shape(*role, Detail::full)));
}

Answer update_role(World& world, const Call& call) {
  const auto found = find_principal<RoleKind>(world, call);
  if (!found) return found.error();
  Role role = *found;
  if (auto fault = read_settings(call, role)) return *fault;
  Answer answer = done(role.arn());
  // UpdateRole answers with a result that holds nothing, and the Go SDK insists on it; a blank keeps it from being left
  // out. UpdateRoleDescription shows the role.
  answer.result = call.action == "UpdateRole" ? " " : enclose("Role", role_shape(role, Detail::full));
  world.roles.put(std::move(role));
  return answer;
}

Answer update_assume_role_policy(World& world, const Call& call) {
  const auto found = find_principal<RoleKind>(world, call);
  if (!found) return found.error();
  const auto trust = trust_policy(world, call, "PolicyDocument");
  if (!trust) return trust.error();
  Role role = *found;
  role.trust_policy = *trust;
  Answer answer = done(role.arn());
  world.roles.put(std::move(role));
  return answer;
}

Answer delete_role(World& world, const Call& call) {
  const auto role = find_principal<RoleKind>(world, call);
  if (!role) return role.error();
  if (!role->attached.empty()) return delete_conflict("Cannot delete entity, must detach all policies first.");
  if (!role->policies.empty()) return delete_conflict("Cannot delete entity, must delete policies first.");
  world.roles.erase(role->key());
  rename_in_principals(world, role->arn(), role->id);
  end_sessions(world, role->account, role->name, true);
  return done(role->arn());
}

Answer list_roles(World& world, const Call& call) {
  const std::string resource = iam_arn(call, RoleKind::kNoun, "/");
  if (auto refused = authorize_iam(world, call, resource)) return *refused;
  const std::string prefix = path_prefix(call);
  std::vector<std::string> members;
  for (const auto& [key, role] : world.roles.all()) {
    if (role.account != call.principal.account || role.path.compare(0, prefix.size(), prefix) != 0) continue;
    members.push_back(role_shape(role, Detail::listed));
  }
  return page(call, resource, "Roles", members);
}

constexpr std::array<Operation, 7> kRolesOperations{{{"CreateRole", create_role},
                                                     {"GetRole", get_role},
                                                     {"UpdateRole", update_role},
                                                     {"UpdateRoleDescription", update_role},
                                                     {"UpdateAssumeRolePolicy", update_assume_role_policy},
                                                     {"DeleteRole", delete_role},
                                                     {"ListRoles", list_roles}}};

}  // namespace

std::span<const Operation> iam_role_operations() {
  return kRolesOperations;
}

}  // namespace tollgate::sandbox
