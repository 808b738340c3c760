// `terraform login`: OAuth 2 with an authorization code and PKCE (RFC 6749 4.1, RFC 7636) for one public client, stock
// terraform, which waits on a port of the person's own machine. What discovery says about it.
#pragma once

#include <cstdint>

#include "common/json/value.h"
#include "server/api/router.h"

namespace tollgate::api {

inline constexpr std::int64_t kFirstLoginPort = 10000;
inline constexpr std::int64_t kLastLoginPort = 10010;

json::Value login_service();  // login.v1
Routes terraform_login_routes();

}  // namespace tollgate::api
