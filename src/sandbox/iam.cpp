#include <vector>

#include "sandbox/call.h"
#include "sandbox/iam_access_keys.h"
#include "sandbox/iam_account.h"
#include "sandbox/iam_managed_policies.h"
#include "sandbox/iam_mfa_devices.h"
#include "sandbox/iam_principal_policies.h"
#include "sandbox/iam_roles.h"
#include "sandbox/iam_users.h"

namespace tollgate::sandbox {

std::span<const Operation> iam_operations() {
  static const std::vector<Operation> kAll = [] {
    std::vector<Operation> all;
    for (const auto part : {iam_user_operations(), iam_role_operations(), iam_managed_policy_operations(),
                            iam_principal_policy_operations(), iam_access_key_operations(), iam_mfa_device_operations(),
                            iam_account_operations()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return kAll;
}

}  // namespace tollgate::sandbox
