#include "sandbox/sts.h"

#include <array>

#include "common/base/encoding.h"
#include "sandbox/assume_role.h"
#include "sandbox/authorize.h"
#include "sandbox/constraints.h"
#include "sandbox/totp.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::int64_t kLeastDuration = 900;
constexpr std::int64_t kLongestUserSession = 129600;
constexpr std::int64_t kDefaultUserSession = 43200;
constexpr std::int64_t kLongestRootSession = 3600;

Answer get_caller_identity(World&, const Call& call) {
  Answer answer = succeed(element("Arn", call.principal.arn) + element("UserId", call.principal.id) +
                          element("Account", call.principal.account));
  answer.resource = "*";
  answer.reason = "needs no permission";
  return answer;
}

// Sessions of the root user last one hour at most; a longer wish is shortened silently (STS API, GetSessionToken).
std::int64_t capped(const Principal& principal, std::int64_t seconds) {
  return principal.kind == Principal::Kind::root ? std::min(seconds, kLongestRootSession) : seconds;
}

// "The purpose of GetSessionToken is to authenticate the user using MFA. You cannot use policies to control
// authentication operations" (IAM User Guide): so no policy is asked.
Answer get_session_token(World& world, const Call& call) {
  Constraints constraints(call);
  const std::int64_t duration = constraints.integer("DurationSeconds", "durationSeconds", kLeastDuration,
                                                    kLongestUserSession, kDefaultUserSession);
  constraints.length("SerialNumber", "serialNumber", 9, 256)
      .characters("SerialNumber", "serialNumber", "+=/:,.@-", "[\\w+=/:,.@-]*")
      .length("TokenCode", "tokenCode", 6, 6)
      .digits("TokenCode", "tokenCode");
  if (auto fault = constraints.fault()) return *fault;
  const Principal& caller = call.principal;
  if (caller.temporary()) return access_denied("Cannot call GetSessionToken with session credentials");
  if (auto refused = check_mfa(world, call)) return *refused;
  Session session;
  session.kind = Session::Kind::session_token;
  session.account = caller.account;
  session.name = caller.name;
  session.principal_arn = caller.arn;
  session.principal_id = caller.id;
  if (call.find("TokenCode") != nullptr) session.mfa_at = call.now;
  const Session issued = issue(world, call, std::move(session), std::chrono::seconds(capped(caller, duration)));
  Answer answer = succeed(credentials_xml(issued));
  answer.resource = "*";
  answer.reason = issued.mfa_at ? "the one-time code was accepted" : "no one-time code was asked for or given";
  return answer;
}

Answer get_federation_token(World& world, const Call& call) {
  Constraints constraints(call);
  const std::int64_t duration = constraints.integer("DurationSeconds", "durationSeconds", kLeastDuration,
                                                    kLongestUserSession, kDefaultUserSession);
  constraints.required("Name", "name")
      .length("Name", "name", 2, 32)
      .characters("Name", "name", "+=,.@-", "[\\w+=,.@-]*");
  if (auto fault = constraints.fault()) return *fault;
  const Principal& caller = call.principal;
  if (caller.temporary()) return access_denied("Cannot call GetFederationToken with session credentials");
  const std::string name(call.text("Name"));
  const std::string arn = fmt::format("arn:aws:sts::{}:federated-user/{}", caller.account, name);
  if (auto refused = authorize(world, call, "sts:GetFederationToken", arn)) return *refused;
  Session session;
  session.kind = Session::Kind::federation;
  session.account = caller.account;
  session.name = caller.name;
  session.session_name = name;
  session.principal_arn = arn;
  session.principal_id = caller.account + ":" + name;
  SessionPolicies policies = session_policies(world, call);
  if (policies.fault) return *policies.fault;
  session.policies = std::move(policies.documents);
  const Session issued = issue(world, call, std::move(session), std::chrono::seconds(capped(caller, duration)));
  Answer answer = succeed(
      credentials_xml(issued) +
      enclose("FederatedUser", element("FederatedUserId", issued.principal_id) + element("Arn", issued.principal_arn)) +
      element("PackedPolicySize", std::to_string(policies.packed_percent)));
  answer.resource = arn;
  return answer;
}

constexpr std::array<Operation, 4> kOperations{{{"GetCallerIdentity", get_caller_identity},
                                                {"GetSessionToken", get_session_token},
                                                {"AssumeRole", assume_role},
                                                {"GetFederationToken", get_federation_token}}};

// `count` characters of an alphabet of 32 or 64 characters.
std::string random_text(RandomSource& random, std::size_t count, std::string_view alphabet) {
  std::string text;
  for (const char byte : random.bytes(count))
    text += alphabet[static_cast<unsigned char>(byte) % alphabet.size()];
  return text;
}

constexpr std::string_view kKeyIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kSecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::span<const Operation> sts_operations() {
  return kOperations;
}

std::string new_access_key_id(RandomSource& random, std::string_view prefix) {
  return std::string(prefix) + random_text(random, 16, kKeyIdAlphabet);
}

Secret new_secret_access_key(RandomSource& random) {
  return Secret::take(random_text(random, 40, kSecretAlphabet));
}

std::optional<Answer> session_restriction(const Principal& principal, std::string_view service,
                                          std::string_view action) {
  if (!principal.temporary()) return std::nullopt;
  const Answer refused = refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid");
  switch (principal.session->kind) {
    case Session::Kind::role:
      return std::nullopt;
    case Session::Kind::session_token:
      // These two have words of their own for session credentials.
      if (action == "GetSessionToken" || action == "GetFederationToken") return std::nullopt;
      if (service == "iam" && !principal.mfa_present()) return refused;
      if (service == "sts" && action != "AssumeRole" && action != "GetCallerIdentity") return refused;
      return std::nullopt;
    case Session::Kind::federation:
      if (action == "GetSessionToken" || action == "GetFederationToken") return std::nullopt;
      if (service == "iam" || (service == "sts" && action != "GetCallerIdentity")) return refused;
      return std::nullopt;
  }
  return std::nullopt;
}

Session issue(World& world, const Call& call, Session session, std::chrono::seconds duration) {
  session.access_key_id = new_access_key_id(*call.random, "ASIA");
  session.secret = new_secret_access_key(*call.random);
  session.token = base64_encode(call.random->bytes(270));
  session.issued = call.now;
  session.expires = call.now + Duration(duration) / std::max<std::int64_t>(1, world.lifetime_divisor);
  world.sessions.put(session);
  return session;
}

std::optional<Answer> check_mfa(World& world, const Call& call) {
  const std::string* serial = call.find("SerialNumber");
  const std::string* code = call.find("TokenCode");
  if (serial == nullptr && code == nullptr) return std::nullopt;
  if (serial == nullptr || code == nullptr) {
    return access_denied(
        "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.");
  }
  const MfaDevice* device = world.devices.find(*serial);
  const Principal& caller = call.principal;
  const bool own = device != nullptr && device->account == caller.account && device->user == caller.name &&
                   caller.kind == Principal::Kind::user;
  if (!own) {
    return access_denied(
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid "
        "and associated with this user.");
  }
  if (!accept_code(world, *device, *code, call.now)) {
    return access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code.");
  }
  return std::nullopt;
}

}  // namespace tollgate::sandbox
