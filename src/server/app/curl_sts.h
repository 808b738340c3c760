// The Sts of a running server: libcurl, and endpoints of AWS or of the server's configuration, never of a user. Each
// call has a client of its own, so that one that waits holds up nobody. Threads: all methods at once.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/net/curl/curl_client.h"
#include "server/runs/sts.h"

namespace tollgate::app {

class CurlSts final : public runs::Sts {
 public:
  // `endpoint` in place of AWS's; empty: AWS's of each identity's region.
  CurlSts(std::string endpoint, net::CurlOptions options, const Clock& clock)
      : endpoint_(std::move(endpoint)), options_(std::move(options)), clock_(clock) {}

  // How far this machine's clock was behind the other side's at its last answer; nullopt before there was any.
  std::optional<Duration> clock_skew() const;

  aws::AwsResult<aws::CallerIdentity> identify(const aws::Credentials& credentials, const std::string& region) override;
  aws::AwsResult<runs::StsSession> session(const runs::StsSessionRequest& request) override;
  aws::AwsResult<aws::AssumedRole> assume(const aws::Credentials& credentials, const std::string& region,
                                          const aws::AssumeRoleRequest& request) override;

 private:
  void note_date(const net::Response& answer);
  template <class T, class F>
  aws::AwsResult<T> with_client(const std::string& region, F call);

  std::string endpoint_;
  net::CurlOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // of what follows
  std::optional<Duration> clock_skew_;
};

}  // namespace tollgate::app
