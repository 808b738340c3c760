// AWS Signature Version 4: signing requests that go out, and taking apart and checking requests that come in. Not
// Version 4A, not chunked bodies (sigv4_chunked.h). Source of the rules: IAM User Guide, "Signature Version 4 for API
// requests"; S3 API Reference, "Authenticating Requests". Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

struct Scope {
  std::string region;
  std::string service;  // signing name: sts, iam, s3, ...
};

// How the canonical request is built. S3 encodes the path once and never normalises it; all others encode twice and
// resolve "." and "..".
struct CanonicalRules {
  bool encode_path_twice = true;
  bool normalise_path = true;
  static CanonicalRules for_service(std::string_view service);
};

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kEmptyPayloadHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// ---- Signing ----

struct SigningOptions {
  CanonicalRules rules;
  std::string payload_hash;            // empty: SHA-256 of the body
  bool content_sha256_header = false;  // adds x-amz-content-sha256 (S3 demands it)
  bool sign_session_token = true;      // false: X-Amz-Security-Token is added after signing, as some services want it
  static SigningOptions for_service(std::string_view service);
};

// Adds X-Amz-Date, X-Amz-Security-Token where the credentials have one, Host where it is missing, for S3
// X-Amz-Content-Sha256, and Authorization; older headers of these names (but Host) are replaced, so that a request can
// be signed again. Every header of the request is signed except those that proxies change (Connection, User-Agent,
// X-Amzn-Trace-Id, Expect, Transfer-Encoding). The URL must be absolute and its path and query already encoded.
void sign(net::Request& request, const Credentials& credentials, const Scope& scope, TimePoint now);
void sign(net::Request& request, const Credentials& credentials, const Scope& scope, TimePoint now,
          const SigningOptions& options);

// The query form: puts the signature into the URL instead, valid for `expires` (1 s to 7 days). Adds Host only.
void presign(net::Request& request, const Credentials& credentials, const Scope& scope, TimePoint now,
             std::chrono::seconds expires, const SigningOptions& options);

// HMAC chain of date (YYYYMMDD), region, service: 32 bytes.
Secret derive_signing_key(const Secret& secret_access_key, std::string_view date, const Scope& scope);

// ---- What is signed (for tests and for answers that show it) ----

// A request as it stood on the wire; the views must outlive the calls.
struct WireRequest {
  std::string_view method;
  std::string_view target;  // path and query, undecoded
  const net::Headers& headers;
  std::string_view body;
};

std::string canonical_request(const WireRequest& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, const CanonicalRules& rules);
std::string string_to_sign(TimePoint time, std::string_view date, const Scope& scope,
                           std::string_view canonical_request_text);

// ---- Verifying ----

enum class SignatureForm { header, query };

struct Authorization {
  SignatureForm form = SignatureForm::header;
  std::string access_key_id;
  std::string date;  // YYYYMMDD of the credential scope
  Scope scope;
  TimePoint time;                               // X-Amz-Date, or Date
  std::vector<std::string> signed_headers;      // lower case, sorted
  std::string signature;                        // 64 lower-case hex digits
  std::optional<std::chrono::seconds> expires;  // query form only
  std::string security_token;                   // empty: none was sent
  std::string payload_hash;  // as declared by x-amz-content-sha256 (UNSIGNED-PAYLOAD for S3 query form); may be empty
};

// Errors carry in `reason` the code with which AWS answers: MissingAuthenticationToken (nothing to parse),
// IncompleteSignature (a part is missing or malformed), SignatureDoesNotMatch (date and scope differ),
// AuthorizationQueryParametersError (query form).
Result<Authorization> parse_authorization(const WireRequest& request);

enum class Verdict {
  valid,
  signature_differs,  // another secret, or something signed was changed
  content_differs,    // the body is not what x-amz-content-sha256 declares
  header_unsigned,    // host, or an x-amz-* header of the header form, is not among the signed headers
};
// Without rules, those of the scope's service. Needs no clock: see check_time. Bodies with a STREAMING- payload hash
// are compared by the seed signature alone; decode them with sigv4_chunked.h.
Verdict verify(const WireRequest& request, const Authorization& authorization, const Secret& secret_access_key);
Verdict verify(const WireRequest& request, const Authorization& authorization, const Secret& secret_access_key,
               const CanonicalRules& rules);

// The signature that `verify` expects, and what it was made of.
struct Expectation {
  std::string canonical_request;
  std::string string_to_sign;
  std::string signature;
};
Expectation expected_signature(const WireRequest& request, const Authorization& authorization,
                               const Secret& secret_access_key, const CanonicalRules& rules);

enum class TimeVerdict {
  valid,
  expired,        // signed more than 15 minutes ago, or a presigned URL past its end
  not_yet_valid,  // signed for more than 15 minutes ahead
};
inline constexpr std::chrono::minutes kAllowedClockSkew{15};
TimeVerdict check_time(const Authorization& authorization, TimePoint now);

}  // namespace tollgate::aws
