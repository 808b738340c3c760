#include "aws/iam_client.h"

namespace tollgate::aws {
namespace {

constexpr std::string_view kVersion = "2010-05-08";
constexpr int kMaxPages = 100;

QueryCall make_call(std::string_view operation, const Credentials& credentials, const std::string& user_name,
                    Repeat repeat = Repeat::freely) {
  QueryCall call;
  call.parameters = QueryParameters(operation, kVersion);
  call.credentials = &credentials;
  call.repeat = repeat;
  call.context.operation = operation;
  if (!user_name.empty()) call.parameters.add("UserName", std::string_view(user_name));
  return call;
}

AwsResult<void> perform(QueryClient& client, QueryCall call) {
  auto result = client.call(call);
  if (!result) return tl::unexpected(std::move(result).error());
  return {};
}

// Calls the operation until no page is left; `read` takes one <member>.
template <class Read>
AwsResult<void> for_each_member(QueryClient& client, std::string_view operation, const Credentials& credentials,
                                const std::string& user_name, std::string_view list, Read read) {
  std::string marker;
  for (int page = 0; page < kMaxPages; ++page) {
    QueryCall call = make_call(operation, credentials, user_name);
    if (!marker.empty()) call.parameters.add("Marker", std::string_view(marker));
    const auto result = client.call(call);
    if (!result) return tl::unexpected(result.error());
    const XmlElement* members = result->find(list);
    if (members == nullptr) return tl::unexpected(client.malformed(call, "the list is missing"));
    for (const auto& member : members->children)
      read(member);
    marker = result->text_of("Marker");
    if (result->text_of("IsTruncated") != "true" || marker.empty()) return {};
  }
  return {};
}

}  // namespace

IamClient::IamClient(net::Client& client, const Clock& clock, Endpoint endpoint, Duration clock_offset)
    : client_(client, clock, std::move(endpoint), "iam", [&] {
        QueryOptions options;
        options.clock_offset = clock_offset;
        return options;
      }()) {}

AwsResult<IamUser> IamClient::get_user(const Credentials& credentials, const std::string& user_name) {
  QueryCall call = make_call("GetUser", credentials, user_name);
  const auto result = client_.call(call);
  if (!result) return tl::unexpected(result.error());
  const XmlElement* user = result->find("User");
  if (user == nullptr) return tl::unexpected(client_.malformed(call, "the user is missing"));
  return IamUser{std::string(user->text_of("UserName")), std::string(user->text_of("Arn")),
                 std::string(user->text_of("UserId"))};
}

AwsResult<std::vector<MfaDevice>> IamClient::list_mfa_devices(const Credentials& credentials,
                                                              const std::string& user_name) {
  std::vector<MfaDevice> devices;
  const auto outcome =
      for_each_member(client_, "ListMFADevices", credentials, user_name, "MFADevices", [&](const XmlElement& member) {
        devices.push_back({std::string(member.text_of("UserName")), std::string(member.text_of("SerialNumber")),
                           parse_iso8601(member.text_of("EnableDate"))});
      });
  if (!outcome) return tl::unexpected(outcome.error());
  return devices;
}

AwsResult<std::vector<AccessKey>> IamClient::list_access_keys(const Credentials& credentials,
                                                              const std::string& user_name) {
  std::vector<AccessKey> keys;
  const auto outcome = for_each_member(
      client_, "ListAccessKeys", credentials, user_name, "AccessKeyMetadata", [&](const XmlElement& member) {
        keys.push_back({std::string(member.text_of("UserName")), std::string(member.text_of("AccessKeyId")),
                        member.text_of("Status") == "Active", parse_iso8601(member.text_of("CreateDate"))});
      });
  if (!outcome) return tl::unexpected(outcome.error());
  return keys;
}

AwsResult<Credentials> IamClient::create_access_key(const Credentials& credentials, const std::string& user_name) {
  QueryCall call = make_call("CreateAccessKey", credentials, user_name, Repeat::if_unsent);
  auto result = client_.call(call);
  if (!result) return tl::unexpected(std::move(result).error());
  Credentials made;
  if (const XmlElement* key = result->find("AccessKey")) {
    made.access_key_id = key->text_of("AccessKeyId");
    made.secret_access_key = Secret(key->text_of("SecretAccessKey"));
  }
  result->wipe();
  if (made.access_key_id.empty() || made.secret_access_key.empty()) {
    return tl::unexpected(client_.malformed(call, "the new key is missing"));
  }
  return made;
}

AwsResult<void> IamClient::set_access_key_active(const Credentials& credentials, const std::string& access_key_id,
                                                 bool active, const std::string& user_name) {
  QueryCall call = make_call("UpdateAccessKey", credentials, user_name);
  call.parameters.add("AccessKeyId", std::string_view(access_key_id)).add("Status", active ? "Active" : "Inactive");
  return perform(client_, std::move(call));
}

AwsResult<void> IamClient::delete_access_key(const Credentials& credentials, const std::string& access_key_id,
                                             const std::string& user_name) {
  QueryCall call = make_call("DeleteAccessKey", credentials, user_name);
  call.parameters.add("AccessKeyId", std::string_view(access_key_id));
  return perform(client_, std::move(call));
}

}  // namespace tollgate::aws
