// Users and roles have the same policies, boundary and tags under different names. The two kinds as types, so that each
// operation on them is written once; and how a call finds the one that it names. The caller holds the world's lock.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/iam_request.h"

namespace tollgate::sandbox {

struct UserKind {
  using Row = User;
  static constexpr std::string_view kName = "UserName";  // the parameter and the element
  static constexpr std::string_view kNoun = "user";
  static constexpr std::string_view kTitle = "User";
  static constexpr std::string_view kPoliciesQuota = "PoliciesPerUser";
  static constexpr std::size_t kInlineQuota = 2048;  // characters of all inline policies
  static Table<User>& table(World& world) { return world.users; }
};

struct RoleKind {
  using Row = Role;
  static constexpr std::string_view kName = "RoleName";
  static constexpr std::string_view kNoun = "role";
  static constexpr std::string_view kTitle = "Role";
  static constexpr std::string_view kPoliciesQuota = "PoliciesPerRole";
  static constexpr std::size_t kInlineQuota = 10240;
  static Table<Role>& table(World& world) { return world.roles; }
};

inline constexpr std::size_t kMostNameCharacters = 64;

// arn:aws:iam::ACCOUNT:user/NAME for the caller's account; the path is part of `name`.
std::string iam_arn(const Call& call, std::string_view kind, std::string_view name);

// The row that `name` names in the caller's account, if the caller may do call.action on it. The permission is asked
// first: who may not look does not learn what exists.
template <class Kind>
OrRefused<typename Kind::Row> find_named(World& world, const Call& call, const std::string& name,
                                         ContextKeys extra = {}) {
  const auto* row = Kind::table(world).find(call.principal.account + "/" + name);
  if (row != nullptr) extra.merge(tag_keys(nullptr, &row->tags));
  const std::string arn = row != nullptr ? row->arn() : iam_arn(call, Kind::kNoun, "/" + name);
  if (auto refused = authorize_iam(world, call, arn, extra)) return tl::unexpected(std::move(*refused));
  if (row == nullptr) {
    return tl::unexpected(no_such_entity(fmt::format("The {} with name {} cannot be found.", Kind::kNoun, name)));
  }
  return *row;
}

// The same for the name in the call's UserName or RoleName, which is required.
template <class Kind>
OrRefused<typename Kind::Row> find_principal(World& world, const Call& call, ContextKeys extra = {}) {
  const auto name = iam_name(call, Kind::kName, kMostNameCharacters);
  if (!name) return tl::unexpected(name.error());
  return find_named<Kind>(world, call, *name, std::move(extra));
}

// Takes back the temporary credentials of a user or role that is deleted: one of the same name that comes later is
// somebody else.
void end_sessions(World& world, std::string_view account, std::string_view name, bool of_role);

// IAM keeps users and roles in trust and bucket policies by their unique id and only shows it as an ARN: a renamed one
// is still meant, and one that is deleted shows as its id, which a later one of the same name does not have (IAM User
// Guide, "AWS JSON policy elements: Principal"). Writes `name`, an ARN or an id, wherever a Principal has `arn`.
void rename_in_principals(World& world, std::string_view arn, std::string_view name);

// The user that UserName names, else the calling user itself. Refused where the caller is no user and gave no name.
OrRefused<User> find_user_or_caller(World& world, const Call& call);

}  // namespace tollgate::sandbox
