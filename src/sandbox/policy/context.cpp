#include "sandbox/policy/context.h"

#include "sandbox/policy/ascii.h"

namespace tollgate::policy {

void Context::set(std::string_view key, std::vector<std::string> values) {
  values_.insert_or_assign(to_lower(key), std::move(values));
}

void Context::set_default(std::string_view key, std::string value) {
  values_.try_emplace(to_lower(key), std::vector<std::string>{std::move(value)});
}

void Context::remove(std::string_view key) {
  values_.erase(to_lower(key));
}

const std::vector<std::string>* Context::find(std::string_view key) const {
  const auto found = values_.find(to_lower(key));
  return found == values_.end() ? nullptr : &found->second;
}

}  // namespace tollgate::policy
