#include "server/domain/ids.h"

#include <algorithm>

namespace tollgate::domain {

namespace {

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool valid_name(std::string_view name, std::size_t least, std::size_t most) {
  return name.size() >= least && name.size() <= most && std::all_of(name.begin(), name.end(), name_character);
}

}  // namespace

std::string new_id(std::string_view prefix, RandomSource& random) {
  return std::string(prefix) + random_alphanumeric(random, 16);
}

bool valid_workspace_name(std::string_view name) {
  return valid_name(name, 1, 90);
}

bool valid_organization_name(std::string_view name) {
  return valid_name(name, 3, 40);
}

}  // namespace tollgate::domain
