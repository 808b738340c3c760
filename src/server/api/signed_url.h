// Addresses that prove themselves: stock clients upload configurations and states, and read logs, without a token. The
// proof is a keyed hash over purpose, id and expiry, in the path and not in the query, because clients replace the
// query by their own. Whoever has such an address has that one thing until it expires. Pure functions.
//
//   /api/v2/signed/<purpose>/<id>/<unix seconds of expiry>/<hash, hex>
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "server/api/context.h"

namespace tollgate::api {

inline constexpr std::chrono::hours kSignedUrlLife{25};

namespace url_purpose {
inline constexpr std::string_view kConfigurationUpload = "configuration-upload";
inline constexpr std::string_view kStateUpload = "state-upload";
inline constexpr std::string_view kForcedStateUpload = "forced-state-upload";
inline constexpr std::string_view kJsonStateUpload = "json-state-upload";
inline constexpr std::string_view kLog = "log";
}  // namespace url_purpose

std::string signed_url(const Context& context, std::string_view purpose, std::string_view id,
                       std::chrono::seconds life = kSignedUrlLife);
// Errors: Code::not_found, also for an expired one: nothing tells a guesser which part was wrong.
Result<void> check_signed_url(const Context& context, std::string_view purpose, std::string_view id,
                              std::string_view expiry, std::string_view hash);

}  // namespace tollgate::api
