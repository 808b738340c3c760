// The rows of the world as JSON, for the journal. Secrets are written out: the journal is a private file of an
// imitation, whose keys open nothing. Pure functions.
#pragma once

#include "common/base/error.h"
#include "common/json/value.h"
#include "sandbox/world.h"

namespace tollgate::sandbox {

json::Value to_json(const User& row);
json::Value to_json(const Role& row);
json::Value to_json(const ManagedPolicy& row);
json::Value to_json(const AccessKey& row);
json::Value to_json(const MfaDevice& row);
json::Value to_json(const UsedSteps& row);
json::Value to_json(const Session& row);
json::Value to_json(const Bucket& row);
json::Value to_json(const Object& row);
json::Value to_json(const Upload& row);
json::Value to_json(const Account& row);

// Errors: Code::invalid with the JSON pointer.
Result<void> from_json(const json::Reader& json, User& row);
Result<void> from_json(const json::Reader& json, Role& row);
Result<void> from_json(const json::Reader& json, ManagedPolicy& row);
Result<void> from_json(const json::Reader& json, AccessKey& row);
Result<void> from_json(const json::Reader& json, MfaDevice& row);
Result<void> from_json(const json::Reader& json, UsedSteps& row);
Result<void> from_json(const json::Reader& json, Session& row);
Result<void> from_json(const json::Reader& json, Bucket& row);
Result<void> from_json(const json::Reader& json, Object& row);
Result<void> from_json(const json::Reader& json, Upload& row);
Result<void> from_json(const json::Reader& json, Account& row);

}  // namespace tollgate::sandbox
