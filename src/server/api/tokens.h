// Tokens of people, made elsewhere than through their resource, and the page that does so.
#pragma once

#include <string_view>

#include "server/api/router.h"

namespace tollgate::api {

// A new token of the call's person, audited. Its text is to be shown this once. Inside the caller's write transaction.
Result<Secret> add_user_token(domain::Tables& tables, const Call& call, std::string_view description);

Routes token_page_routes();

}  // namespace tollgate::api
