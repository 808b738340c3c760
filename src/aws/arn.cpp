#include "aws/arn.h"

#include <algorithm>
#include <array>

namespace tollgate::aws {

std::optional<Arn> parse_arn(std::string_view text) {
  std::array<std::string_view, 5> fields;
  for (std::string_view& field : fields) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    field = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (fields[0] != "arn" || fields[1].empty() || fields[2].empty() || text.empty()) return std::nullopt;
  return Arn{fields[1], fields[2], fields[3], fields[4], text};
}

bool is_account_id(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_role_arn(std::string_view text) {
  constexpr std::string_view kPrefix = "role/";
  const std::optional<Arn> arn = parse_arn(text);
  return arn && arn->service == "iam" && arn->region.empty() && is_account_id(arn->account) &&
         arn->resource.starts_with(kPrefix) && arn->resource.size() > kPrefix.size() && !arn->resource.ends_with('/');
}

}  // namespace tollgate::aws
