// Commands on the server's host that set what guards the gate: whoever may read the server's files may do so, as an
// owner may in a web session. Secrets come from stdin.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "server/runs/break_glass.h"

namespace tollgate::app {

// `tollgate-server org mfa DIR ORGANIZATION`: what is not given stays; without anything it is shown.
struct MfaSettingsChange {
  std::string directory;
  std::string organization;
  std::string level;
  std::string identity_policy;
  std::vector<std::string> accounts;
  std::string plan_gate_deadline;  // durations: 15m, 24h
  std::string apply_gate_deadline;
  std::string plan_limit;
  std::string apply_limit;
  std::string plan_role;  // "none" takes one away
  std::string plan_role_external_id;
  std::string apply_role;
  std::string apply_role_external_id;
  std::string read_only_plan_role;
  std::string read_only_plan_role_external_id;
  std::string raw_key_plans;  // "true", "false"
};
Result<void> run_org_mfa(const MfaSettingsChange& request);

// `tollgate-server org break-glass DIR ORGANIZATION --owner NAME --reason TEXT`
Result<void> run_break_glass(const std::string& directory, const runs::BreakGlassRequest& request);

// `tollgate-server identity set DIR ORGANIZATION --organization|--user NAME`: the secret from stdin.
struct NewAwsIdentity {
  std::string directory;
  std::string organization;
  bool of_organization = false;
  std::string user;
  std::string access_key_id;
  std::string mfa_serial;
  std::string region;
  bool shared = false;
  std::string device_of;  // of the organization's identity: whose device the serial is
};
Result<void> run_identity_set(const NewAwsIdentity& request);

// `tollgate-server identity device DIR ORGANIZATION --user NAME --mfa-serial SERIAL`
struct NewIdentityDevice {
  std::string directory;
  std::string organization;
  std::string user;
  std::string mfa_serial;
};
Result<void> run_identity_device(const NewIdentityDevice& request);

}  // namespace tollgate::app
