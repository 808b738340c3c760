#include "server/api/signed_url.h"

#include <charconv>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "server/api/permission.h"

namespace tollgate::api {

namespace {

std::string hash_of(const Context& context, std::string_view purpose, std::string_view id, std::string_view expiry) {
  // None of the parts can hold a newline, so they cannot be cut differently.
  return hex_encode(
      crypto::keyed_hash(context.url_key, "signed-url-v1", fmt::format("{}\n{}\n{}", purpose, id, expiry)));
}

}  // namespace

std::string signed_url(const Context& context, std::string_view purpose, std::string_view id,
                       std::chrono::seconds life) {
  const std::string expiry = std::to_string(unix_seconds(context.clock.now() + life));
  return fmt::format("{}/api/v2/signed/{}/{}/{}/{}", context.base_url, purpose, id, expiry,
                     hash_of(context, purpose, id, expiry));
}

Result<void> check_signed_url(const Context& context, std::string_view purpose, std::string_view id,
                              std::string_view expiry, std::string_view hash) {
  std::int64_t until = 0;
  const auto [end, error] = std::from_chars(expiry.data(), expiry.data() + expiry.size(), until);
  const bool number = error == std::errc() && end == expiry.data() + expiry.size();
  const bool genuine = crypto::constant_time_equal(hash, hash_of(context, purpose, id, expiry));
  if (!number || !genuine || until < unix_seconds(context.clock.now())) return fail(not_found("address"));
  return {};
}

}  // namespace tollgate::api
