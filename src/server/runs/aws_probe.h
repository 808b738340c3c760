// What a test of an AWS identity asks beside STS's own calls (sts.h): how far our clock is off, and how old a key is.
// An interface, because the server's configuration decides where it goes and tests answer themselves. Threads: all
// methods at once.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "aws/iam_client.h"
#include "aws/sts_client.h"

namespace tollgate::runs {

struct Identified {
  aws::AwsResult<aws::CallerIdentity> caller;
  std::optional<std::chrono::seconds> clock_skew;  // ours minus AWS's, by the Date of its answer; unset: it had none
};

class AwsProbe {
 public:
  virtual ~AwsProbe() = default;
  virtual Identified identify_with_clock(const aws::Credentials& credentials, const std::string& region) = 0;
  // Of the identity's own user.
  virtual aws::AwsResult<std::vector<aws::AccessKey>> access_keys(const aws::Credentials& credentials,
                                                                  const std::string& region) = 0;
};

}  // namespace tollgate::runs
