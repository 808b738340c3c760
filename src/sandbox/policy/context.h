// The condition keys of one request and their values. Keys are compared without regard to case (IAM User Guide,
// "IAM JSON policy elements: Condition"). A key may have several values; a key that is absent is something else than a
// key with the value "". A plain value; not synchronised.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::policy {

class Context {
 public:
  // Sets, replacing what was there.
  void set(std::string_view key, std::string value) { set(key, std::vector<std::string>{std::move(value)}); }
  void set(std::string_view key, std::vector<std::string> values);
  // Sets only a key that is absent.
  void set_default(std::string_view key, std::string value);
  void remove(std::string_view key);
  // The values of that key; nullptr if it is absent.
  const std::vector<std::string>* find(std::string_view key) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;  // by lower-case key
};

}  // namespace tollgate::policy
