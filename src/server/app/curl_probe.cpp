#include "server/app/curl_probe.h"

#include "aws/endpoints.h"

namespace tollgate::app {
namespace {

// Notes what the other side's clock said when it first answered.
class ClockNotingClient final : public net::Client {
 public:
  ClockNotingClient(std::unique_ptr<net::Client> client, const Clock& clock)
      : client_(std::move(client)), clock_(clock) {}
  tl::expected<net::Response, net::Failure> send(const net::Request& request) override {
    auto answer = client_->send(request);
    const std::string* date = answer ? net::find_header(answer->headers, "Date") : nullptr;
    const auto theirs = date != nullptr ? parse_http_date(*date) : std::nullopt;
    if (theirs && !skew_) skew_ = std::chrono::duration_cast<std::chrono::seconds>(clock_.now() - *theirs);
    return answer;
  }
  std::optional<std::chrono::seconds> skew() const { return skew_; }

 private:
  std::unique_ptr<net::Client> client_;
  const Clock& clock_;
  std::optional<std::chrono::seconds> skew_;
};

}  // namespace

Result<aws::Endpoint> CurlProbe::endpoint(const std::string& service, const std::string& region) const {
  aws::EndpointRequest wish;
  wish.service_id = service;
  wish.region = region;
  wish.endpoint_url = endpoint_;
  return aws::resolve_endpoint(wish);
}

runs::Identified CurlProbe::identify_with_clock(const aws::Credentials& credentials, const std::string& region) {
  auto where = endpoint("STS", region);
  if (!where) return {tl::unexpected(aws::refused_before_sending(std::move(where).error())), std::nullopt};
  ClockNotingClient client(net::make_curl_client(options_), clock_);
  aws::StsOptions options;
  options.attempts = 2;
  options.total_timeout = std::chrono::milliseconds(15000);
  aws::StsClient sts(client, clock_, *where, options);
  auto caller = sts.get_caller_identity(credentials);
  return {std::move(caller), client.skew()};
}

aws::AwsResult<std::vector<aws::AccessKey>> CurlProbe::access_keys(const aws::Credentials& credentials,
                                                                   const std::string& region) {
  auto where = endpoint("IAM", region);
  if (!where) return tl::unexpected(aws::refused_before_sending(std::move(where).error()));
  const auto client = net::make_curl_client(options_);
  aws::IamClient iam(*client, clock_, *where);
  return iam.list_access_keys(credentials);
}

}  // namespace tollgate::app
