#include "aws/sso_source.h"

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "common/json/value.h"

namespace tollgate::aws {
namespace {

Error sign_in_again(const Sso& sso, std::string why) {
  return Error(Code::unauthorized,
               fmt::format("profile {} cannot use its Identity Center sign-in: {}", sso.profile, why))
      .at(std::string(sso.place))
      .because("sso_sign_in_needed")
      .do_next(sso.session.empty() ? fmt::format("run `aws sso login --profile {}`", sso.profile)
                                   : fmt::format("run `aws sso login --sso-session {}`", sso.session));
}

}  // namespace

std::string sso_token_file(const Sso& sso, const std::string& home) {
  const std::string& name = sso.session.empty() ? sso.start_url : sso.session;
  return fmt::format("{}/.aws/sso/cache/{}.json", home, hex_encode(crypto::sha1(name)));
}

Result<Secret> read_sso_token(const Sso& sso, const std::string& home, const FileReader& reader, TimePoint now) {
  TG_TRY(std::optional<std::string> text, reader(sso_token_file(sso, home)));
  if (!text) return fail(sign_in_again(sso, "nobody has signed in on this machine"));
  const auto document = json::parse(*text);
  wipe(*text);
  if (!document) return fail(sign_in_again(sso, "the kept sign-in cannot be read"));
  const json::Reader reading(*document);
  const auto token = reading.text("accessToken");
  const auto expires = reading.text("expiresAt");
  if (!token || !expires) return fail(sign_in_again(sso, "the kept sign-in is not complete"));
  const auto end = parse_iso8601(*expires);
  if (!end || *end <= now) return fail(sign_in_again(sso, "it has expired"));
  return Secret(*token);
}

Result<Credentials> fetch_sso_credentials(net::Client& client, const Endpoint& endpoint, const Sso& sso,
                                          const Secret& token) {
  net::Request request;
  request.url = fmt::format("{}/federation/credentials?role_name={}&account_id={}", endpoint.url,
                            percent_encode(sso.role_name), percent_encode(sso.account_id));
  request.headers = {{"x-amz-sso_bearer_token", std::string(token.reveal())}};
  const auto response = client.send(request);
  wipe(request.headers.front().second);
  if (!response) return fail(response.error().error);
  if (response->status == 401) return fail(sign_in_again(sso, "AWS does not accept it any more"));
  if (response->status == 403 || response->status == 404) {
    return fail(Error(Code::forbidden,
                      fmt::format("Identity Center gives you no role {} in account {}", sso.role_name, sso.account_id))
                    .at(std::string(sso.place))
                    .do_next("check sso_role_name and sso_account_id against the access portal"));
  }
  if (response->status != 200) {
    return fail(Error(Code::unavailable, fmt::format("Identity Center answered with status {}", response->status))
                    .do_next("try again in a moment"));
  }
  TG_TRY(const json::Value document, json::parse(response->body));
  TG_TRY(const json::Reader role, json::Reader(document).member("roleCredentials"));
  Credentials credentials;
  TG_TRY(credentials.access_key_id, role.text("accessKeyId"));
  TG_TRY(std::string secret, role.text("secretAccessKey"));
  TG_TRY(std::string session, role.text("sessionToken"));
  TG_TRY(const std::int64_t milliseconds, role.integer("expiration"));
  credentials.secret_access_key = Secret::take(std::move(secret));
  credentials.session_token = Secret::take(std::move(session));
  credentials.expiration = TimePoint(Duration(milliseconds));
  return credentials;
}

}  // namespace tollgate::aws
