// Credentials from a container endpoint: ECS tasks, EKS pod identity, or a local server that speaks the same contract
// (AWS_CONTAINER_CREDENTIALS_*). The consumer's side; not the server that tollgate itself may offer. Functions hold no
// state.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "aws/file_locations.h"
#include "aws/profile_files.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

// The URL: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI on 169.254.170.2 wins over AWS_CONTAINER_CREDENTIALS_FULL_URI. https
// goes anywhere; http only to loopback (127/8, ::1, localhost) and the ECS and EKS hosts. Errors: Code::config.
Result<std::string> container_endpoint(const Environment& environment);
// The Authorization value: the file AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE wins over AWS_CONTAINER_AUTHORIZATION_TOKEN;
// empty where neither is set. Read anew before each request: EKS rotates the file. A value with a line break is an
// error (Code::config).
Result<Secret> container_token(const Environment& environment, const FileReader& read_file);

// Up to 3 tries on server errors and on transport failures. Errors: the endpoint's own message where it sends one.
Result<Credentials> fetch_container_credentials(net::Client& client, const Clock& clock, const std::string& url,
                                                const Secret& token);

}  // namespace tollgate::aws
