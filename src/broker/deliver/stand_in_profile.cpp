#include "broker/deliver/stand_in_profile.h"

#include "broker/deliver/hcl_scan.h"

namespace tollgate::deliver {

std::string stand_in_name(std::string_view profile) {
  return std::string(profile) + ".tollgate";
}

std::string stand_in_for(const aws::ProfileSet& profiles, std::string_view profile, const std::string& directory) {
  const aws::Profile* const found = profiles.find(profile);
  std::string name = stand_in_name(profile);
  if (found == nullptr || found->find("role_arn") == nullptr || profiles.find(name) != nullptr) return {};
  const bool needed = any_hcl_remark(directory, [](const HclRemark& remark) {
    return remark.kind == HclRemark::Kind::named_files && remark.block == "provider \"aws\"" &&
           remark.attribute.starts_with("shared_credentials_file");
  });
  return needed ? name : std::string();
}

aws::Environment without_stand_in(aws::Environment environment) {
  return [environment = std::move(environment)](std::string_view name) -> std::optional<std::string> {
    auto value = environment(name);
    if (name != "AWS_PROFILE" || !value) return value;
    const auto inside = environment("TOLLGATE_PROFILE");
    if (inside && *value == stand_in_name(*inside)) return inside;
    return value;
  };
}

}  // namespace tollgate::deliver
