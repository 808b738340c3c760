// Request bodies of the AWS Query protocol (STS, IAM): application/x-www-form-urlencoded parameters in order. Not the
// answers, which are XML (xml.h), and not the EC2 dialect. Plain values; not synchronised.
//
// A body may carry a one-time code: whoever builds one wipes the text after sending.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::aws {

class QueryParameters {
 public:
  QueryParameters() = default;
  QueryParameters(std::string_view action, std::string_view version);

  QueryParameters& add(std::string_view name, std::string_view value);
  QueryParameters& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }
  QueryParameters& add(std::string_view name, std::int64_t value);
  QueryParameters& add(std::string_view name, bool value);
  QueryParameters& add(std::string_view name, TimePoint value);  // ISO 8601, UTC
  // name.member.1, name.member.2, ...; an empty list becomes "name=" as botocore writes it.
  QueryParameters& add_list(std::string_view name, const std::vector<std::string>& items);
  // A list of structures: each item's parameters under name.member.N.
  QueryParameters& add_list(std::string_view name, const std::vector<QueryParameters>& items);
  QueryParameters& add_structure(std::string_view name, const QueryParameters& fields);

  // nullptr if absent; the first one where a name repeats.
  const std::string* find(std::string_view name) const;
  // The items of name.member.N in the order of N, which must count from 1 without a gap; items beyond a gap are left
  // out.
  std::vector<std::string> list(std::string_view name) const;
  std::vector<QueryParameters> structures(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return parameters_; }

  std::string encode() const;
  void wipe() noexcept;  // overwrites the values

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

// A body taken apart again. Errors: Code::invalid for a malformed escape or more than kMaxQueryParameters parameters.
inline constexpr std::size_t kMaxQueryParameters = 4096;
Result<QueryParameters> parse_query(std::string_view body);

}  // namespace tollgate::aws
