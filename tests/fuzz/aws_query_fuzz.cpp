// Bodies of the AWS Query protocol, as anyone may send them: through the parser, into STS and IAM, and out as XML that
// must be well-formed whatever was sent. The caller is ana with an MFA session, so that handlers are reached.
#include <cstdint>
#include <cstdlib>

#include "aws/query.h"
#include "aws/xml.h"
#include "sandbox/example_world.h"
#include "sandbox/query_service.h"
#include "sandbox/s3.h"
#include "sandbox/world_file.h"

namespace {

using namespace tollgate;
using namespace tollgate::sandbox;

class ZeroRandom final : public RandomSource {
 public:
  std::string bytes(std::size_t count) override {
    ++count_;
    return std::string(count, static_cast<char>(count_));
  }

 private:
  unsigned count_ = 0;
};

const TimePoint kNow = from_unix_seconds(1767323045);

World example_world() {
  ZeroRandom random;
  auto file = read_world(example_files(random, 1).world_toml, "world.toml", kNow);
  if (!file) std::abort();
  return std::move(file->world);
}

Call call_as_ana(const char* service, RandomSource& random) {
  Call call;
  call.service = service;
  call.region = "eu-central-1";
  call.now = kNow;
  call.random = &random;
  call.request_id = "fuzz";
  call.principal.account = "111111111111";
  call.principal.name = "ana";
  call.principal.arn = "arn:aws:iam::111111111111:user/ana";
  call.principal.id = "AIDAFUZZ";
  call.principal.session.emplace();
  call.principal.session->mfa_at = kNow;
  call.principal.session->expires = kNow + std::chrono::hours(1);
  return call;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World kWorld = example_world();
  if (size == 0) return 0;
  const bool iam = (data[0] & 1) != 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);

  // What parses survives being written and parsed again.
  if (const auto parsed = aws::parse_query(text)) {
    const auto again = aws::parse_query(parsed->encode());
    if (!again || again->all() != parsed->all()) std::abort();
  }

  World world = kWorld;
  ZeroRandom random;
  Call call = call_as_ana(iam ? "iam" : "sts", random);
  http::Request request;
  request.method = "POST";
  request.target = "/";
  request.body = text;
  const auto early = read_query(request, call);
  const http::Response response = query_response(call, early ? *early : run_operation(world, call));
  if (response.status < 200 || response.status > 599) std::abort();
  if (early || response.status != 200) {
    if (!aws::parse_xml(response.body)) std::abort();
  }

  // The same bytes as the target of an S3 request.
  request.method = "GET";
  request.target = "/" + text.substr(0, text.find_first_of(" \r\n"));
  S3Call s3 = read_s3(request);
  s3.call.principal = call.principal;
  s3.call.region = "eu-central-1";
  s3.call.now = kNow;
  s3.call.random = &random;
  MemoryObjects objects;
  const http::Response of_s3 = s3_response(s3, handle_s3(world, objects, s3));
  if (!of_s3.body.empty() && !aws::parse_xml(of_s3.body)) std::abort();
  return 0;
}
