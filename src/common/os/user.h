// Who runs this program, without the name service switch (getpwuid does not work in a static program): /etc/passwd is
// read directly, the environment stands in for users who are not in it. May be called from any thread.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/os/environment.h"

namespace tollgate::os {

// HOME where it is an absolute path, else the passwd entry. Code::config where neither is there.
Result<std::string> home_directory(const Environment& environment);
// The passwd entry's name, else LOGNAME, else USER, else the number.
std::string user_name(const Environment& environment);

}  // namespace tollgate::os
