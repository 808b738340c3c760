#include "sandbox/iam_account.h"

#include <algorithm>
#include <array>

#include "aws/xml.h"
#include "sandbox/iam_principals.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

template <class Rows>
std::size_t count_of(const Rows& table, const std::string& account) {
  const auto& rows = table.all();
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const auto& entry) { return entry.second.account == account; }));
}

Answer get_account_summary(World& world, const Call& call) {
  if (auto refused = authorize_iam(world, call, "*")) return *refused;
  const std::string& account = call.principal.account;
  const auto& devices = world.devices.all();
  const auto in_use = std::count_if(devices.begin(), devices.end(), [&](const auto& entry) {
    return entry.second.account == account && !entry.second.user.empty();
  });
  const auto& keys = world.access_keys.all();
  const bool root_keys = std::any_of(keys.begin(), keys.end(), [&](const auto& entry) {
    return entry.second.account == account && entry.second.user.empty();
  });
  const std::array<std::pair<std::string_view, std::size_t>, 15> entries{
      {{"Users", count_of(world.users, account)},
       {"UsersQuota", 5000},
       {"Roles", count_of(world.roles, account)},
       {"RolesQuota", 1000},
       {"Groups", 0},
       {"GroupsQuota", 300},
       {"Policies", count_of(world.managed, account)},
       {"PoliciesQuota", 1500},
       {"InstanceProfiles", 0},
       {"MFADevices", count_of(world.devices, account)},
       {"MFADevicesInUse", static_cast<std::size_t>(in_use)},
       {"AccountMFAEnabled", 0},
       {"AccountAccessKeysPresent", root_keys ? 1U : 0U},
       {"AccessKeysPerUserQuota", 2},
       {"PolicySizeQuota", 6144}}};
  std::string map;
  for (const auto& [key, value] : entries) {
    map += enclose("entry", element("key", key) + element("value", std::to_string(value)));
  }
  return done("*", enclose("SummaryMap", map));
}

Answer list_account_aliases(World& world, const Call& call) {
  if (auto refused = authorize_iam(world, call, "*")) return *refused;
  const Account* account = world.accounts.find(call.principal.account);
  std::vector<std::string> aliases;
  if (account != nullptr && !account->alias.empty()) aliases.push_back(aws::xml_escape(account->alias));
  return page(call, "*", "AccountAliases", aliases);
}

// The element that holds the list in the answer of an action whose entities this IAM does not have.
std::string_view empty_list_of(std::string_view action) {
  if (action == "ListSSHPublicKeys") return "SSHPublicKeys";
  if (action == "ListSigningCertificates") return "Certificates";
  if (action == "ListServiceSpecificCredentials") return "ServiceSpecificCredentials";
  if (action == "ListInstanceProfilesForRole" || action == "ListInstanceProfiles") return "InstanceProfiles";
  return "Groups";
}

template <class Kind>
Answer list_nothing_of(World& world, const Call& call) {
  const auto row = find_principal<Kind>(world, call);
  if (!row) return row.error();
  return page(call, row->arn(), empty_list_of(call.action), {});
}

Answer list_nothing(World& world, const Call& call) {
  const std::string resource = iam_arn(call, call.action == "ListGroups" ? "group" : "instance-profile", "/");
  if (auto refused = authorize_iam(world, call, resource)) return *refused;
  return page(call, resource, empty_list_of(call.action), {});
}

Answer no_login_profile(World& world, const Call& call) {
  const auto user = find_user_or_caller(world, call);
  if (!user) return user.error();
  return no_such_entity(fmt::format("Login Profile for User {} cannot be found.", user->name));
}

constexpr std::array<Operation, 11> kAccountOperations{{{"GetAccountSummary", get_account_summary},
                                                        {"ListAccountAliases", list_account_aliases},
                                                        {"ListGroups", list_nothing},
                                                        {"ListGroupsForUser", list_nothing_of<UserKind>},
                                                        {"ListSSHPublicKeys", list_nothing_of<UserKind>},
                                                        {"ListSigningCertificates", list_nothing_of<UserKind>},
                                                        {"ListServiceSpecificCredentials", list_nothing_of<UserKind>},
                                                        {"ListInstanceProfiles", list_nothing},
                                                        {"ListInstanceProfilesForRole", list_nothing_of<RoleKind>},
                                                        {"GetLoginProfile", no_login_profile},
                                                        {"DeleteLoginProfile", no_login_profile}}};

}  // namespace

std::span<const Operation> iam_account_operations() {
  return kAccountOperations;
}

}  // namespace tollgate::sandbox
