// The three variables of the original feature: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_MFA_SERIAL_NUMBER as an
// organization's or as personal environment variables mean the same as an AWS identity. Together they are one; without
// the serial the first two are environment variables like any other. Inside the caller's transaction.
#pragma once

#include "server/api/call.h"

namespace tollgate::api {

bool is_identity_variable(const domain::Variable& variable);

// After one of them was written (`ended`: deleted). Makes, changes or ends the identity that they are. Errors: those of
// runs::put_identity, and of require_owner_now where the organization's identity, or a gated organization, is
// concerned.
Result<void> identity_follows(domain::Tables& tables, const Call& call, const domain::Variable& variable, bool ended);

// The other way: variables that are there take the identity's values, or go with it.
void variables_follow(domain::Tables& tables, const domain::AwsIdentity& identity);
void variables_end(domain::Tables& tables, const domain::AwsIdentity& identity);

}  // namespace tollgate::api
