// The schemas of providers, which stock clients need to draw a plan and which are slow to ask for (seconds and hundreds
// of megabytes for large providers). Kept per provider and set of checksums, one schema of a type on one line, so that
// the few of a plan are found without parsing the rest. What is kept must come from a directory in which nothing of a
// user's ran. Files are published by rename: any number of runners may use one directory.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/json/value.h"
#include "runner/plan_document.h"

namespace tollgate::runner {

// What .terraform.lock.hcl says of one provider.
struct LockedProvider {
  std::string address;  // registry.terraform.io/hashicorp/aws
  std::string version;
  std::vector<std::string> hashes;
};

// Only the form that terraform itself writes; what looks otherwise is left out.
std::vector<LockedProvider> read_lock_file(std::string_view text);

// A lock file of just these; those that are built in stand in none. Empty where none is left.
std::string lock_file_of(const std::vector<LockedProvider>& providers);

// The configuration that needs just these providers, for asking in a clean directory.
std::string schema_configuration(const std::vector<LockedProvider>& providers);

// One entry of provider_schemas, cut to the types used.
json::Value cut_schema(const json::Value& provider_schema, const UsedTypes& used);

// Schemas without attributes in place of what is missing: stock clients break off at a type without one, and show a
// resource without its attributes at one that has none.
void fill_with_empty(json::Value& schemas, const std::map<std::string, UsedTypes>& used);

class SchemaCache {
 public:
  // An empty directory name: nothing is kept.
  explicit SchemaCache(std::string directory) : directory_(std::move(directory)) {}
  // `terraform` (its version) speaks for providers that are built in.
  std::optional<json::Value> find(const LockedProvider& provider, std::string_view terraform,
                                  const UsedTypes& used) const;
  // Whether it could be kept does not matter to the caller.
  void keep(const LockedProvider& provider, std::string_view terraform, const json::Value& provider_schema) const;

 private:
  static std::string name_of(const LockedProvider& provider, std::string_view terraform);
  std::string directory_;
};

}  // namespace tollgate::runner
