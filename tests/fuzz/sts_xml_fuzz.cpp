// Whatever an endpoint answers is read without a crash and becomes a message that is safe on a terminal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/aws_error.h"
#include "aws/sts_client.h"

namespace {

using namespace tollgate;

class OneAnswer final : public net::Client {
 public:
  explicit OneAnswer(net::Response response) : response_(std::move(response)) {}
  tl::expected<net::Response, net::Failure> send(const net::Request&) override { return response_; }

 private:
  net::Response response_;
};

class StillClock final : public Clock {
 public:
  TimePoint now() const override { return from_unix_seconds(1767323045); }
  void sleep_for(Duration) const override {}
};

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const aws::MappedError& mapped) {
  require(!mapped.error.message.empty());
  for (const char c : mapped.error.message + mapped.error.next)
    require(static_cast<unsigned char>(c) >= 0x20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  net::Response response;
  response.status = (data[0] & 1) != 0 ? 200 : 403;
  if ((data[0] & 2) != 0) response.headers.emplace_back("Content-Type", "text/html");
  response.body.assign(reinterpret_cast<const char*>(data + 1), size - 1);

  aws::CallContext context;
  context.carried_code = true;
  check(aws::map_sts_error(aws::parse_error_answer(response), context));

  OneAnswer client(response);
  const StillClock clock;
  aws::Credentials keys;
  keys.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  keys.secret_access_key = Secret("secret");
  aws::Endpoint endpoint;
  endpoint.url = "https://sts.amazonaws.com";
  endpoint.signing_region = "us-east-1";
  aws::StsClient sts(client, clock, endpoint);
  const auto session = sts.get_session_token(keys, std::nullopt, aws::MfaCode{"serial", Secret("123456")});
  if (!session) check(session.error());
  aws::AssumeRoleRequest request;
  request.role_arn = "arn:aws:iam::123456789012:role/x";
  const auto role = sts.assume_role(keys, request);
  if (!role) check(role.error());
  return 0;
}
