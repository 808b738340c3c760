#include "sandbox/endpoint.h"

#include <algorithm>

#include "aws/sigv4_chunked.h"
#include "common/base/encoding.h"
#include "common/base/secret.h"
#include "sandbox/authentication.h"
#include "sandbox/query_service.h"
#include "sandbox/s3.h"

namespace tollgate::sandbox {
namespace {

constexpr Duration kSlice{20};

// A version 4 UUID, as STS and IAM name their requests.
std::string new_request_id(RandomSource& random) {
  std::string bytes = random.bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string text = hex_encode(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U})
    text.insert(at, 1, '-');
  return text;
}

bool query_service(std::string_view service) {
  return service == "sts" || service == "iam";
}

Answer not_imitated(const std::string& service) {
  return refuse(501, "NotImplemented",
                fmt::format("tollgate-sandbox imitates sts, iam and s3; this request is for {}", service));
}

// What is answered in place of executing the call.
std::optional<Answer> early_fault(FaultKind kind, bool s3) {
  Answer answer;
  switch (kind) {
    case FaultKind::error_500:
      answer = s3 ? refuse(500, "InternalError", "We encountered an internal error. Please try again.")
                  : refuse(500, "InternalFailure",
                           "The request processing has failed because of an unknown error, exception or failure.");
      answer.receiver_fault = true;
      return answer;
    case FaultKind::error_503:
      answer =
          s3 ? refuse(503, "ServiceUnavailable", "Service is unable to handle request.")
             : refuse(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.");
      answer.receiver_fault = true;
      return answer;
    case FaultKind::throttling:
      return s3 ? refuse(503, "SlowDown", "Please reduce your request rate.")
                : refuse(400, "Throttling", "Rate exceeded");
    case FaultKind::delay:
    case FaultKind::reset_before:
    case FaultKind::reset_after:
    case FaultKind::truncated_body:
    case FaultKind::foreign_body:
    case FaultKind::clock:
      break;
  }
  return std::nullopt;
}

http::Response foreign_page() {
  http::Response response;
  response.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
  response.body =
      "<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head>\n"
      "<body><h1>Welcome</h1><p>Please accept the terms to continue.</p></body></html>\n";
  return response;
}

// Replaces an aws-chunked body by what it carries. The refusal, if it is torn or its chunks are not signed as they say.
std::optional<S3Answer> undo_chunks(const http::Request& request, const Authenticated& caller, S3Call& call) {
  if (!aws::is_chunked_payload(caller.authorization.payload_hash)) return std::nullopt;
  auto decoded = aws::decode_chunked(request.body, caller.authorization, caller.secret);
  if (!decoded) {
    const Error& error = decoded.error();
    return s3_refuse(error.reason == "SignatureDoesNotMatch" ? 403 : 400, error.reason, error.message);
  }
  const std::string_view announced = call.header("x-amz-decoded-content-length");
  if (!announced.empty() && announced != std::to_string(decoded->body.size())) {
    return s3_refuse(
        400, "IncompleteBody",
        "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header");
  }
  call.body = std::move(decoded->body);
  for (auto& trailer : decoded->trailers) {
    call.headers.push_back(std::move(trailer));
  }
  return std::nullopt;
}

}  // namespace

// One request on its way through.
struct Endpoint::Exchange {
  Call call;
  bool s3 = false;
  TimePoint now{};
  std::optional<Answer> early;  // decided before the service was asked
  Answer outcome;
  http::Response response;
  S3Call s3_call;
  std::vector<Fault> faults;

  bool has(FaultKind kind) const {
    return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) { return fault.kind == kind; });
  }
};

Endpoint::Endpoint(World world, std::vector<Fault> faults, ObjectStore& objects, const Clock& clock,
                   RandomSource& random, EndpointHooks hooks)
    : state_(State{std::move(world), std::move(faults), &objects}),
      clock_(clock),
      random_(random),
      hooks_(std::move(hooks)) {}

std::vector<Fault> Endpoint::faults_for(std::string_view action) {
  std::vector<Fault> due;
  {
    auto state = state_.lock();
    for (Fault& fault : state->faults) {
      if (!fault_matches(fault, action) || (fault.count && *fault.count <= 0)) continue;
      due.push_back(fault);
      if (fault.count) --*fault.count;
    }
  }
  if (hooks_.take_faults) {
    for (Fault& fault : hooks_.take_faults(action))
      due.push_back(std::move(fault));
  }
  return due;
}

void Endpoint::wait(Duration duration) const {
  for (; duration > Duration::zero() && !stopping_; duration -= kSlice)
    clock_.sleep_for(std::min(duration, kSlice));
}

http::Response Endpoint::handle(const http::Request& request) {
  Exchange exchange;
  Call& call = exchange.call;
  const aws::WireRequest wire{request.method, request.target, request.headers, request.body};
  const auto authorization = aws::parse_authorization(wire);
  if (authorization) {
    call.service = authorization->scope.service;
    call.region = authorization->scope.region;
  } else {
    // Nothing says what is meant; a form is a Query service's.
    call.service = request.method == "POST" && request.path() == "/" ? "sts" : "s3";
  }
  call.request_id = new_request_id(random_);
  call.random = &random_;
  call.source_ip = request.peer;
  if (const std::string* agent = request.header("User-Agent")) call.user_agent = *agent;
  call.secure_transport = request.tls;
  exchange.s3 = !query_service(call.service);
  if (query_service(call.service)) {
    exchange.early = read_query(request, call);
  } else {
    exchange.s3_call = read_s3(request);
    call.action = exchange.s3_call.call.action;
    call.parameters = exchange.s3_call.call.parameters;
    if (call.service != "s3") exchange.early = not_imitated(call.service);
  }
  exchange.faults = faults_for(call.service + ":" + call.action);
  exchange.now = clock_.now();
  for (const Fault& fault : exchange.faults) {
    wait(Duration(fault.delay_ms));
    if (fault.kind == FaultKind::clock) exchange.now += std::chrono::seconds(fault.offset_seconds);
  }
  call.now = exchange.now;
  for (const Fault& fault : exchange.faults) {
    if (!exchange.early) exchange.early = early_fault(fault.kind, exchange.s3);
  }
  if (exchange.has(FaultKind::reset_before)) {
    exchange.early = refuse(0, "Reset", "the connection was reset before the call was executed");
  }
  if (exchange.s3) {
    run_s3(request, exchange);
  } else {
    run_query(request, exchange);
  }
  finish(request, exchange);
  return std::move(exchange.response);
}

void Endpoint::run_query(const http::Request& request, Exchange& exchange) {
  const aws::WireRequest wire{request.method, request.target, request.headers, request.body};
  Call& call = exchange.call;
  if (exchange.early && exchange.early->status != 400) {
    exchange.outcome = std::move(*exchange.early);
  } else {
    auto state = state_.lock();
    auto caller = authenticate(state->world, wire, call.now);
    if (!caller) {
      call.principal.access_key_id = caller.error().access_key_id;
      exchange.outcome = query_refusal(caller.error());
    } else {
      call.principal = std::move(caller->principal);
      exchange.outcome = exchange.early ? std::move(*exchange.early) : run_operation(state->world, call);
      if (hooks_.save) hooks_.save(state->world);
    }
  }
  exchange.response = query_response(call, exchange.outcome);
}

void Endpoint::run_s3(const http::Request& request, Exchange& exchange) {
  const aws::WireRequest wire{request.method, request.target, request.headers, request.body};
  S3Call& s3 = exchange.s3_call;
  s3.call = exchange.call;
  S3Answer answer;
  if (exchange.early) {
    answer.outcome = std::move(*exchange.early);
  } else {
    auto state = state_.lock();
    auto caller = authenticate(state->world, wire, exchange.now);
    if (!caller) {
      exchange.call.principal.access_key_id = caller.error().access_key_id;
      answer.outcome = s3_refusal(caller.error());
    } else {
      s3.call.principal = exchange.call.principal = std::move(caller->principal);
      const auto torn = undo_chunks(request, *caller, s3);
      answer = torn ? *torn : handle_s3(state->world, *state->objects, s3);
      if (hooks_.save) hooks_.save(state->world);
    }
  }
  exchange.outcome = answer.outcome;
  exchange.call.allowed_because = s3.call.allowed_because;
  if (exchange.outcome.resource.empty() && !s3.bucket.empty()) {
    exchange.outcome.resource = s3.name.empty() ? bucket_arn(s3.bucket) : object_arn(s3.bucket, s3.name);
  }
  exchange.response = s3_response(s3, std::move(answer));
  if (!exchange.outcome.failed()) exchange.outcome.status = exchange.response.status;
}

void Endpoint::finish(const http::Request& request, Exchange& exchange) {
  const Call& call = exchange.call;
  http::Response& response = exchange.response;
  if (exchange.has(FaultKind::foreign_body)) response = foreign_page();
  if (exchange.has(FaultKind::truncated_body)) response.wire = http::Wire::truncate_body;
  if (exchange.has(FaultKind::reset_before) || exchange.has(FaultKind::reset_after)) response.wire = http::Wire::reset;
  response.headers.emplace_back("Date", format_http_date(exchange.now));
  if (!hooks_.log) return;
  const Answer& outcome = exchange.outcome;
  LogEntry entry;
  entry.time = format_iso8601(exchange.now);
  entry.request_id = call.request_id;
  entry.principal = call.principal.arn;
  if (!call.principal.access_key_id.empty()) entry.access_key = last_four(call.principal.access_key_id);
  entry.action = call.service + ":" + (call.action.empty() ? request.method : call.action);
  entry.resource = outcome.resource;
  if (call.principal.has_mfa_key()) entry.mfa = call.principal.mfa_present() ? "yes" : "no";
  if (call.principal.mfa_present()) {
    entry.mfa_age =
        std::max<std::int64_t>(0, unix_seconds(exchange.now) - unix_seconds(*call.principal.session->mfa_at));
  }
  entry.status = outcome.status;
  entry.code = outcome.code;
  entry.reason = outcome.reason.empty() ? call.allowed_because : outcome.reason;
  entry.decision = !outcome.failed() || outcome.status < 400 ? "allowed" : outcome.status == 403 ? "denied" : "error";
  for (const Fault& fault : exchange.faults) {
    entry.fault += (entry.fault.empty() ? "" : ",") + std::string(fault_kind_name(fault.kind));
  }
  entry.source_ip = call.source_ip;
  entry.user_agent = call.user_agent;
  hooks_.log(entry);
}

}  // namespace tollgate::sandbox
