// What `terraform show -json` of a plan means to the server: counts, and the document from which stock clients draw a
// plan ("json-output-redacted"): the changes without their sensitive values, and the schemas of the types that occur in
// them. Pure functions on documents that hostile code may have had a hand in: whatever has an unexpected form is left
// out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "common/base/error.h"
#include "common/json/value.h"

namespace tollgate::runner {

struct PlanCounts {
  std::int64_t additions = 0;
  std::int64_t changes = 0;
  std::int64_t destructions = 0;
  std::int64_t imports = 0;
  bool generated_configuration = false;

  friend bool operator==(const PlanCounts&, const PlanCounts&) = default;
};

// As terraform's own summary counts: managed resources only, a replacement is one addition and one destruction.
PlanCounts count_changes(const json::Value& plan);

// Kind of schema ("resource_schemas", "data_source_schemas", "ephemeral_resource_schemas") and type.
using UsedTypes = std::map<std::string, std::set<std::string>>;
// By provider address, as in "registry.terraform.io/hashicorp/aws".
std::map<std::string, UsedTypes> used_types(const json::Value& plan);

// `schemas`: what stands under provider_schemas; null leaves them out. `show` is applied to every text that is kept.
// Where a sensitive value changes, something of its kind that changes takes its place, because clients would not show
// the change otherwise.
json::Value redacted_plan(const json::Value& plan, json::Value schemas,
                          const std::function<std::string(const std::string&)>& show);

}  // namespace tollgate::runner
