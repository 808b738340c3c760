// What AWS says when it refuses, in one shape: taken out of the answer (XML with or without namespace, JSON, a proxy's
// HTML, nothing), and for STS mapped to what it means, whether a one-time code was used up, what may be tried again,
// and a sentence for a person. Not a transport: see sts_client.h. Pure functions on plain values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

struct ErrorAnswer {
  int status = 0;
  std::string code;                                 // for example AccessDenied; empty where the answer names none
  std::string message;                              // AWS's own words; empty where there are none
  std::string request_id;                           // from the body, else from x-amzn-RequestId or x-amz-request-id
  std::optional<TimePoint> date;                    // the Date header: the other side's clock
  std::optional<std::chrono::seconds> retry_after;  // the Retry-After header, in seconds form
  bool html = false;                                // a web page: a proxy or portal answered, not AWS
};

// Of any answer, whatever its status. Never fails: what cannot be read stays empty. Texts are cut at 500 bytes, their
// control characters become blanks, and the one-time code that AWS repeats in a validation error is taken out.
ErrorAnswer parse_error_answer(const net::Response& response);

// What a stranger's server or program may put on a terminal: at most 500 bytes, control characters as blanks, no blanks
// around.
std::string displayable(std::string_view text);

enum class MappedKind {
  mfa_code_refused,             // wrong, too old, or already used
  mfa_device_unknown,           // the serial is not a device of this user, or the device is out of step
  mfa_incomplete,               // serial or code is missing
  not_authorized,               // identity policy or trust policy says no
  explicit_deny,                // a policy denies by name
  session_credentials_refused,  // the call needs a long-term key and got a session
  key_unknown,                  // the access key is deleted, inactive or of another partition
  signature_wrong,              // the secret does not belong to the access key id
  clock_skew,                   // this machine's clock is more than 15 minutes off
  validation,                   // a parameter is malformed
  chaining_limit,               // more than 1 h asked with a session for a role
  role_max_duration,            // more than the role's MaxSessionDuration asked
  throttled,                    // too many calls
  region_disabled,              // STS is not active in this region for the account
  expired_token,                // the session (or web identity token) that signed has expired
  web_identity_refused,         // the token is not acceptable to the provider or the trust policy
  policy_too_large,             // session policy and tags do not fit
  refused_before_sending,       // tollgate itself would not send it, for example a code over plain http
  network_unsent,               // provably nothing was sent
  outcome_unknown,              // sent, and no answer came, or the service failed
  malformed_answer,             // a success status with a body that is not what was asked for
  other,                        // a refusal that the table does not know
};
// Stable snake_case word, also Error::reason.
std::string_view mapped_kind_name(MappedKind kind);

// Whether the one-time code that the call carried may be used again. `unspent` where the call carried none.
enum class CodeFate { unspent, assume_spent, spent };

enum class RetryPolicy {
  never,                  // a person or an owner has to change something
  with_next_code,         // ask for the next code
  same_code,              // the very same request may be sent again at once, inside its 30 s step
  after_backoff,          // the very same request may be sent again after a wait
  after_clock_sync,       // sign again with the other side's time
  with_shorter_duration,  // ask again for less; the limit is in the message
};

struct MappedError {
  MappedKind kind = MappedKind::other;
  CodeFate code = CodeFate::unspent;
  RetryPolicy retry = RetryPolicy::never;
  Error error;         // tollgate's words; `next` says what to do, `reason` is the kind's name
  ErrorAnswer answer;  // what AWS said; status 0 where no answer came
};

template <class T>
using AwsResult = tl::expected<T, MappedError>;

// For what tollgate itself would not send: nothing reached AWS, and no code is spent.
MappedError refused_before_sending(Error error);

// What the call was about, to make the message specific. All may be empty.
struct CallContext {
  std::string operation;  // GetSessionToken, AssumeRole, ...
  std::string role_arn;
  std::string serial_number;
  std::string region;
  std::string access_key_id;
  bool carried_code = false;
  TimePoint now;  // ours, to name the skew
};

// An STS (or IAM) answer with a status of 300 or more. Total: an unknown code becomes `other` with the request id.
MappedError map_sts_error(const ErrorAnswer& answer, const CallContext& context);
// No answer at all.
MappedError map_failure(const net::Failure& failure, const CallContext& context);

}  // namespace tollgate::aws
