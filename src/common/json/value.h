// A JSON value, and strict reading and writing of JSON text (Boost.JSON underneath, which no other folder includes).
// Objects keep the order in which keys were added; reading refuses duplicate keys. Not a schema language: typed access
// goes through Reader below, whose errors carry a JSON pointer (RFC 6901). Plain values; not synchronised.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/error.h"

namespace tollgate::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Object = std::vector<Member>;

class Value {
 public:
  Value() = default;  // null
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}
  Value(std::int64_t value) : data_(value) {}
  Value(std::uint64_t value) = delete;  // JSON readers lose integers above 2^53; write such as text
  Value(double value) : data_(value) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(Array items) : data_(std::move(items)) {}
  Value(Object members) : data_(std::move(members)) {}
  static Value object(std::initializer_list<Member> members = {}) { return Value(Object(members)); }
  static Value array(std::initializer_list<Value> items = {}) { return Value(Array(items)); }

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  const bool* if_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* if_integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* if_double() const { return std::get_if<double>(&data_); }
  const std::string* if_string() const { return std::get_if<std::string>(&data_); }
  const Array* if_array() const { return std::get_if<Array>(&data_); }
  Array* if_array() { return std::get_if<Array>(&data_); }
  const Object* if_object() const { return std::get_if<Object>(&data_); }
  Object* if_object() { return std::get_if<Object>(&data_); }

  // The member of that name, or nullptr (also when this is no object).
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  // Adds or replaces a member; a null value becomes an object first.
  Value& set(std::string key, Value value);
  // Appends to an array; a null value becomes an array first.
  Value& push(Value value);

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

// RFC 8259, UTF-8, no comments, no trailing text; at most 100 levels deep. Errors: Code::invalid with the byte offset.
Result<Value> parse(std::string_view text);
// One line, no blanks. Text that is not UTF-8 is written with U+FFFD in place of the bad bytes.
std::string to_text(const Value& value);
// Indented by two blanks, with a final newline, for people.
std::string to_pretty_text(const Value& value);

// Typed reading with errors that say where: `Reader(document).member("data").text("id")`.
class Reader {
 public:
  explicit Reader(const Value& value, std::string pointer = "") : value_(&value), pointer_(std::move(pointer)) {}

  const Value& value() const { return *value_; }
  const std::string& pointer() const { return pointer_; }

  // Errors of all readers: Code::invalid, place = JSON pointer.
  Result<Reader> member(std::string_view key) const;           // must exist
  Result<Reader> optional_member(std::string_view key) const;  // null where it is missing
  Result<std::string> text(std::string_view key) const;
  Result<std::int64_t> integer(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<std::optional<std::string>> optional_text(std::string_view key) const;  // missing or null = nullopt
  Result<std::optional<std::int64_t>> optional_integer(std::string_view key) const;
  Result<std::optional<bool>> optional_boolean(std::string_view key) const;
  Result<std::vector<Reader>> items() const;                            // this must be an array
  Result<std::vector<std::pair<std::string, Reader>>> members() const;  // this must be an object
  Error error(std::string_view message) const;

 private:
  const Value* value_;
  std::string pointer_;
};

}  // namespace tollgate::json
