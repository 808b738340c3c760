// Amazon Resource Names: arn:partition:service:region:account:resource. Form only, nothing is looked up. Views into the
// text that was parsed. Pure functions; safe from any thread.
#pragma once

#include <optional>
#include <string_view>

namespace tollgate::aws {

struct Arn {
  std::string_view partition;
  std::string_view service;
  std::string_view region;   // may be empty
  std::string_view account;  // may be empty
  std::string_view resource;
};

// nullopt if it has not all six fields, or not "arn" in front. The partition may be one that is not known.
std::optional<Arn> parse_arn(std::string_view text);
// Twelve digits.
bool is_account_id(std::string_view text);
// arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME
bool is_role_arn(std::string_view text);

}  // namespace tollgate::aws
