// The Security Token Service calls that tollgate makes. It decides nothing about caching or prompting; it guarantees
// that a one-time code reaches STS at most once unless provably unsent or provably not evaluated, and only over https
// or to loopback. One thread at a time, as its net::Client.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/aws_error.h"
#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "aws/query_client.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

struct CallerIdentity {
  std::string account;
  std::string arn;
  std::string user_id;
};

// A device and the code that it shows.
struct MfaCode {
  std::string serial_number;
  Secret code;
};

struct AssumeRoleRequest {
  std::string role_arn;
  std::string session_name;                      // [\w+=,.@-]{2,64}
  std::optional<std::chrono::seconds> duration;  // unset: AWS's default, 1 h
  std::string external_id;
  std::optional<MfaCode> mfa;
  std::string policy;  // inline session policy, JSON
  std::vector<std::string> policy_arns;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> transitive_tag_keys;
  std::string source_identity;
};

struct WebIdentityRequest {
  std::string role_arn;
  std::string session_name;
  Secret token;
  std::optional<std::chrono::seconds> duration;
  std::string provider_id;
  std::string policy;
  std::vector<std::string> policy_arns;
};

struct AssumedRole {
  Credentials credentials;
  std::string arn;      // arn:aws:sts::123456789012:assumed-role/name/session
  std::string role_id;  // AROA...:session
  std::string source_identity;
};

using StsOptions = QueryOptions;

class StsClient {
 public:
  // The client and the clock must outlive this.
  StsClient(net::Client& client, const Clock& clock, Endpoint endpoint, StsOptions options = {});

  AwsResult<CallerIdentity> get_caller_identity(const Credentials& credentials);
  // Duration 900 s to 129,600 s (36 h); 1 h at most for root.
  AwsResult<Credentials> get_session_token(const Credentials& credentials, std::optional<std::chrono::seconds> duration,
                                           const std::optional<MfaCode>& mfa = std::nullopt);
  AwsResult<AssumedRole> assume_role(const Credentials& credentials, const AssumeRoleRequest& request);
  // Unsigned: the token is the proof.
  AwsResult<AssumedRole> assume_role_with_web_identity(const WebIdentityRequest& request);

  // Learnt from a Date header when AWS refused our time; zero before. Worth keeping for the next process.
  Duration clock_offset() const { return client_.clock_offset(); }

 private:
  QueryClient client_;
};

}  // namespace tollgate::aws
