// The AwsProbe of a running server: libcurl, and endpoints of AWS or of the server's configuration, never of a user.
// Each call has a client of its own. Threads: all methods at once.
#pragma once

#include <string>

#include "common/base/time.h"
#include "common/net/curl/curl_client.h"
#include "server/runs/aws_probe.h"

namespace tollgate::app {

class CurlProbe final : public runs::AwsProbe {
 public:
  // `endpoint` in place of AWS's, for STS and IAM; empty: AWS's of each identity's region.
  CurlProbe(std::string endpoint, net::CurlOptions options, const Clock& clock)
      : endpoint_(std::move(endpoint)), options_(std::move(options)), clock_(clock) {}

  runs::Identified identify_with_clock(const aws::Credentials& credentials, const std::string& region) override;
  aws::AwsResult<std::vector<aws::AccessKey>> access_keys(const aws::Credentials& credentials,
                                                          const std::string& region) override;

 private:
  Result<aws::Endpoint> endpoint(const std::string& service, const std::string& region) const;

  std::string endpoint_;
  net::CurlOptions options_;
  const Clock& clock_;
};

}  // namespace tollgate::app
