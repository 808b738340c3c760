// The environment of a process as a value: built from ours once, changed, and handed to a child. Not a view of
// `environ`, which is never written. Names are unique; where the block given to us repeats a name the first wins, as
// getenv(3) has it. Plain value; not synchronised.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::os {

class Environment {
 public:
  using Variables = std::map<std::string, std::string, std::less<>>;

  Environment() = default;
  explicit Environment(Variables variables) : variables_(std::move(variables)) {}

  // nullptr where the variable is not set. An empty value is set.
  const std::string* find(std::string_view name) const;
  std::optional<std::string> get(std::string_view name) const;
  // The value, or `fallback` where the variable is not set or empty.
  std::string get_or(std::string_view name, std::string_view fallback) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }

  Environment& set(std::string_view name, std::string_view value);
  Environment& unset(std::string_view name);
  Environment with(std::string_view name, std::string_view value) const;
  Environment without(std::string_view name) const;

  const Variables& variables() const { return variables_; }
  friend bool operator==(const Environment&, const Environment&) = default;

 private:
  Variables variables_;
};

// A block for execve(2), which lives as long as this does.
class EnvironmentBlock {
 public:
  explicit EnvironmentBlock(const Environment& environment);
  char* const* data() const { return pointers_.data(); }

 private:
  std::vector<std::string> entries_;
  std::vector<char*> pointers_;
};

// A copy of `environ`. Entries without "=" are left out.
Environment current_environment();

}  // namespace tollgate::os
