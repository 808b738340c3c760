// The few calls of Identity and Access Management that `doctor` and `keys rotate` make. One thread at a time, as its
// net::Client.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/aws_error.h"
#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "aws/query_client.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

struct MfaDevice {
  std::string user_name;
  std::string serial_number;
  std::optional<TimePoint> enabled;
};

struct AccessKey {
  std::string user_name;
  std::string access_key_id;
  bool active = true;
  std::optional<TimePoint> created;
};

struct IamUser {
  std::string name;
  std::string arn;
  std::string id;
};

// An empty user name means the caller. Lists follow all pages.
class IamClient {
 public:
  // The client and the clock must outlive this. `clock_offset` as StsClient::clock_offset().
  IamClient(net::Client& client, const Clock& clock, Endpoint endpoint, Duration clock_offset = Duration(0));

  AwsResult<IamUser> get_user(const Credentials& credentials, const std::string& user_name = "");
  AwsResult<std::vector<MfaDevice>> list_mfa_devices(const Credentials& credentials, const std::string& user_name = "");
  AwsResult<std::vector<AccessKey>> list_access_keys(const Credentials& credentials, const std::string& user_name = "");
  // Not repeated after a lost answer, which may have made a key: look with list_access_keys.
  AwsResult<Credentials> create_access_key(const Credentials& credentials, const std::string& user_name = "");
  AwsResult<void> set_access_key_active(const Credentials& credentials, const std::string& access_key_id, bool active,
                                        const std::string& user_name = "");
  AwsResult<void> delete_access_key(const Credentials& credentials, const std::string& access_key_id,
                                    const std::string& user_name = "");

 private:
  QueryClient client_;
};

}  // namespace tollgate::aws
