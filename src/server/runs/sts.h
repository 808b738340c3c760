// The calls that the gate makes to AWS, as an interface: the server's own process decides where they go (its
// configuration, never a user's), tests answer them themselves. A code reaches AWS at most once by each call.
// Threads: all methods at once.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "aws/sts_client.h"

namespace tollgate::runs {

// What a session is for; the credentials are an identity's, the region says which endpoint.
struct StsSessionRequest {
  aws::Credentials credentials;
  std::string region;
  std::chrono::seconds duration{};
  std::optional<aws::MfaCode> mfa;
};

// An accepted call, with the id by which AWS's own log (CloudTrail) knows it, where it said one.
struct StsSession {
  aws::Credentials credentials;
  std::string request_id;
};

class Sts {
 public:
  virtual ~Sts() = default;
  virtual aws::AwsResult<aws::CallerIdentity> identify(const aws::Credentials& credentials,
                                                       const std::string& region) = 0;
  virtual aws::AwsResult<StsSession> session(const StsSessionRequest& request) = 0;
  virtual aws::AwsResult<aws::AssumedRole> assume(const aws::Credentials& credentials, const std::string& region,
                                                  const aws::AssumeRoleRequest& request) = 0;
};

}  // namespace tollgate::runs
