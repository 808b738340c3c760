#include "server/app/curl_sts.h"

#include "aws/endpoints.h"

namespace tollgate::app {
namespace {

// Notes by which id AWS knows a call that it answered, which the results of StsClient do not carry, and its time.
class NotingClient final : public net::Client {
 public:
  NotingClient(std::unique_ptr<net::Client> client, std::function<void(const net::Response&)> answered)
      : client_(std::move(client)), answered_(std::move(answered)) {}
  tl::expected<net::Response, net::Failure> send(const net::Request& request) override {
    auto answer = client_->send(request);
    const std::string* id = answer ? net::find_header(answer->headers, "x-amzn-RequestId") : nullptr;
    request_id_ = id != nullptr ? *id : "";
    if (answer) answered_(*answer);
    return answer;
  }
  const std::string& request_id() const { return request_id_; }

 private:
  std::unique_ptr<net::Client> client_;
  std::function<void(const net::Response&)> answered_;
  std::string request_id_;
};

aws::StsOptions bounded() {
  aws::StsOptions options;
  options.attempts = 2;  // a code is sent again only where nothing of it was
  options.total_timeout = std::chrono::milliseconds(15000);
  return options;
}

}  // namespace

std::optional<Duration> CurlSts::clock_skew() const {
  const std::lock_guard lock(mutex_);
  return clock_skew_;
}

void CurlSts::note_date(const net::Response& answer) {
  const auto date = aws::parse_error_answer(answer).date;
  if (!date) return;
  const std::lock_guard lock(mutex_);
  clock_skew_ = *date - clock_.now();
}

template <class T, class F>
aws::AwsResult<T> CurlSts::with_client(const std::string& region, F call) {
  aws::EndpointRequest wish;
  wish.region = region;
  wish.endpoint_url = endpoint_;
  auto endpoint = aws::resolve_endpoint(wish);
  if (!endpoint) return tl::unexpected(aws::refused_before_sending(std::move(endpoint).error()));
  NotingClient client(net::make_curl_client(options_), [this](const net::Response& answer) { note_date(answer); });
  aws::StsClient sts(client, clock_, *endpoint, bounded());
  return call(sts, client);
}

aws::AwsResult<aws::CallerIdentity> CurlSts::identify(const aws::Credentials& credentials, const std::string& region) {
  return with_client<aws::CallerIdentity>(
      region, [&](aws::StsClient& sts, NotingClient&) { return sts.get_caller_identity(credentials); });
}

aws::AwsResult<runs::StsSession> CurlSts::session(const runs::StsSessionRequest& request) {
  return with_client<runs::StsSession>(
      request.region, [&](aws::StsClient& sts, NotingClient& client) -> aws::AwsResult<runs::StsSession> {
        auto session = sts.get_session_token(request.credentials, request.duration, request.mfa);
        if (!session) return tl::unexpected(std::move(session.error()));
        return runs::StsSession{std::move(*session), client.request_id()};
      });
}

aws::AwsResult<aws::AssumedRole> CurlSts::assume(const aws::Credentials& credentials, const std::string& region,
                                                 const aws::AssumeRoleRequest& request) {
  return with_client<aws::AssumedRole>(
      region, [&](aws::StsClient& sts, NotingClient&) { return sts.assume_role(credentials, request); });
}

}  // namespace tollgate::app
