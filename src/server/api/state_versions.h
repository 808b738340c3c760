// State versions as documents, and the steps by which bytes become one. Runs inside the caller's transaction.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

// `forced`: its upload address lets the bytes go back in order or to another lineage.
json::Value state_version_resource(domain::Tables& tables, const Call& call, const domain::StateVersion& version,
                                   bool forced = false);

// What a state says of itself. Errors: Code::invalid where it is no JSON object. A state that a client has encrypted
// has no outputs to read.
struct StateContent {
  std::string terraform_version;
  std::vector<domain::StateVersionOutput> outputs;  // without ids
};
Result<StateContent> read_state(std::string_view bytes);

}  // namespace tollgate::api
