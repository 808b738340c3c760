// Checks parameters against the constraints of AWS's service models and words what is wrong as AWS's front end does:
// all faults of a request in one ValidationError. Pure; not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/call.h"

namespace tollgate::sandbox {

class Constraints {
 public:
  explicit Constraints(const Call& call) : call_(call) {}

  // `name` is the parameter (RoleArn), `member` its name in messages (roleArn).
  Constraints& required(std::string_view name, std::string_view member);
  // Length in characters (UTF-8); a parameter that was not sent is fine.
  Constraints& length(std::string_view name, std::string_view member, std::size_t least, std::size_t most);
  // Every character is a letter, a digit, an underscore or one of `others`; `pattern` is what the message shows.
  Constraints& characters(std::string_view name, std::string_view member, std::string_view others,
                          std::string_view pattern);
  Constraints& digits(std::string_view name, std::string_view member);
  // A whole number within the limits; `fallback` where it was not sent.
  std::int64_t integer(std::string_view name, std::string_view member, std::int64_t least, std::int64_t most,
                       std::int64_t fallback);

  // The ValidationError, if anything was wrong.
  std::optional<Answer> fault() const;

 private:
  void add(std::string_view value, std::string_view member, std::string constraint);
  const Call& call_;
  std::vector<std::string> faults_;
  std::vector<std::string> members_;  // the same without values
  std::optional<Answer> malformed_;
};

}  // namespace tollgate::sandbox
