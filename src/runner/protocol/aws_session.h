// The AWS session that a phase runs with, as the runner is told of it: its credentials, when it ends, and, where a role
// may end before the phase does, what is needed to assume that role again. Part of the bundle, so it touches no disk.
// Plain values; not synchronised.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/json/value.h"

namespace tollgate::runner {

// How STS is reached from the runner: by the machine's configuration, never by a user's.
struct StsAccess {
  std::string endpoint;  // in place of AWS's of the region; empty: AWS's
  std::string ca_file;
  std::string https_proxy;
  std::string http_proxy;
  std::string no_proxy;
};

struct AwsKeys {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty: a long-term key
};

struct RoleRenewal {
  AwsKeys session;  // that assumes it
  std::string region;
  std::string role_arn;
  std::string external_id;
  std::string session_name;
  std::chrono::seconds duration{3600};
  StsAccess sts;
};

struct AwsSession {
  AwsKeys keys;
  std::optional<TimePoint> expires_at;
  std::optional<RoleRenewal> renewal;
};

json::Value to_value(const AwsSession& session);
Result<AwsSession> read_aws_session(const json::Reader& reader);

}  // namespace tollgate::runner
