#include "common/os/environment.h"

#include <unistd.h>

#include <cstring>

namespace tollgate::os {

const std::string* Environment::find(std::string_view name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? nullptr : &found->second;
}

std::optional<std::string> Environment::get(std::string_view name) const {
  const std::string* value = find(name);
  return value ? std::optional(*value) : std::nullopt;
}

std::string Environment::get_or(std::string_view name, std::string_view fallback) const {
  const std::string* value = find(name);
  return value && !value->empty() ? *value : std::string(fallback);
}

Environment& Environment::set(std::string_view name, std::string_view value) {
  const auto found = variables_.find(name);
  if (found != variables_.end()) {
    found->second = value;
  } else {
    variables_.emplace(name, value);
  }
  return *this;
}

Environment& Environment::unset(std::string_view name) {
  const auto found = variables_.find(name);
  if (found != variables_.end()) variables_.erase(found);
  return *this;
}

Environment Environment::with(std::string_view name, std::string_view value) const {
  Environment copy = *this;
  copy.set(name, value);
  return copy;
}

Environment Environment::without(std::string_view name) const {
  Environment copy = *this;
  copy.unset(name);
  return copy;
}

EnvironmentBlock::EnvironmentBlock(const Environment& environment) {
  entries_.reserve(environment.variables().size());
  for (const auto& [name, value] : environment.variables())
    entries_.push_back(name + "=" + value);
  pointers_.reserve(entries_.size() + 1);
  for (std::string& entry : entries_)
    pointers_.push_back(entry.data());
  pointers_.push_back(nullptr);
}

Environment current_environment() {
  Environment::Variables variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    // A name may not be empty; a leading "=" is then part of nothing.
    char* equals = std::strchr(*entry, '=');
    if (!equals || equals == *entry) continue;
    variables.emplace(std::string(*entry, equals), std::string(equals + 1));
  }
  return Environment(std::move(variables));
}

}  // namespace tollgate::os
