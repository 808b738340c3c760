// Credentials of a role in IAM Identity Center, with the sign-in that `aws sso login` left in ~/.aws/sso/cache. Signing
// in and renewing the sign-in stay with the AWS CLI. Functions hold no state.
#pragma once

#include <string>

#include "aws/credentials.h"
#include "aws/endpoints.h"
#include "aws/profile_chain.h"
#include "aws/profile_files.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace tollgate::aws {

// Where the AWS CLI and the SDKs keep the token: HOME/.aws/sso/cache/<SHA-1 of the session's name, else of the start
// URL>.json (botocore/utils.py, SSOTokenLoader).
std::string sso_token_file(const Sso& sso, const std::string& home);

// The token in such a file. Errors: Code::unauthorized with the `aws sso login` to run where it is absent or expired.
Result<Secret> read_sso_token(const Sso& sso, const std::string& home, const FileReader& reader, TimePoint now);

// GetRoleCredentials of the SSO portal API (service model "sso", GET /federation/credentials). `endpoint` is the
// portal's. Errors: Code::unauthorized where the sign-in is not accepted any more, Code::forbidden where it has no such
// role, Code::unavailable.
Result<Credentials> fetch_sso_credentials(net::Client& client, const Endpoint& endpoint, const Sso& sso,
                                          const Secret& token);

}  // namespace tollgate::aws
