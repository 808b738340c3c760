// "Test connection" of an AWS identity: whose key it is, whether the clocks agree, how old the key is, whether the
// roles that phases get can be had - with the session that a code gives, and not without. Nothing of it opens a gate. A
// code that is tried here is spent like any other: it counts for the same limits and is refused to be sent twice.
// Threads: all methods at once; test() waits for AWS.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "server/domain/store.h"
#include "server/runs/aws_probe.h"
#include "server/runs/sts.h"

namespace tollgate::runs {

struct RoleReport {
  std::string name;  // "plan-role", "apply-role", "read-only-plan-role"
  std::string arn;
  std::optional<bool> ok;  // unset: not tried, because that needs a code
  std::string sentence;
};

struct ConnectionReport {
  std::string account;
  std::string arn;
  bool account_allowed = true;                     // on the organization's list
  std::optional<std::chrono::seconds> clock_skew;  // ours minus AWS's
  std::optional<TimePoint> key_created_at;         // unset: the key may not ask IAM for it
  // That no role of a gated phase can be assumed with the key alone; unset where there is no such role.
  std::optional<bool> closed_without_mfa;
  bool code_accepted = false;
  std::vector<RoleReport> roles;
};

// What it stands on; all of it outlives it.
struct ConnectionTestParts {
  domain::Store& store;
  Sts& sts;
  AwsProbe& probe;
  const Clock& clock;
  RandomSource& random;
  Secret code_key;  // 32 bytes, the gate's: a code that was tried here is remembered there
};

class ConnectionTest {
 public:
  explicit ConnectionTest(ConnectionTestParts parts) : parts_(std::move(parts)) {}

  // With a code: also with the session of `serial`. What AWS said of the key is kept with the identity. Errors:
  // Code::invalid (AWS refused the key or the code; reason says which), Code::throttled (too soon), Code::unavailable
  // and Code::unknown (AWS was not reached, or did not answer: the code counts as spent).
  Result<ConnectionReport> test(const domain::AwsIdentity& identity, const std::string& serial,
                                const std::optional<Secret>& code, const domain::Actor& actor);

 private:
  Result<void> identify(const domain::AwsIdentity& identity, ConnectionReport& report);
  Result<aws::Credentials> session(const domain::AwsIdentity& identity, const std::string& serial, const Secret& code,
                                   const domain::Actor& actor);
  void try_roles(const domain::AwsIdentity& identity, const domain::GateSettings& settings,
                 const std::optional<aws::Credentials>& session, ConnectionReport& report);
  void keep(const domain::AwsIdentity& identity, const ConnectionReport& report, const domain::Actor& actor);

  ConnectionTestParts parts_;
};

}  // namespace tollgate::runs
