// What keeps Terraform from getting credentials, or will: about twenty checks of files, environment, machine, AWS, each
// with its findings and one step that mends it. Changes nothing and never asks for a one-time code; the world comes in
// through Surroundings. Checks that need the network or a secret are left out when told so. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/diagnostic.h"
#include "aws/profile_chain.h"
#include "aws/sts_client.h"
#include "broker/deliver/role_limits.h"
#include "broker/vault/long_term_keys.h"
#include "broker/vault/vault_key.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "common/net/http_client.h"
#include "common/os/environment.h"
#include "common/os/xdg.h"

namespace tollgate::deliver {

enum class CheckStatus { ok, warn, fail, skipped };
std::string_view check_status_name(CheckStatus status);

struct Finding {
  CheckStatus status = CheckStatus::warn;
  std::string place;    // file:line, or the variable; may be empty
  std::string message;  // one sentence, no full stop
  std::string fix;      // one line; empty for a mere remark
};

struct Check {
  std::string id;     // stable: "files", "gate"
  std::string title;  // "AWS files"
  CheckStatus status = CheckStatus::ok;
  std::string message;            // what was seen, or why the check was skipped
  std::vector<Finding> findings;  // those of status ok are remarks
};

// What the checks look at. Functions that may be empty leave out their check.
struct Surroundings {
  const Clock& clock;
  const os::Environment& environment;
  os::UserDirectories directories;
  Result<const aws::ProfileSet*> profiles;
  aws::HasVaultKeys has_vault_keys;
  std::string profile;            // the one asked about, or chosen by AWS_PROFILE, or default
  bool profile_given = false;     // false: nobody named one, so mistakes of any profile count
  std::string program;            // absolute path of tollgate
  std::string fetch_program;      // where tollgate-fetch should be
  std::string working_directory;  // whose Terraform code is read
  bool has_terminal = false;
  std::function<net::Client&()> network;  // empty: no network
  Duration clock_offset{0};               // learnt earlier
  std::function<Result<std::optional<vault::Protection>>()> protection;
  std::function<Result<std::vector<vault::KeySummary>>()> stored_keys;
  // The stored long-term key of that name, for the gate's proof; may ask for the passphrase.
  std::function<Result<aws::Credentials>(const aws::VaultKeys&)> vault_keys;
  // What AWS has shown of the role's MaxSessionDuration.
  std::function<std::optional<RoleLimit>(std::string_view role_arn)> role_limit;
};

struct Report {
  std::vector<Check> checks;
  // The trust policy that closes the profile's role to sessions without MFA; empty where there is no role.
  std::string role_arn;
  std::string trust_policy;
  bool failed() const;
};

Report examine(const Surroundings& surroundings);

// Schema tollgate.doctor.v1.
json::Value to_json(const Report& report);

// A trust policy that lets `principal_arn` assume a role only with MFA, as JSON for `aws iam
// update-assume-role-policy`. BoolIfExists would let long-term keys through, for they carry no such key: hence Bool.
std::string mfa_trust_policy(std::string_view principal_arn, std::string_view external_id);

}  // namespace tollgate::deliver
