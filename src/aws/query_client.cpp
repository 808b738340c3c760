#include "aws/query_client.h"

#include <algorithm>

#include "aws/sigv4.h"
#include "common/base/secret.h"
#include "common/net/url.h"

namespace tollgate::aws {
namespace {

constexpr std::chrono::seconds kCodeStep{30};  // RFC 6238; every device that AWS accepts

MappedError refuse(MappedKind kind, Code code, std::string message, std::string next) {
  MappedError mapped;
  mapped.kind = kind;
  mapped.error = Error(code, std::move(message)).do_next(std::move(next)).because(std::string(mapped_kind_name(kind)));
  return mapped;
}

std::int64_t code_step(TimePoint time) {
  return unix_seconds(time) / kCodeStep.count();
}

// What was sent holds the code and the session token.
void wipe_request(net::Request& request) {
  wipe(request.body);
  for (auto& header : request.headers)
    wipe(header.second);
}

}  // namespace

QueryClient::QueryClient(net::Client& client, const Clock& clock, Endpoint endpoint, std::string service,
                         QueryOptions options)
    : client_(client),
      clock_(clock),
      endpoint_(std::move(endpoint)),
      service_(std::move(service)),
      options_(options),
      clock_offset_(options.clock_offset) {}

AwsResult<XmlElement> QueryClient::call(QueryCall& call) {
  call.context.carried_code = call.repeat == Repeat::code_in_step;
  call.context.region = endpoint_.signing_region;
  if (call.credentials != nullptr) call.context.access_key_id = call.credentials->access_key_id;
  TimePoint first_sent = now();
  bool clock_followed = false;
  for (unsigned attempt = 1;; ++attempt) {
    auto response = send_once(call);
    if (response) {
      call.parameters.wipe();
      return read(call, *response);
    }
    MappedError& refusal = response.error();
    if (!clock_followed && follow_clock(refusal)) {
      clock_followed = true;
      first_sent = now();
      --attempt;
      continue;
    }
    const auto wait = wait_before_repeat(call, refusal, attempt, first_sent);
    if (!wait) {
      call.parameters.wipe();
      return tl::unexpected(std::move(refusal));
    }
    clock_.sleep_for(*wait);
  }
}

tl::expected<net::Response, MappedError> QueryClient::send_once(const QueryCall& call) {
  const auto url = net::parse_url(endpoint_.url);
  if (!url) {
    return tl::unexpected(refuse(MappedKind::refused_before_sending, Code::config,
                                 fmt::format("the endpoint {} is {}", endpoint_.url, url.error().message),
                                 "correct endpoint_url or AWS_ENDPOINT_URL"));
  }
  if (call.context.carried_code && !url->secure() && !net::is_loopback_host(url->host)) {
    return tl::unexpected(refuse(MappedKind::refused_before_sending, Code::config,
                                 fmt::format("a one-time code is not sent over plain http to {}", url->host),
                                 "use an https endpoint"));
  }
  net::Request request;
  request.method = "POST";
  request.url = url->text();
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = call.parameters.encode();
  request.connect_timeout = options_.connect_timeout;
  request.total_timeout = options_.total_timeout;
  request.max_response_bytes = kMaxXmlBytes;
  CallContext context = call.context;
  context.now = clock_.now();
  if (call.credentials != nullptr) {
    sign(request, *call.credentials, {endpoint_.signing_region, service_}, now());
  }
  auto sent = client_.send(request);
  wipe_request(request);
  if (!sent) return tl::unexpected(map_failure(sent.error(), context));
  if (sent->status >= 200 && sent->status < 300) return std::move(*sent);
  return tl::unexpected(map_sts_error(parse_error_answer(*sent), context));
}

bool QueryClient::follow_clock(const MappedError& refusal) {
  if (refusal.kind != MappedKind::clock_skew || !refusal.answer.date) return false;
  clock_offset_ = *refusal.answer.date - clock_.now();
  return true;
}

std::optional<Duration> QueryClient::wait_before_repeat(const QueryCall& call, const MappedError& refusal,
                                                        unsigned attempt, TimePoint first_sent) const {
  const bool not_acted = refusal.kind == MappedKind::network_unsent || refusal.kind == MappedKind::throttled;
  const bool lost = refusal.retry == RetryPolicy::after_backoff;
  if (attempt >= options_.attempts || !(not_acted || (lost && call.repeat == Repeat::freely))) return std::nullopt;
  Duration wait = std::min(options_.first_backoff * (1 << std::min(attempt - 1, 10U)), options_.max_backoff);
  if (refusal.answer.retry_after) wait = std::max(wait, Duration(*refusal.answer.retry_after));
  if (wait > options_.max_backoff) return std::nullopt;
  if (call.repeat == Repeat::code_in_step && (attempt > 1 || code_step(now() + wait) != code_step(first_sent))) {
    return std::nullopt;
  }
  return wait;
}

AwsResult<XmlElement> QueryClient::read(const QueryCall& call, net::Response& response) const {
  auto root = parse_xml(response.body);
  wipe(response.body);
  if (!root) return tl::unexpected(malformed(call, root.error().message));
  if (root->name != call.context.operation + "Response") {
    root->wipe();
    return tl::unexpected(malformed(call, "the answer is to another question"));
  }
  for (auto& child : root->children) {
    if (child.name != call.context.operation + "Result") continue;
    XmlElement result = std::move(child);
    return result;
  }
  return std::move(*root);
}

MappedError QueryClient::malformed(const QueryCall& call, std::string_view what) const {
  MappedError mapped = refuse(
      MappedKind::malformed_answer, Code::unknown,
      fmt::format("{} answered {} with something else than AWS would: {}", endpoint_.url, call.context.operation, what),
      "check the endpoint URL and the proxy");
  if (call.context.carried_code) mapped.code = CodeFate::assume_spent;
  return mapped;
}

}  // namespace tollgate::aws
