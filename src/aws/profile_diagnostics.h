// What is likely wrong in a set of profiles, for `tollgate doctor`: looks at every profile, asks no network. Pure
// functions; safe from any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "aws/diagnostic.h"
#include "aws/file_locations.h"
#include "aws/profile_chain.h"
#include "aws/profile_files.h"

namespace tollgate::aws {

// All remarks on `set`: those of reading first, then those on the environment, then by profile in order of appearance.
// No message holds a secret.
std::vector<Diagnostic> diagnose(const ProfileSet& set, const Environment& environment,
                                 const HasVaultKeys& has_vault_keys = {});

enum class MfaSerialForm : std::uint8_t {
  virtual_device,   // arn:aws*:iam::ACCOUNT:mfa/PATH/NAME
  hardware_serial,  // GAHT12345678: letters and digits, at least 9
  user_arn,         // arn:aws:iam::ACCOUNT:user/NAME, a frequent mistake
  security_key,     // arn:aws:iam::ACCOUNT:u2f/...: shows no codes, so it is of no use to the API
  invalid,
};
// Form only. STS SerialNumber: 9 to 256 characters of [\w+=/:,.@-].
MfaSerialForm mfa_serial_form(std::string_view serial);

}  // namespace tollgate::aws
