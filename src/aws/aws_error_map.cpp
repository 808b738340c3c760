#include <algorithm>

#include "aws/aws_error.h"
#include "aws/aws_error_words.h"

namespace tollgate::aws {
namespace {

using Kind = MappedKind;

struct Refusal {
  Kind kind;
  CodeFate code;
  RetryPolicy retry;
};

// One answer of AWS. `codes` are its error codes, separated by blanks; `fragment` must occur in its message. The first
// row that fits decides.
struct Row {
  std::string_view codes;
  std::string_view fragment;
  Refusal refusal;
};

constexpr std::string_view kDenied = "AccessDenied AccessDeniedException";
constexpr std::string_view kSignature = "SignatureDoesNotMatch InvalidSignatureException";
constexpr std::string_view kValidation =
    "ValidationError ValidationException InvalidParameterValue InvalidParameterCombination MissingParameter "
    "InvalidInput "
    "MalformedPolicyDocument MalformedPolicyDocumentException MalformedInput InvalidAction";
// What botocore and the Go SDK count as throttling.
constexpr std::string_view kThrottling =
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException TooManyRequests "
    "TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded SlowDown PriorRequestNotComplete "
    "ProvisionedThroughputExceededException TransactionInProgressException EC2ThrottledException";

constexpr Row kRows[] = {
    {kDenied,
     "failed with invalid MFA one time pass code",
     {Kind::mfa_code_refused, CodeFate::spent, RetryPolicy::with_next_code}},
    {kDenied, "unable to validate MFA code", {Kind::mfa_device_unknown, CodeFate::assume_spent, RetryPolicy::never}},
    {kDenied,
     "must provide both MFA serial number and one time pass code",
     {Kind::mfa_incomplete, CodeFate::unspent, RetryPolicy::never}},
    {kDenied,
     "MultiFactorAuthentication failed",
     {Kind::mfa_code_refused, CodeFate::assume_spent, RetryPolicy::with_next_code}},
    {kDenied, "with session credentials", {Kind::session_credentials_refused, CodeFate::unspent, RetryPolicy::never}},
    {kDenied, "with an explicit deny", {Kind::explicit_deny, CodeFate::assume_spent, RetryPolicy::never}},
    {kDenied, "", {Kind::not_authorized, CodeFate::assume_spent, RetryPolicy::never}},
    {"InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId AuthFailure",
     "",
     {Kind::key_unknown, CodeFate::unspent, RetryPolicy::never}},
    {kSignature, "Signature expired", {Kind::clock_skew, CodeFate::unspent, RetryPolicy::after_clock_sync}},
    {kSignature, "not yet current", {Kind::clock_skew, CodeFate::unspent, RetryPolicy::after_clock_sync}},
    {"RequestTimeTooSkewed RequestExpired RequestInTheFuture",
     "",
     {Kind::clock_skew, CodeFate::unspent, RetryPolicy::after_clock_sync}},
    {kSignature, "", {Kind::signature_wrong, CodeFate::unspent, RetryPolicy::never}},
    {"IncompleteSignature IncompleteSignatureException MissingAuthenticationToken MissingAuthenticationTokenException",
     "",
     {Kind::signature_wrong, CodeFate::unspent, RetryPolicy::never}},
    {kValidation,
     "1 hour session limit for roles assumed by role chaining",
     {Kind::chaining_limit, CodeFate::unspent, RetryPolicy::with_shorter_duration}},
    {kValidation,
     "MaxSessionDuration",
     {Kind::role_max_duration, CodeFate::unspent, RetryPolicy::with_shorter_duration}},
    {kValidation, "", {Kind::validation, CodeFate::unspent, RetryPolicy::never}},
    {"PackedPolicyTooLarge PackedPolicyTooLargeException",
     "",
     {Kind::policy_too_large, CodeFate::unspent, RetryPolicy::never}},
    {"RegionDisabledException RegionDisabled OptInRequired",
     "",
     {Kind::region_disabled, CodeFate::unspent, RetryPolicy::never}},
    {"ExpiredToken ExpiredTokenException", "", {Kind::expired_token, CodeFate::unspent, RetryPolicy::never}},
    {"InvalidIdentityToken InvalidIdentityTokenException IDPRejectedClaim IDPRejectedClaimException",
     "",
     {Kind::web_identity_refused, CodeFate::unspent, RetryPolicy::never}},
    {"IDPCommunicationError IDPCommunicationErrorException",
     "",
     {Kind::web_identity_refused, CodeFate::unspent, RetryPolicy::after_backoff}},
};

bool names(std::string_view codes, std::string_view code) {
  while (!codes.empty()) {
    const auto end = std::min(codes.find(' '), codes.size());
    if (codes.substr(0, end) == code) return true;
    codes.remove_prefix(std::min(end + 1, codes.size()));
  }
  return false;
}

Refusal classify(const ErrorAnswer& answer) {
  if (!answer.code.empty() && names(kThrottling, answer.code)) {
    return {Kind::throttled, CodeFate::unspent, RetryPolicy::same_code};
  }
  if (!answer.code.empty()) {
    for (const Row& row : kRows) {
      if (names(row.codes, answer.code) && contains_ignoring_case(answer.message, row.fragment)) return row.refusal;
    }
  }
  if (answer.status == 429) return {Kind::throttled, CodeFate::unspent, RetryPolicy::same_code};
  if (answer.status >= 500 || answer.status == 408) {
    return {Kind::outcome_unknown, CodeFate::assume_spent, RetryPolicy::after_backoff};
  }
  return {Kind::other, CodeFate::assume_spent, RetryPolicy::never};
}

Code code_of(Kind kind) {
  switch (kind) {
    case Kind::mfa_code_refused:
    case Kind::mfa_device_unknown:
    case Kind::not_authorized:
    case Kind::explicit_deny:
    case Kind::session_credentials_refused:
    case Kind::web_identity_refused:
    case Kind::other:
      return Code::forbidden;
    case Kind::mfa_incomplete:
    case Kind::clock_skew:
    case Kind::region_disabled:
    case Kind::refused_before_sending:
      return Code::config;
    case Kind::key_unknown:
    case Kind::signature_wrong:
    case Kind::expired_token:
      return Code::unauthorized;
    case Kind::validation:
    case Kind::chaining_limit:
    case Kind::role_max_duration:
    case Kind::policy_too_large:
      return Code::invalid;
    case Kind::throttled:
      return Code::throttled;
    case Kind::network_unsent:
      return Code::unavailable;
    case Kind::outcome_unknown:
    case Kind::malformed_answer:
      return Code::unknown;
  }
  return Code::internal;
}

}  // namespace

MappedError refused_before_sending(Error error) {
  MappedError refusal;
  refusal.kind = MappedKind::refused_before_sending;
  refusal.error = std::move(error);
  return refusal;
}

std::string_view mapped_kind_name(MappedKind kind) {
  switch (kind) {
    case Kind::mfa_code_refused:
      return "mfa_code_refused";
    case Kind::mfa_device_unknown:
      return "mfa_device_unknown";
    case Kind::mfa_incomplete:
      return "mfa_incomplete";
    case Kind::not_authorized:
      return "not_authorized";
    case Kind::explicit_deny:
      return "explicit_deny";
    case Kind::session_credentials_refused:
      return "session_credentials_refused";
    case Kind::key_unknown:
      return "key_unknown";
    case Kind::signature_wrong:
      return "signature_wrong";
    case Kind::clock_skew:
      return "clock_skew";
    case Kind::validation:
      return "validation";
    case Kind::chaining_limit:
      return "chaining_limit";
    case Kind::role_max_duration:
      return "role_max_duration";
    case Kind::throttled:
      return "throttled";
    case Kind::region_disabled:
      return "region_disabled";
    case Kind::expired_token:
      return "expired_token";
    case Kind::web_identity_refused:
      return "web_identity_refused";
    case Kind::policy_too_large:
      return "policy_too_large";
    case Kind::refused_before_sending:
      return "refused_before_sending";
    case Kind::network_unsent:
      return "network_unsent";
    case Kind::outcome_unknown:
      return "outcome_unknown";
    case Kind::malformed_answer:
      return "malformed_answer";
    case Kind::other:
      return "other";
  }
  return "other";
}

MappedError map_sts_error(const ErrorAnswer& answer, const CallContext& context) {
  const Refusal refusal = classify(answer);
  MappedError mapped;
  mapped.kind = refusal.kind;
  mapped.code = context.carried_code ? refusal.code : CodeFate::unspent;
  mapped.retry = refusal.retry;
  if (refusal.kind == Kind::throttled && !context.carried_code) mapped.retry = RetryPolicy::after_backoff;
  if (refusal.kind == Kind::outcome_unknown && context.carried_code) mapped.retry = RetryPolicy::with_next_code;
  mapped.answer = answer;
  ErrorWords words = words_for(refusal.kind, answer, context);
  if (!answer.request_id.empty()) words.message += fmt::format(" [request {}]", answer.request_id);
  mapped.error = Error(code_of(refusal.kind), std::move(words.message));
  mapped.error.next = std::move(words.next);
  mapped.error.reason = mapped_kind_name(refusal.kind);
  return mapped;
}

MappedError map_failure(const net::Failure& failure, const CallContext& context) {
  const bool unsent = failure.delivery == net::Delivery::not_sent;
  MappedError mapped;
  mapped.kind = unsent ? Kind::network_unsent : Kind::outcome_unknown;
  mapped.error = failure.error;
  mapped.error.code = code_of(mapped.kind);
  mapped.error.reason = mapped_kind_name(mapped.kind);
  if (unsent) {
    mapped.retry = context.carried_code ? RetryPolicy::same_code : RetryPolicy::after_backoff;
    if (mapped.error.next.empty()) {
      mapped.error.next = "check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the endpoint; nothing was sent";
    }
    return mapped;
  }
  mapped.retry = context.carried_code ? RetryPolicy::with_next_code : RetryPolicy::after_backoff;
  if (context.carried_code) mapped.code = CodeFate::assume_spent;
  const ErrorWords words = unanswered_words(ErrorAnswer(), context);
  mapped.error.message = fmt::format("{}: {}", words.message, failure.error.message);
  mapped.error.next = words.next;
  return mapped;
}

}  // namespace tollgate::aws
