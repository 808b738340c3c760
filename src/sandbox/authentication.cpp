#include "sandbox/authentication.h"

#include "common/crypto/hash.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

using Refusal = AuthenticationFault;

tl::unexpected<AuthenticationFailure> failure(Refusal refusal, std::string message, std::string access_key_id = "") {
  return tl::unexpected<AuthenticationFailure>(
      AuthenticationFailure{refusal, std::move(message), std::move(access_key_id), std::nullopt, ""});
}

constexpr const char* kInvalidToken = "The security token included in the request is invalid.";
constexpr const char* kSignatureDiffers =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.";

tl::unexpected<AuthenticationFailure> unreadable(const Error& error) {
  if (error.reason == "MissingAuthenticationToken")
    return failure(Refusal::missing, "Request is missing Authentication Token");
  if (error.reason == "SignatureDoesNotMatch") return failure(Refusal::scope_mismatch, error.message);
  if (error.reason == "AuthorizationQueryParametersError") return failure(Refusal::bad_query, error.message);
  return failure(Refusal::incomplete, error.message);
}

struct KeyOwner {
  Principal principal;
  Secret secret;
  bool expired = false;
};

std::optional<Principal> long_term_principal(const World& world, const std::string& account, const std::string& name) {
  Principal principal;
  principal.account = account;
  principal.name = name;
  if (name.empty()) {
    principal.kind = Principal::Kind::root;
    principal.arn = fmt::format("arn:aws:iam::{}:root", account);
    principal.id = account;
    return principal;
  }
  const User* user = world.users.find(account + "/" + name);
  if (user == nullptr) return std::nullopt;
  principal.kind = Principal::Kind::user;
  principal.arn = user->arn();
  principal.id = user->id;
  return principal;
}

tl::expected<KeyOwner, AuthenticationFailure> find_owner(const World& world, const aws::Authorization& authorization,
                                                         TimePoint now) {
  const std::string& id = authorization.access_key_id;
  if (const AccessKey* key = world.access_keys.find(id)) {
    auto principal = long_term_principal(world, key->account, key->user);
    if (!principal || !key->active) return failure(Refusal::unknown_key, kInvalidToken, id);
    if (!authorization.security_token.empty()) return failure(Refusal::wrong_token, kInvalidToken, id);
    principal->access_key_id = id;
    return KeyOwner{std::move(*principal), key->secret, false};
  }
  const Session* session = world.sessions.find(id);
  if (session == nullptr) return failure(Refusal::unknown_key, kInvalidToken, id);
  if (!crypto::constant_time_equal(session->token, authorization.security_token)) {
    return failure(Refusal::wrong_token, kInvalidToken, id);
  }
  Principal principal;
  if (session->kind == Session::Kind::role) {
    if (!world.roles.has(session->account + "/" + session->name))
      return failure(Refusal::unknown_key, kInvalidToken, id);
    principal.kind = Principal::Kind::role_session;
  } else {
    const auto owner = long_term_principal(world, session->account, session->name);
    if (!owner) return failure(Refusal::unknown_key, kInvalidToken, id);
    principal.kind = session->kind == Session::Kind::federation ? Principal::Kind::federated : owner->kind;
  }
  principal.account = session->account;
  principal.name = session->name;
  principal.arn = session->principal_arn;
  principal.id = session->principal_id;
  principal.access_key_id = id;
  principal.session = *session;
  return KeyOwner{std::move(principal), session->secret, now >= session->expires};
}

std::optional<AuthenticationFailure> check_clock(const aws::Authorization& authorization, TimePoint now) {
  const auto fail_with = [&](Refusal refusal, std::string message) {
    return AuthenticationFailure{refusal, std::move(message), authorization.access_key_id, std::nullopt, ""};
  };
  const std::string signed_at = format_amz_date(authorization.time);
  const std::string here = format_amz_date(now);
  switch (aws::check_time(authorization, now)) {
    case aws::TimeVerdict::valid:
      return std::nullopt;
    case aws::TimeVerdict::expired: {
      if (authorization.expires) return fail_with(Refusal::link_expired, "Request has expired");
      const std::string edge = format_amz_date(now - aws::kAllowedClockSkew);
      return fail_with(Refusal::too_old, fmt::format("Signature expired: {} is now earlier than {} ({} - 15 min.)",
                                                     signed_at, edge, here));
    }
    case aws::TimeVerdict::not_yet_valid:
      break;
  }
  const std::string edge = format_amz_date(now + aws::kAllowedClockSkew);
  return fail_with(
      Refusal::too_early,
      fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)", signed_at, edge, here));
}

}  // namespace

tl::expected<Authenticated, AuthenticationFailure> authenticate(const World& world, const aws::WireRequest& request,
                                                                TimePoint now) {
  auto authorization = aws::parse_authorization(request);
  if (!authorization) return unreadable(authorization.error());
  auto owner = find_owner(world, *authorization, now);
  if (!owner) return tl::unexpected<AuthenticationFailure>(std::move(owner).error());
  if (auto late = check_clock(*authorization, now)) return tl::unexpected<AuthenticationFailure>(std::move(*late));
  const std::string& id = authorization->access_key_id;
  switch (aws::verify(request, *authorization, owner->secret)) {
    case aws::Verdict::valid:
      break;
    case aws::Verdict::content_differs:
      return failure(Refusal::wrong_content_hash,
                     "The provided 'x-amz-content-sha256' header does not match what was computed.", id);
    case aws::Verdict::header_unsigned:
      return failure(Refusal::unsigned_header, "There were headers present in the request which were not signed", id);
    case aws::Verdict::signature_differs: {
      AuthenticationFailure differs{Refusal::wrong_signature, kSignatureDiffers, id, std::nullopt,
                                    authorization->signature};
      differs.expectation = aws::expected_signature(request, *authorization, owner->secret,
                                                    aws::CanonicalRules::for_service(authorization->scope.service));
      return tl::unexpected<AuthenticationFailure>(std::move(differs));
    }
  }
  if (owner->expired)
    return failure(Refusal::expired_token, "The security token included in the request is expired", id);
  return Authenticated{std::move(owner->principal), std::move(*authorization), std::move(owner->secret)};
}

Answer query_refusal(const AuthenticationFailure& failure) {
  const auto with = [&](int status, std::string_view code) { return refuse(status, code, failure.message); };
  switch (failure.fault) {
    case Refusal::missing:
      return with(403, "MissingAuthenticationToken");
    case Refusal::incomplete:
    case Refusal::bad_query:
      return with(400, "IncompleteSignature");
    case Refusal::unknown_key:
    case Refusal::wrong_token:
      return with(403, "InvalidClientTokenId");
    case Refusal::expired_token:
      return with(403, "ExpiredToken");
    case Refusal::too_old:
    case Refusal::too_early:
    case Refusal::link_expired:
    case Refusal::scope_mismatch:
    case Refusal::wrong_signature:
    case Refusal::wrong_content_hash:
    case Refusal::unsigned_header:
      break;
  }
  return with(403, "SignatureDoesNotMatch");
}

Answer s3_refusal(const AuthenticationFailure& failure) {
  switch (failure.fault) {
    case Refusal::missing:
      return refuse(403, "AccessDenied", "Access Denied");
    case Refusal::incomplete:
    case Refusal::scope_mismatch:
      return refuse(400, "AuthorizationHeaderMalformed", failure.message);
    case Refusal::bad_query:
      return refuse(400, "AuthorizationQueryParametersError", failure.message);
    case Refusal::unknown_key:
      return refuse(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
    case Refusal::wrong_token:
      return refuse(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
    case Refusal::expired_token:
      return refuse(400, "ExpiredToken", "The provided token has expired.");
    case Refusal::too_old:
    case Refusal::too_early:
      return refuse(403, "RequestTimeTooSkewed",
                    "The difference between the request time and the current time is too large.");
    case Refusal::link_expired:
      return refuse(403, "AccessDenied", "Request has expired");
    case Refusal::wrong_content_hash:
      return refuse(400, "XAmzContentSHA256Mismatch", failure.message);
    case Refusal::unsigned_header:
      return refuse(403, "AccessDenied", failure.message);
    case Refusal::wrong_signature:
      break;
  }
  Answer answer =
      refuse(403, "SignatureDoesNotMatch",
             "The request signature we calculated does not match the signature you provided. Check your key "
             "and signing method.");
  if (failure.expectation) {
    // S3 shows its own calculation, which holds no secret, so that clients can be mended.
    answer.result = element("AWSAccessKeyId", failure.access_key_id) +
                    element("StringToSign", failure.expectation->string_to_sign) +
                    element("SignatureProvided", failure.signature) +
                    element("CanonicalRequest", failure.expectation->canonical_request);
  }
  return answer;
}

}  // namespace tollgate::sandbox
