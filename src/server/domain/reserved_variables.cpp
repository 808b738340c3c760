#include "server/domain/reserved_variables.h"

#include <algorithm>
#include <array>

namespace tollgate::domain {

namespace {

constexpr std::array<std::string_view, 16> kNames{"AWS_ACCESS_KEY_ID",
                                                  "AWS_SECRET_ACCESS_KEY",
                                                  "AWS_SESSION_TOKEN",
                                                  "AWS_SECURITY_TOKEN",
                                                  "AWS_MFA_SERIAL_NUMBER",
                                                  "AWS_PROFILE",
                                                  "AWS_DEFAULT_PROFILE",
                                                  "AWS_CONFIG_FILE",
                                                  "AWS_SHARED_CREDENTIALS_FILE",
                                                  "AWS_ROLE_ARN",
                                                  "AWS_WEB_IDENTITY_TOKEN_FILE",
                                                  "AWS_CA_BUNDLE",
                                                  "TF_CLI_CONFIG_FILE",
                                                  "TF_REATTACH_PROVIDERS",
                                                  "PATH",
                                                  "HOME"};
constexpr std::array<std::string_view, 7> kPrefixes{
    "AWS_CONTAINER_", "AWS_EC2_METADATA_", "AWS_ENDPOINT_URL", "TFC_AWS_", "TOLLGATE_", "TF_CLI_ARGS", "LD_"};

}  // namespace

bool is_reserved_variable(std::string_view name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.rfind(prefix, 0) == 0; });
}

}  // namespace tollgate::domain
