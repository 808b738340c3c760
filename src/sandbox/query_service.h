// The AWS Query protocol of STS and IAM: a form body becomes a call, the call finds its operation, the answer becomes
// XML. Knows no signature and no socket. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/http/server.h"
#include "sandbox/call.h"

namespace tollgate::sandbox {

// Fills action and parameters of `call` from body and query string. nullopt, or the answer to a request that names no
// action, another version, or is malformed.
std::optional<Answer> read_query(const http::Request& request, Call& call);

// Runs the call's operation; InvalidAction where the service has none of that name.
Answer run_operation(World& world, const Call& call);

http::Response query_response(const Call& call, const Answer& answer);

}  // namespace tollgate::sandbox
