// How identities, devices and settings of the gate come into the store: the rules that hold whoever sets them, and the
// audit record of it. Who may set what is the caller's question. The API and the commands on the server's host call
// these. Functions run inside the caller's write transaction; all errors leave nothing written by them.
#pragma once

#include <string>

#include "common/base/random.h"
#include "common/base/time.h"
#include "server/domain/store.h"

namespace tollgate::runs {

// A new identity, or other values for the one that is there: organization_id, kind and, of a personal one, user_id say
// which. An empty secret keeps the stored one, as long as the access key stays the same. What AWS said of another key
// before (account, ARN) is forgotten. Errors: Code::invalid with the attribute as JSON pointer; Code::conflict (reason
// "serial_taken") where the device is another person's.
Result<domain::AwsIdentity> put_identity(domain::Tables& tables, domain::AwsIdentity wish, const domain::Actor& actor,
                                         RandomSource& random, TimePoint now);
void erase_identity(domain::Tables& tables, const domain::AwsIdentity& identity, const domain::Actor& actor,
                    TimePoint now);

// The person's own device for the key of the organization; replaces the one before. Errors as above.
Result<domain::IdentityDevice> put_device(domain::Tables& tables, const domain::AwsIdentity& identity,
                                          std::string_view user_id, std::string_view serial, const domain::Actor& actor,
                                          RandomSource& random, TimePoint now);
void erase_device(domain::Tables& tables, const domain::IdentityDevice& device, const domain::Actor& actor,
                  TimePoint now);

// Errors: Code::invalid with the attribute as JSON pointer: an account that has not 12 digits, a role that is none.
Result<void> put_gate_settings(domain::Tables& tables, const domain::GateSettings& settings, const domain::Actor& actor,
                               TimePoint now);
// Level, deadlines and limits stand in the organization itself. Errors: Code::invalid: a time outside its bounds
// (deadlines 1 minute to 30 days, limits 1 minute to 24 hours).
Result<void> put_gate_level(domain::Tables& tables, const domain::Organization& organization,
                            const domain::Actor& actor, TimePoint now);

// What all owners are told about it: beside the audit, for people. Written where nobody may be looking, so it is read
// later.
struct OwnersNotice {
  std::string organization_id;
  std::string kind;      // machine-readable, "aws_mfa.level"
  std::string actor;     // user name; may be empty
  std::string sentence;  // whole
};
void tell_owners(domain::Tables& tables, const OwnersNotice& told, RandomSource& random, TimePoint now);
// The subject of such a sentence: "ana", "A token", "root, on the server's host,".
std::string who(const domain::Actor& actor);
// "raised the level of AWS MFA from never to applies-only: ..."
std::string level_change(domain::MfaLevel from, domain::MfaLevel to);

}  // namespace tollgate::runs
