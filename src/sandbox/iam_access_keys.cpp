#include "sandbox/iam_access_keys.h"

#include <algorithm>
#include <array>

#include "sandbox/assume_role.h"
#include "sandbox/iam_principals.h"
#include "sandbox/iam_shapes.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kMostKeys = 2;

// Whose keys a call is about: a user's, or with an empty name the root user's own.
struct KeyOwner {
  std::string name;
  std::string arn;
};

OrRefused<KeyOwner> key_owner(World& world, const Call& call) {
  if (call.find(UserKind::kName) == nullptr && call.principal.kind == Principal::Kind::root) {
    return KeyOwner{"", call.principal.arn};
  }
  const auto user = find_user_or_caller(world, call);
  if (!user) return tl::unexpected(user.error());
  return KeyOwner{user->name, user->arn()};
}

std::vector<const AccessKey*> keys_of(const World& world, const Call& call, const KeyOwner& owner) {
  std::vector<const AccessKey*> keys;
  for (const auto& [id, key] : world.access_keys.all()) {
    if (key.account == call.principal.account && key.user == owner.name) keys.push_back(&key);
  }
  return keys;
}

// The key that AccessKeyId names among those of the owner.
OrRefused<AccessKey> owned_key(const World& world, const Call& call, const KeyOwner& owner) {
  const auto id = iam_text(call, "AccessKeyId", 16, 128);
  if (!id) return tl::unexpected(id.error());
  const AccessKey* key = world.access_keys.find(*id);
  if (key == nullptr || key->account != call.principal.account || key->user != owner.name) {
    return tl::unexpected(no_such_entity(fmt::format("The Access Key with id {} cannot be found.", *id)));
  }
  return *key;
}

Answer create_access_key(World& world, const Call& call) {
  const auto owner = key_owner(world, call);
  if (!owner) return owner.error();
  if (keys_of(world, call, *owner).size() >= kMostKeys) {
    return limit_exceeded(fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", kMostKeys));
  }
  AccessKey key;
  key.id = new_access_key_id(*call.random, "AKIA");
  key.secret = new_secret_access_key(*call.random);
  key.account = call.principal.account;
  key.user = owner->name;
  key.created = call.now;
  Answer answer =
      done(owner->arn, enclose("AccessKey", access_key_shape(key) + element("SecretAccessKey", key.secret.reveal())));
  world.access_keys.put(std::move(key));
  return answer;
}

Answer update_access_key(World& world, const Call& call) {
  const auto owner = key_owner(world, call);
  if (!owner) return owner.error();
  auto key = owned_key(world, call, *owner);
  if (!key) return key.error();
  const std::string_view status = call.text("Status");
  if (status != "Active" && status != "Inactive") {
    return validation_error(fmt::format(
        "1 validation error detected: Value '{}' at 'status' failed to satisfy constraint: Member must satisfy enum "
        "value set: [Active, Inactive]",
        status));
  }
  key->active = status == "Active";
  world.access_keys.put(std::move(*key));
  return done(owner->arn);
}

Answer delete_access_key(World& world, const Call& call) {
  const auto owner = key_owner(world, call);
  if (!owner) return owner.error();
  const auto key = owned_key(world, call, *owner);
  if (!key) return key.error();
  world.access_keys.erase(key->id);
  return done(owner->arn);
}

Answer list_access_keys(World& world, const Call& call) {
  const auto owner = key_owner(world, call);
  if (!owner) return owner.error();
  std::vector<std::string> members;
  for (const AccessKey* key : keys_of(world, call, *owner))
    members.push_back(access_key_shape(*key));
  return page(call, owner->arn, "AccessKeyMetadata", members);
}

Answer get_access_key_last_used(World& world, const Call& call) {
  const auto id = iam_text(call, "AccessKeyId", 16, 128);
  if (!id) return id.error();
  const AccessKey* key = world.access_keys.find(*id);
  const bool known = key != nullptr && key->account == call.principal.account;
  const User* user = known ? world.users.find(key->account + "/" + key->user) : nullptr;
  const std::string resource = user != nullptr ? user->arn() : "*";
  if (auto refused = authorize_iam(world, call, resource)) return *refused;
  if (!known) return no_such_entity(fmt::format("The Access Key with id {} cannot be found.", *id));
  return done(resource, (user != nullptr ? element("UserName", user->name) : "") +
                            enclose("AccessKeyLastUsed", element("Region", "N/A") + element("ServiceName", "N/A")));
}

constexpr std::array<Operation, 5> kOperations{{{"CreateAccessKey", create_access_key},
                                                {"UpdateAccessKey", update_access_key},
                                                {"DeleteAccessKey", delete_access_key},
                                                {"ListAccessKeys", list_access_keys},
                                                {"GetAccessKeyLastUsed", get_access_key_last_used}}};

}  // namespace

std::span<const Operation> iam_access_key_operations() {
  return kOperations;
}

}  // namespace tollgate::sandbox
