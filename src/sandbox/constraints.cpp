#include "sandbox/constraints.h"

#include <algorithm>
#include <charconv>

namespace tollgate::sandbox {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

std::size_t characters_in(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

void Constraints::add(std::string_view value, std::string_view member, std::string constraint) {
  faults_.push_back(fmt::format("Value '{}' at '{}' failed to satisfy constraint: {}", value, member, constraint));
  members_.push_back(fmt::format("{}: {}", member, constraint));
}

Constraints& Constraints::required(std::string_view name, std::string_view member) {
  if (call_.find(name) == nullptr) {
    faults_.push_back(fmt::format("Value null at '{}' failed to satisfy constraint: Member must not be null", member));
    members_.push_back(fmt::format("{} is missing", member));
  }
  return *this;
}

Constraints& Constraints::length(std::string_view name, std::string_view member, std::size_t least, std::size_t most) {
  const std::string* value = call_.find(name);
  if (value == nullptr) return *this;
  const std::size_t count = characters_in(*value);
  if (count < least) add(*value, member, fmt::format("Member must have length greater than or equal to {}", least));
  if (count > most) add(*value, member, fmt::format("Member must have length less than or equal to {}", most));
  return *this;
}

Constraints& Constraints::characters(std::string_view name, std::string_view member, std::string_view others,
                                     std::string_view pattern) {
  const std::string* value = call_.find(name);
  if (value == nullptr) return *this;
  const auto fits = [&](char c) { return is_word(c) || others.find(c) != others.npos; };
  if (!std::all_of(value->begin(), value->end(), fits)) {
    add(*value, member, fmt::format("Member must satisfy regular expression pattern: {}", pattern));
  }
  return *this;
}

Constraints& Constraints::digits(std::string_view name, std::string_view member) {
  const std::string* value = call_.find(name);
  if (value != nullptr && !std::all_of(value->begin(), value->end(), is_digit)) {
    add(*value, member, "Member must satisfy regular expression pattern: [\\d]*");
  }
  return *this;
}

std::int64_t Constraints::integer(std::string_view name, std::string_view member, std::int64_t least, std::int64_t most,
                                  std::int64_t fallback) {
  const std::string* text = call_.find(name);
  if (text == nullptr) return fallback;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) {
    malformed_ = refuse(400, "MalformedInput", fmt::format("{} must be a whole number", name));
    return fallback;
  }
  if (value < least) add(*text, member, fmt::format("Member must have value greater than or equal to {}", least));
  if (value > most) add(*text, member, fmt::format("Member must have value less than or equal to {}", most));
  return value;
}

std::optional<Answer> Constraints::fault() const {
  if (malformed_) return malformed_;
  if (faults_.empty()) return std::nullopt;
  Answer answer = validation_error(fmt::format("{} validation error{} detected: {}", faults_.size(),
                                               faults_.size() == 1 ? "" : "s", fmt::join(faults_, "; ")));
  // The log never shows values: one of them may be a one-time code.
  answer.reason = fmt::format("{}", fmt::join(members_, ", "));
  return answer;
}

}  // namespace tollgate::sandbox
