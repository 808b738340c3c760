#include "sandbox/iam_users.h"

#include <algorithm>
#include <array>

#include "sandbox/iam_managed_policies.h"
#include "sandbox/iam_principals.h"
#include "sandbox/iam_shapes.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

bool user_exists(const World& world, const std::string& account, std::string_view name) {
  return std::any_of(world.users.all().begin(), world.users.all().end(), [&](const auto& entry) {
    return entry.second.account == account && same_name(entry.second.name, name);
  });
}

Answer user_exists_answer(std::string_view name) {
  return entity_already_exists(fmt::format("User with name {} already exists.", name));
}

Answer create_user(World& world, const Call& call) {
  const auto name = iam_name(call, UserKind::kName, kMostNameCharacters);
  if (!name) return name.error();
  const auto path = iam_path(call);
  if (!path) return path.error();
  const auto tags = iam_tags(call);
  if (!tags) return tags.error();
  User user;
  user.account = call.principal.account;
  user.name = *name;
  user.path = *path;
  user.tags = *tags;
  user.created = call.now;
  const auto boundary = requested_boundary(world, call);
  if (!boundary) return boundary.error();
  user.permissions_boundary = *boundary;
  ContextKeys keys = tag_keys(&*tags, nullptr);
  if (!boundary->empty()) keys["iam:PermissionsBoundary"] = {*boundary};
  if (auto refused = authorize_iam(world, call, user.arn(), keys)) return *refused;
  if (user_exists(world, user.account, user.name)) return user_exists_answer(user.name);
  user.id = new_unique_id(*call.random, "AIDA");
  Answer answer = done(user.arn(), enclose("User", user_shape(user, Detail::created)));
  world.users.put(std::move(user));
  return answer;
}

// The root user has no row: what is known of it follows from its account.
Answer get_root_user(const Call& call) {
  return done(call.principal.arn,
              enclose("User", element("UserId", call.principal.account) + element("Arn", call.principal.arn) +
                                  element("CreateDate", format_iso8601(TimePoint{}))));
}

Answer get_user(World& world, const Call& call) {
  if (call.find(UserKind::kName) == nullptr && call.principal.kind == Principal::Kind::root) return get_root_user(call);
  const auto user = find_user_or_caller(world, call);
  if (!user) return user.error();
  return done(user->arn(), enclose("User", user_shape(*user, Detail::full)));
}

// Keys, devices and sessions name their user: they follow it to its new name.
void follow_new_name(World& world, const User& before, const User& after) {
  const auto belongs = [&](const auto& row, const std::string& owner) {
    return row.account == before.account && owner == before.name;
  };
  std::vector<AccessKey> keys;
  for (const auto& [id, key] : world.access_keys.all()) {
    if (belongs(key, key.user)) keys.push_back(key);
  }
  for (AccessKey& key : keys) {
    key.user = after.name;
    world.access_keys.put(std::move(key));
  }
  std::vector<MfaDevice> devices;
  for (const auto& [serial, device] : world.devices.all()) {
    if (belongs(device, device.user)) devices.push_back(device);
  }
  for (MfaDevice& device : devices) {
    device.user = after.name;
    world.devices.put(std::move(device));
  }
  std::vector<Session> sessions;
  for (const auto& [id, session] : world.sessions.all()) {
    if (session.kind != Session::Kind::role && belongs(session, session.name)) sessions.push_back(session);
  }
  for (Session& session : sessions) {
    session.name = after.name;
    if (session.kind == Session::Kind::session_token) session.principal_arn = after.arn();
    world.sessions.put(std::move(session));
  }
  rename_in_principals(world, before.arn(), after.arn());
}

Answer update_user(World& world, const Call& call) {
  const auto before = find_principal<UserKind>(world, call);
  if (!before) return before.error();
  User after = *before;
  if (call.find("NewUserName") != nullptr) {
    const auto name = iam_name(call, "NewUserName", kMostNameCharacters);
    if (!name) return name.error();
    if (!same_name(*name, before->name) && user_exists(world, before->account, *name)) {
      return user_exists_answer(*name);
    }
    after.name = *name;
  }
  if (call.find("NewPath") != nullptr) {
    const auto path = iam_path(call, "NewPath");
    if (!path) return path.error();
    after.path = *path;
  }
  // Renaming needs the permission for the new name as well (IAM API Reference, UpdateUser).
  if (auto refused = authorize_iam(world, call, after.arn(), tag_keys(nullptr, &after.tags))) return *refused;
  if (after.name != before->name || after.path != before->path) {
    world.users.erase(before->key());
    follow_new_name(world, *before, after);
  }
  Answer answer = done(after.arn());
  world.users.put(std::move(after));
  return answer;
}

Answer delete_user(World& world, const Call& call) {
  const auto user = find_principal<UserKind>(world, call);
  if (!user) return user.error();
  const auto belongs = [&](const auto& entry) {
    return entry.second.account == user->account && entry.second.user == user->name;
  };
  const auto& keys = world.access_keys.all();
  const auto& devices = world.devices.all();
  if (std::any_of(keys.begin(), keys.end(), belongs)) {
    return delete_conflict("Cannot delete entity, must delete access keys first.");
  }
  if (std::any_of(devices.begin(), devices.end(), belongs)) {
    return delete_conflict("Cannot delete entity, must delete MFA device first.");
  }
  if (!user->attached.empty()) return delete_conflict("Cannot delete entity, must detach all policies first.");
  if (!user->policies.empty()) return delete_conflict("Cannot delete entity, must delete policies first.");
  world.users.erase(user->key());
  rename_in_principals(world, user->arn(), user->id);
  end_sessions(world, user->account, user->name, false);
  return done(user->arn());
}

Answer list_users(World& world, const Call& call) {
  const std::string resource = iam_arn(call, UserKind::kNoun, "/");
  if (auto refused = authorize_iam(world, call, resource)) return *refused;
  const std::string prefix = path_prefix(call);
  std::vector<std::string> members;
  for (const auto& [key, user] : world.users.all()) {
    if (user.account != call.principal.account || user.path.compare(0, prefix.size(), prefix) != 0) continue;
    members.push_back(user_shape(user, Detail::listed));
  }
  return page(call, resource, "Users", members);
}

constexpr std::array<Operation, 5> kUsersOperations{{{"CreateUser", create_user},
                                                     {"GetUser", get_user},
                                                     {"UpdateUser", update_user},
                                                     {"DeleteUser", delete_user},
                                                     {"ListUsers", list_users}}};

}  // namespace

std::span<const Operation> iam_user_operations() {
  return kUsersOperations;
}

}  // namespace tollgate::sandbox
