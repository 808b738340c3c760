// The private AWS configuration that a child process gets instead of the user's own: every profile with credentials
// becomes a credential_process line that calls tollgate, everything else is kept. It never holds a secret. Write-once:
// the file is named by the hash of its content, so runs side by side share it and none is changed under a reader.
// Functions may be called from any thread or process at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/profile_files.h"
#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::deliver {

// What the child's AWS_CONFIG_FILE says. `program` is the absolute path of tollgate; `stored` names the profiles whose
// keys tollgate's vault holds, which no file need mention. `stand_in` is a second name for the profile
// `stand_in_profile` (stand_in_profile.h); empty: none. With `stand_in_role` that name is this role, assumed with the
// credentials of the profile.
//
// The credential_process value follows what every client reads alike (facts: Go strips a pair of quotes around a whole
// value and cuts at blank-#; botocore splits like a shell, without one): it never begins and ends with a quote and has
// no #, ; or backslash. Errors: Code::config where `program` cannot be written that way.
Result<std::string> overlay_text(const aws::ProfileSet& profiles, std::string_view program,
                                 const std::vector<std::string>& stored = {}, std::string_view stand_in = {},
                                 std::string_view stand_in_profile = {}, std::string_view stand_in_role = {});
// "PROGRAM credential-process --profile NAME", under the same rules.
Result<std::string> credential_process_value(std::string_view program, std::string_view profile);

struct Overlay {
  std::string config_file;       // mode 0400
  std::string credentials_file;  // mode 0400, empty: static keys of the same name would win over credential_process
};

// Writes the overlay below `directory` (created 0700 where it is missing) and removes those not used for seven days.
Result<Overlay> write_overlay(const std::string& directory, std::string_view text, TimePoint now);

// "prod.role-1a2b3c4d": the name under which a program finds a role that no profile describes. The same for the same
// role.
std::string role_profile_name(std::string_view profile, std::string_view role_arn);

// The name as credential-process takes it: "--profile NAME", or "--profile-b64 ..." for names outside
// [A-Za-z0-9._@+-].
std::string profile_argument(std::string_view profile);

}  // namespace tollgate::deliver
