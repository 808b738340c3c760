// The names of settings: which are secret, and which are slips of the pen. Pure functions; safe from any thread.
#pragma once

#include <string_view>

namespace tollgate::aws {

// aws_secret_access_key, aws_session_token, and whatever else looks as if it held a secret, misspelt names included:
// a value under such a name is never shown or copied. Takes lower case.
bool is_secret_setting(std::string_view key);

// The known setting that was probably meant by one that no client reads: mfa-serial, sourceprofile, role_arm. Empty if
// the setting is known or resembles none.
std::string_view setting_meant_by(std::string_view key);

}  // namespace tollgate::aws
