#include "sandbox/call.h"

namespace tollgate::sandbox {

const std::string* Call::find(std::string_view name) const {
  const auto found = parameters.find(std::string(name));
  return found == parameters.end() ? nullptr : &found->second;
}

std::string_view Call::text(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

std::vector<std::string> Call::list(std::string_view name) const {
  std::vector<std::string> items;
  while (const std::string* item = find(fmt::format("{}.member.{}", name, items.size() + 1)))
    items.push_back(*item);
  return items;
}

Answer succeed(std::string result) {
  Answer answer;
  answer.result = std::move(result);
  return answer;
}

Answer refuse(int status, std::string_view code, std::string message) {
  Answer answer;
  answer.status = status;
  answer.code = code;
  answer.message = std::move(message);
  answer.reason = answer.message;
  return answer;
}

Answer access_denied(std::string message) {
  return refuse(403, "AccessDenied", std::move(message));
}
Answer validation_error(std::string message) {
  return refuse(400, "ValidationError", std::move(message));
}
Answer no_such_entity(std::string message) {
  return refuse(404, "NoSuchEntity", std::move(message));
}

Answer missing_parameter(std::string_view member_name) {
  return validation_error(fmt::format(
      "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
      member_name));
}

}  // namespace tollgate::sandbox
