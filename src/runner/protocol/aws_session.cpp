#include "runner/protocol/aws_session.h"

namespace tollgate::runner {
namespace {

using json::Reader;
using json::Value;

Value to_value(const AwsKeys& keys) {
  return Value::object({{"access-key-id", keys.access_key_id},
                        {"secret-access-key", keys.secret_access_key.reveal()},
                        {"session-token", keys.session_token.reveal()}});
}

Result<AwsKeys> read_keys(const Reader& reader) {
  AwsKeys keys;
  TG_TRY(keys.access_key_id, reader.text("access-key-id"));
  TG_TRY(std::string secret, reader.text("secret-access-key"));
  keys.secret_access_key = Secret::take(std::move(secret));
  TG_TRY(std::string token, reader.text("session-token"));
  keys.session_token = Secret::take(std::move(token));
  for (const std::string_view text :
       {std::string_view(keys.access_key_id), keys.secret_access_key.reveal(), keys.session_token.reveal()}) {
    if (text.find('\0') != std::string_view::npos) return fail(reader.error("a credential holds a NUL"));
  }
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    return fail(reader.error("credentials need a key and its secret"));
  }
  return keys;
}

Value to_value(const RoleRenewal& renewal) {
  return Value::object({{"session", to_value(renewal.session)},
                        {"region", renewal.region},
                        {"role-arn", renewal.role_arn},
                        {"external-id", renewal.external_id},
                        {"session-name", renewal.session_name},
                        {"duration-seconds", renewal.duration.count()},
                        {"endpoint", renewal.sts.endpoint},
                        {"ca-file", renewal.sts.ca_file},
                        {"https-proxy", renewal.sts.https_proxy},
                        {"http-proxy", renewal.sts.http_proxy},
                        {"no-proxy", renewal.sts.no_proxy}});
}

Result<RoleRenewal> read_renewal(const Reader& reader) {
  RoleRenewal renewal;
  TG_TRY(const Reader session, reader.member("session"));
  TG_TRY(renewal.session, read_keys(session));
  TG_TRY(renewal.region, reader.text("region"));
  TG_TRY(renewal.role_arn, reader.text("role-arn"));
  TG_TRY(renewal.external_id, reader.text("external-id"));
  TG_TRY(renewal.session_name, reader.text("session-name"));
  TG_TRY(const std::int64_t seconds, reader.integer("duration-seconds"));
  if (seconds < 1) return fail(reader.error("\"duration-seconds\" must be at least 1"));
  renewal.duration = std::chrono::seconds(seconds);
  TG_TRY(renewal.sts.endpoint, reader.text("endpoint"));
  TG_TRY(renewal.sts.ca_file, reader.text("ca-file"));
  TG_TRY(renewal.sts.https_proxy, reader.text("https-proxy"));
  TG_TRY(renewal.sts.http_proxy, reader.text("http-proxy"));
  TG_TRY(renewal.sts.no_proxy, reader.text("no-proxy"));
  return renewal;
}

}  // namespace

Value to_value(const AwsSession& session) {
  Value value = Value::object({{"keys", to_value(session.keys)}});
  if (session.expires_at) value.set("expires-at", unix_seconds(*session.expires_at));
  if (session.renewal) value.set("renewal", to_value(*session.renewal));
  return value;
}

Result<AwsSession> read_aws_session(const Reader& reader) {
  AwsSession session;
  TG_TRY(const Reader keys, reader.member("keys"));
  TG_TRY(session.keys, read_keys(keys));
  TG_TRY(const auto expires_at, reader.optional_integer("expires-at"));
  if (expires_at) session.expires_at = from_unix_seconds(*expires_at);
  TG_TRY(const Reader renewal, reader.optional_member("renewal"));
  if (renewal.value().is_null()) return session;
  TG_TRY(session.renewal, read_renewal(renewal));
  if (!session.expires_at) return fail(reader.error("what is renewed has an end"));
  return session;
}

}  // namespace tollgate::runner
