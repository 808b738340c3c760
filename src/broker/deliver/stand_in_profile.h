// The name under which AWS_PROFILE gives the profile to Terraform code that names `shared_credentials_files` in its AWS
// provider. Up to version 5 that provider also starts its older SDK, which reads nothing but the named files and looks
// for AWS_PROFILE in them, whatever the provider's own profile is: where it finds a role there whose keys lie in
// another file, the plan ends with "failed to load assume role for ..., source profile ... has no shared credentials".
// A name that stands only in the overlay is none of its business, and every newer SDK finds it there. Pure functions,
// but for the look into folders.
#pragma once

#include <string>
#include <string_view>

#include "aws/file_locations.h"
#include "aws/profile_files.h"

namespace tollgate::deliver {

// "prod.tollgate"
std::string stand_in_name(std::string_view profile);

// Whether code in `directory`, or below it (modules, units, a folder that a script changes to), makes it necessary for
// this profile: then its stand-in, else empty. Never for a profile without a role, and not where the user has a profile
// of that name.
std::string stand_in_for(const aws::ProfileSet& profiles, std::string_view profile, const std::string& directory);

// The environment with AWS_PROFILE as the user means it: the real name where it is a stand-in that we set.
aws::Environment without_stand_in(aws::Environment environment);

}  // namespace tollgate::deliver
