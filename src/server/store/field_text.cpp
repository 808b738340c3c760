#include "server/store/field_text.h"

#include "common/json/value.h"

namespace tollgate::store {

namespace {

json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  if (!value) throw_unknown_text("a list");
  return std::move(*value);
}

// The number of bytes of the UTF-8 sequence at the start of `text` (RFC 3629: shortest form, no surrogates); 0: none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

void throw_unknown_text(std::string_view what) {
  throw DatabaseError(DatabaseError::Kind::tampered,
                      fmt::format("the database holds {} that this program never wrote", what));
}

void read_enum(std::string_view text, domain::RunStatus& value) {
  const auto parsed_status = domain::parse_run_status(text);
  if (!parsed_status) throw_unknown_text("a run status");
  value = *parsed_status;
}

void read_enum(std::string_view text, domain::PhaseStatus& value) {
  const auto parsed_status = domain::parse_phase_status(text);
  if (!parsed_status) throw_unknown_text("a phase status");
  value = *parsed_status;
}

std::string list_text(const std::vector<std::string>& list) {
  json::Array items;
  for (const std::string& item : list)
    items.emplace_back(item);
  return json::to_text(json::Value(std::move(items)));
}

void read_list(std::string_view text, std::vector<std::string>& list) {
  list.clear();
  const json::Value value = parsed(text);
  const json::Array* items = value.if_array();
  if (!items) throw_unknown_text("a list");
  for (const json::Value& item : *items) {
    if (!item.is_string()) throw_unknown_text("a list");
    list.push_back(*item.if_string());
  }
}

std::string list_text(const std::vector<domain::RunVariable>& list) {
  json::Array items;
  for (const domain::RunVariable& variable : list) {
    items.push_back(json::Value::object({{"key", variable.key}, {"value", variable.value}}));
  }
  return json::to_text(json::Value(std::move(items)));
}

void read_list(std::string_view text, std::vector<domain::RunVariable>& list) {
  list.clear();
  const json::Value value = parsed(text);
  const json::Array* items = value.if_array();
  if (!items) throw_unknown_text("a list");
  for (const json::Value& item : *items) {
    const auto key = json::Reader(item).text("key");
    const auto held = json::Reader(item).text("value");
    if (!key || !held) throw_unknown_text("a list");
    list.push_back({*key, *held});
  }
}

std::string list_text(const std::map<std::string, TimePoint>& list) {
  json::Value value = json::Value::object();
  for (const auto& [name, time] : list)
    value.set(name, milliseconds(time));
  return json::to_text(value);
}

void read_list(std::string_view text, std::map<std::string, TimePoint>& list) {
  list.clear();
  const json::Value value = parsed(text);
  const json::Object* members = value.if_object();
  if (!members) throw_unknown_text("a list");
  for (const auto& [name, time] : *members) {
    if (!time.if_integer()) throw_unknown_text("a time");
    list[name] = from_milliseconds(*time.if_integer());
  }
}

std::int64_t milliseconds(TimePoint time) {
  return time.time_since_epoch().count();
}

TimePoint from_milliseconds(std::int64_t count) {
  return TimePoint(Duration(count));
}

bool storable_text(std::string_view text) {
  while (!text.empty()) {
    if (text.front() == '\0') return false;
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace tollgate::store
