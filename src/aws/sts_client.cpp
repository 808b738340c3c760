#include "aws/sts_client.h"

#include <algorithm>

namespace tollgate::aws {
namespace {

constexpr std::string_view kVersion = "2011-06-15";

QueryCall make_call(std::string_view operation, const Credentials* credentials) {
  QueryCall call;
  call.parameters = QueryParameters(operation, kVersion);
  call.credentials = credentials;
  call.context.operation = operation;
  return call;
}

void add_unless_empty(QueryParameters& parameters, std::string_view name, std::string_view value) {
  if (!value.empty()) parameters.add(name, value);
}

void add_duration(QueryParameters& parameters, const std::optional<std::chrono::seconds>& duration) {
  if (duration) parameters.add("DurationSeconds", static_cast<std::int64_t>(duration->count()));
}

void add_policy_arns(QueryParameters& parameters, const std::vector<std::string>& arns) {
  std::vector<QueryParameters> items;
  for (const auto& arn : arns)
    items.push_back(QueryParameters().add("arn", std::string_view(arn)));
  if (!items.empty()) parameters.add_list("PolicyArns", items);
}

// Adds serial and code. What AWS would refuse anyway is refused here, where no code is spent on it.
std::optional<MappedError> add_mfa(QueryCall& call, const std::optional<MfaCode>& mfa) {
  if (!mfa) return std::nullopt;
  const auto refuse = [](MappedKind kind, Code code, std::string message, std::string next) {
    MappedError refusal;
    refusal.kind = kind;
    refusal.error =
        Error(code, std::move(message)).do_next(std::move(next)).because(std::string(mapped_kind_name(kind)));
    return refusal;
  };
  if (mfa->serial_number.empty() || mfa->code.empty()) {
    return refuse(MappedKind::mfa_incomplete, Code::config, "the MFA device's serial or the one-time code is missing",
                  "set mfa_serial for this profile");
  }
  const auto code = mfa->code.reveal();
  const bool digits = std::all_of(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (code.size() != 6 || !digits) {
    return refuse(MappedKind::validation, Code::invalid, "a one-time code has six digits", "type the six digits");
  }
  call.repeat = Repeat::code_in_step;
  call.context.serial_number = mfa->serial_number;
  call.parameters.add("SerialNumber", std::string_view(mfa->serial_number)).add("TokenCode", code);
  return std::nullopt;
}

std::optional<Credentials> read_credentials(const XmlElement& result) {
  const XmlElement* element = result.find("Credentials");
  if (element == nullptr) return std::nullopt;
  Credentials credentials;
  credentials.access_key_id = element->text_of("AccessKeyId");
  credentials.secret_access_key = Secret(element->text_of("SecretAccessKey"));
  credentials.session_token = Secret(element->text_of("SessionToken"));
  credentials.expiration = parse_iso8601(element->text_of("Expiration"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() || credentials.session_token.empty() ||
      !credentials.expiration) {
    return std::nullopt;
  }
  return credentials;
}

AwsResult<AssumedRole> assume(QueryClient& client, QueryCall& call) {
  auto result = client.call(call);
  if (!result) return tl::unexpected(std::move(result).error());
  auto credentials = read_credentials(*result);
  AssumedRole role;
  if (const XmlElement* user = result->find("AssumedRoleUser")) {
    role.arn = user->text_of("Arn");
    role.role_id = user->text_of("AssumedRoleId");
  }
  role.source_identity = result->text_of("SourceIdentity");
  result->wipe();
  if (!credentials) return tl::unexpected(client.malformed(call, "credentials are missing"));
  role.credentials = std::move(*credentials);
  return role;
}

}  // namespace

StsClient::StsClient(net::Client& client, const Clock& clock, Endpoint endpoint, StsOptions options)
    : client_(client, clock, std::move(endpoint), "sts", options) {}

AwsResult<CallerIdentity> StsClient::get_caller_identity(const Credentials& credentials) {
  QueryCall call = make_call("GetCallerIdentity", &credentials);
  const auto result = client_.call(call);
  if (!result) return tl::unexpected(result.error());
  CallerIdentity identity{std::string(result->text_of("Account")), std::string(result->text_of("Arn")),
                          std::string(result->text_of("UserId"))};
  if (identity.account.empty() || identity.arn.empty()) {
    return tl::unexpected(client_.malformed(call, "account and ARN are missing"));
  }
  return identity;
}

AwsResult<Credentials> StsClient::get_session_token(const Credentials& credentials,
                                                    std::optional<std::chrono::seconds> duration,
                                                    const std::optional<MfaCode>& mfa) {
  QueryCall call = make_call("GetSessionToken", &credentials);
  add_duration(call.parameters, duration);
  if (auto refusal = add_mfa(call, mfa)) return tl::unexpected(std::move(*refusal));
  auto result = client_.call(call);
  if (!result) return tl::unexpected(std::move(result).error());
  auto session = read_credentials(*result);
  result->wipe();
  if (!session) return tl::unexpected(client_.malformed(call, "credentials are missing"));
  return std::move(*session);
}

AwsResult<AssumedRole> StsClient::assume_role(const Credentials& credentials, const AssumeRoleRequest& request) {
  QueryCall call = make_call("AssumeRole", &credentials);
  call.context.role_arn = request.role_arn;
  auto& parameters = call.parameters;
  parameters.add("RoleArn", std::string_view(request.role_arn));
  parameters.add("RoleSessionName", std::string_view(request.session_name));
  add_policy_arns(parameters, request.policy_arns);
  add_unless_empty(parameters, "Policy", request.policy);
  add_duration(parameters, request.duration);
  std::vector<QueryParameters> tags;
  for (const auto& [key, value] : request.tags) {
    tags.push_back(QueryParameters().add("Key", std::string_view(key)).add("Value", std::string_view(value)));
  }
  if (!tags.empty()) parameters.add_list("Tags", tags);
  if (!request.transitive_tag_keys.empty()) parameters.add_list("TransitiveTagKeys", request.transitive_tag_keys);
  add_unless_empty(parameters, "ExternalId", request.external_id);
  add_unless_empty(parameters, "SourceIdentity", request.source_identity);
  if (auto refusal = add_mfa(call, request.mfa)) return tl::unexpected(std::move(*refusal));
  return assume(client_, call);
}

AwsResult<AssumedRole> StsClient::assume_role_with_web_identity(const WebIdentityRequest& request) {
  QueryCall call = make_call("AssumeRoleWithWebIdentity", nullptr);
  call.context.role_arn = request.role_arn;
  auto& parameters = call.parameters;
  parameters.add("RoleArn", std::string_view(request.role_arn));
  parameters.add("RoleSessionName", std::string_view(request.session_name));
  parameters.add("WebIdentityToken", request.token.reveal());
  add_unless_empty(parameters, "ProviderId", request.provider_id);
  add_policy_arns(parameters, request.policy_arns);
  add_unless_empty(parameters, "Policy", request.policy);
  add_duration(parameters, request.duration);
  return assume(client_, call);
}

}  // namespace tollgate::aws
