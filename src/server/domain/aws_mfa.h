// What the AWS MFA gate keeps: whose keys and devices, what an organization allows, each gate with what it is bound to
// and how it ended, which codes were sent, and the sessions that AWS gave for them. Rows as they are stored; secrets
// are clear here and sealed on disk; codes are nowhere, but for a keyed hash. Plain values; not synchronised.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/secret.h"
#include "common/base/time.h"
#include "server/domain/mfa_level.h"

namespace tollgate::domain {

enum class IdentityKind { personal, organization };

// A long-term access key of an IAM user, with the MFA device that goes with it. One for each person and organization,
// and one for the organization itself.
struct AwsIdentity {
  std::string id;
  std::string organization_id;
  IdentityKind kind = IdentityKind::personal;
  // personal: whose it is. organization: whose device `mfa_serial` is; empty: nobody's, so that it must be shared or
  // people register their own (IdentityDevice).
  std::string user_id;
  std::string access_key_id;
  Secret secret_access_key;
  std::string mfa_serial;  // arn:aws:iam::111122223333:mfa/ana, or the serial of a hardware token; may be empty
  std::string region = "us-east-1";
  bool shared = false;  // of kind organization: everybody of the organization may use `mfa_serial`
  // What GetCallerIdentity said of the key; empty until it was asked.
  std::string account;
  std::string arn;
  std::optional<TimePoint> key_created_at;
  std::optional<TimePoint> tested_at;
  TimePoint created_at{};
  TimePoint updated_at{};
};

// A person's own device for the key of the organization: AWS allows eight of them for an IAM user.
struct IdentityDevice {
  std::string id;
  std::string identity_id;
  std::string user_id;
  std::string serial;
  TimePoint created_at{};
};

// Which of the identities a person's code is checked with.
enum class IdentityPolicy { personal, organization, personal_then_organization };

// A role that a phase gets instead of the session itself. No role where the ARN is empty.
struct PhaseRole {
  std::string arn;
  std::string external_id;

  friend bool operator==(const PhaseRole&, const PhaseRole&) = default;
};

// An organization's settings of the gate, beside those that Organization has itself (level, deadlines, limits).
struct GateSettings {
  std::string id;  // the organization's
  IdentityPolicy identity_policy = IdentityPolicy::personal_then_organization;
  std::vector<std::string> accounts;  // whose identities open the gate; empty: that of the organization's identity
  PhaseRole plan_role;                // of plans behind a gate
  PhaseRole apply_role;
  PhaseRole read_only_plan_role;  // of plans without a gate (applies-only)
  bool raw_key_plans = false;     // plans without a gate may get the organization's key itself
};

// How a gate stands. Stored once it has opened; until then there is no record.
enum class GateState {
  open,      // waits for a code
  checking,  // a code is at STS
  passed,
  expired,
  closed,  // the run ended there in another way
};

struct GateRefusal {
  std::string reason;  // machine-readable; empty: none
  std::string sentence;
  std::optional<TimePoint> at;
  std::string by;  // user name
  std::string request_id;
};

// What a code is typed for: it opens this and nothing else.
struct GateBinding {
  std::string run_id;
  PhaseKind phase = PhaseKind::plan;
  std::string plan_sha256;  // of an apply
  std::string configuration_version_id;
  std::string inputs_sha256;  // of the frozen variables
  std::string terraform_version;
  std::string lock_file_sha256;  // of an apply

  friend bool operator==(const GateBinding&, const GateBinding&) = default;
};

// One gate of one run. The record that invariant I1 asks for is one in state `passed`.
struct GateRecord {
  std::string id;  // the gate-id, which follows from the binding
  std::string organization_id;
  GateBinding binding;
  GateState state = GateState::open;
  TimePoint opened_at{};
  std::int64_t refusals = 0;  // codes that AWS did not take, since an owner last lifted the lock
  GateRefusal refusal;        // the last one
  // The code that is at STS, or was last.
  std::string attempt_id;
  std::optional<TimePoint> checking_since;
  std::string checking_by;  // user id
  // Of a passed gate.
  std::string accepted_by;       // user id
  std::string accepted_by_name;  // as it was then
  std::optional<TimePoint> accepted_at;
  std::string identity_id;
  IdentityKind identity_kind = IdentityKind::personal;
  std::string serial;
  std::string account;
  std::string arn;
  std::string request_id;  // of the STS call that accepted
  std::optional<TimePoint> session_expires_at;
};

// One code on its way to STS: what the limits are counted from.
enum class AttemptOutcome {
  sent,      // on its way, or nobody knows what became of it
  accepted,  //
  refused,   // also where no answer came: it counts
  unspent,   // provably not looked at
};
struct MfaAttempt {
  std::string id;
  std::string serial;
  std::string user_id;
  std::string run_id;
  TimePoint at{};
  AttemptOutcome outcome = AttemptOutcome::sent;
};

// The credentials of one phase of one run, until that ends.
struct PhaseSession {
  std::string id;  // the plan's or the apply's
  std::string run_id;
  std::string region;
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  TimePoint expires_at{};
};

// Of a phase whose role's session ends before the phase may: the session that assumes the role again, until the phase
// ends.
struct RoleRenewal {
  std::string id;  // the plan's or the apply's
  std::string run_id;
  std::string role_arn;
  std::string external_id;
  std::string session_name;
  std::chrono::seconds duration{};
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
};

}  // namespace tollgate::domain
