// The environment that a program gets from tollgate: with the overlay (it asks tollgate for credentials and renews
// them), or with static session keys. Whatever could win over what we hand on is taken out. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "aws/file_locations.h"
#include "broker/deliver/overlay.h"
#include "common/os/environment.h"

namespace tollgate::deliver {

// How such wishes travel: the first in seconds, the second by being there.
inline constexpr std::string_view kRoleDurationVariable = "TOLLGATE_EXEC_DURATION";
inline constexpr std::string_view kNoSessionVariable = "TOLLGATE_EXEC_NO_SESSION";

// What a person asked for with the profile that a program runs with.
struct ProfileWishes {
  std::optional<std::chrono::seconds> role_duration;
  bool use_session = true;
};

struct ChildProfile {
  std::string name;
  std::string region;             // empty: leave the region variables as they are
  aws::FileLocations real_files;  // travel along, so that the broker inside never reads its own overlay
  std::string stand_in = {};      // what AWS_PROFILE says instead of the name (stand_in_profile.h); empty: the name
  ProfileWishes wishes = {};
};

// AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_SDK_LOAD_CONFIG, AWS_PROFILE, AWS_VAULT, TOLLGATE_PROFILE, regions.
os::Environment overlay_environment(const os::Environment& parent, const ChildProfile& profile, const Overlay& overlay);

// The wishes that travel in such an environment, where they were meant for `profile`: whoever asks on behalf of the
// program gets what `exec` got, and not another session for another code.
ProfileWishes wishes_for(const os::Environment& environment, std::string_view profile);

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION; AWS_PROFILE is absent,
// because Terraform would still load that profile and fail.
os::Environment static_environment(const os::Environment& parent, const ChildProfile& profile,
                                   const aws::Credentials& credentials);

// The parent's environment without every variable that chooses or carries AWS credentials.
os::Environment without_credentials(const os::Environment& parent);

// The variables that without_credentials takes out and that are set in `parent`: for `doctor` and `env --unset`.
std::vector<std::string> credential_variables(const os::Environment& parent);

}  // namespace tollgate::deliver
