// Who sent a request, by its signature: SigV4 in the header or the query form, the session token that belongs to the
// key, the clock. Decides nothing about permissions. Pure functions over World; the caller holds the world's lock.
#pragma once

#include <optional>
#include <string>

#include "aws/sigv4.h"
#include "common/base/time.h"
#include "sandbox/call.h"

namespace tollgate::sandbox {

enum class AuthenticationFault {
  missing,             // no signature at all
  incomplete,          // a part of it is missing or malformed
  bad_query,           // the query form is malformed
  unknown_key,         // no such key, or it is inactive, or its owner has gone
  wrong_token,         // a token that is missing, belongs to another key, or comes with a long-term key
  expired_token,       // the session has ended
  too_old,             // signed more than 15 minutes ago
  too_early,           // signed for more than 15 minutes ahead
  link_expired,        // a presigned URL past its end
  scope_mismatch,      // the dates of scope and request differ
  wrong_signature,     // another secret, or something signed was changed
  wrong_content_hash,  // the body is not what x-amz-content-sha256 says
  unsigned_header,     // host or an x-amz-* header is not covered
};

struct AuthenticationFailure {
  AuthenticationFault fault = AuthenticationFault::missing;
  std::string message;                          // as the Query services word it
  std::string access_key_id;                    // as far as it was readable
  std::optional<aws::Expectation> expectation;  // wrong_signature: what should have been signed
  std::string signature;                        // wrong_signature: what came
};

struct Authenticated {
  Principal principal;
  aws::Authorization authorization;
  Secret secret;  // for the chunks of a streamed upload
};

tl::expected<Authenticated, AuthenticationFailure> authenticate(const World& world, const aws::WireRequest& request,
                                                                TimePoint now);

// The same refusal as STS and IAM send it, and as S3 does (whose codes and statuses differ).
Answer query_refusal(const AuthenticationFailure& failure);
Answer s3_refusal(const AuthenticationFailure& failure);

}  // namespace tollgate::sandbox
