// The one-time link by which a person gets a first password, or a new one: made on the server's host, good once and for
// a quarter of an hour. There is no default password. Functions run inside the caller's write transaction.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "server/domain/store.h"

namespace tollgate::api {

inline constexpr std::chrono::minutes kSetupLinkLife{15};

// "https://host/setup#tgs....": what identifies it stands behind the #, which browsers send to nobody.
Secret make_setup_link(domain::Tables& tables, const Secret& token_key, RandomSource& random, std::string_view base_url,
                       std::string_view user_id, TimePoint now);

// What a password must be, in the words of the refusal. Errors: Code::invalid "password_too_weak".
Result<void> check_new_password(const Secret& password, const domain::User& user);

}  // namespace tollgate::api
