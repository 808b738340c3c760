// What only owners decide because it guards everybody's AWS credentials, and what all of them are told about it. Inside
// the caller's transaction.
#pragma once

#include <string>
#include <string_view>

#include "server/api/call.h"

namespace tollgate::api {

// An owner of the organization, on the page, whose password was typed within the last minutes. Errors: Code::forbidden,
// reason "permission" for members, and those of require_recent_authentication (web_sessions.h).
Result<void> require_owner_now(domain::Tables& tables, const Call& call, std::string_view organization_id);

// A notice for all owners. `sentence` says what was done, without its subject: "raised the level of AWS MFA".
void tell_owners(domain::Tables& tables, const Call& call, std::string_view organization_id, std::string_view kind,
                 std::string_view done);
// The same on their pages, as an event; after the commit.
void show_owners(const Call& call, const domain::Organization& organization);

}  // namespace tollgate::api
