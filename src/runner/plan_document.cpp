#include "runner/plan_document.h"

#include <algorithm>
#include <array>

namespace tollgate::runner {
namespace {

using json::Array;
using json::Object;
using json::Value;

bool has_action(const Value& change, std::string_view action) {
  const Value* actions = change.find("actions");
  const Array* items = actions ? actions->if_array() : nullptr;
  return items && std::any_of(items->begin(), items->end(), [&](const Value& item) {
           const std::string* text = item.if_string();
           return text && *text == action;
         });
}

bool is_text(const Value& parent, std::string_view key, std::string_view wanted) {
  const Value* value = parent.find(key);
  const std::string* text = value ? value->if_string() : nullptr;
  return text && *text == wanted;
}

bool is_true(const Value* value) {
  const bool* flag = value ? value->if_bool() : nullptr;
  return flag && *flag;
}

const Array& items_of(const Value& parent, std::string_view key) {
  static const Array kNone;
  const Value* list = parent.find(key);
  const Array* items = list ? list->if_array() : nullptr;
  return items ? *items : kNone;
}

// Of the same kind as `value`, and one of two different ones: the first stands for a value before a change.
Value stand_in(const Value& value, bool second) {
  if (value.is_null()) return {};
  if (value.if_bool()) return second;
  if (value.if_integer() || value.if_double()) return second ? 1 : 0;
  if (value.is_string()) return second ? "(sensitive, changed)" : "(sensitive)";
  if (value.is_array()) return second ? Value::array({Value()}) : Value::array();
  return second ? Value::object({{"(sensitive)", Value()}}) : Value::object();
}

// `value` without what `marks` (true, or an object or array of marks) calls sensitive. `other` is the value on the
// other side of the change, or nullptr.
Value without_sensitive(const Value& value, const Value* marks, const Value* other, bool after) {
  if (!marks) return value;
  if (is_true(marks)) return stand_in(value, after && other && *other != value);
  if (const Object* members = value.if_object()) {
    Object kept;
    kept.reserve(members->size());
    for (const auto& [key, member] : *members) {
      kept.emplace_back(key, without_sensitive(member, marks->find(key), other ? other->find(key) : nullptr, after));
    }
    return Value(std::move(kept));
  }
  const Array* items = value.if_array();
  const Array* item_marks = marks->if_array();
  if (!items || !item_marks) return value;
  const Array* others = other ? other->if_array() : nullptr;
  Array kept;
  kept.reserve(items->size());
  for (std::size_t at = 0; at < items->size(); ++at) {
    kept.push_back(without_sensitive((*items)[at], at < item_marks->size() ? &(*item_marks)[at] : nullptr,
                                     others && at < others->size() ? &(*others)[at] : nullptr, after));
  }
  return Value(std::move(kept));
}

Value redacted_change(const Value& change) {
  const Object* members = change.if_object();
  if (!members) return {};
  const Value* before = change.find("before");
  const Value* after = change.find("after");
  Object kept;
  kept.reserve(members->size());
  for (const auto& [key, value] : *members) {
    if (key == "before") {
      kept.emplace_back(key, without_sensitive(value, change.find("before_sensitive"), after, false));
    } else if (key == "after") {
      kept.emplace_back(key, without_sensitive(value, change.find("after_sensitive"), before, true));
    } else {
      kept.emplace_back(key, value);
    }
  }
  return Value(std::move(kept));
}

Value redacted_resource(const Value& resource) {
  Value kept = resource;
  if (const Value* change = resource.find("change")) kept.set("change", redacted_change(*change));
  return kept;
}

Value redacted_resources(const Value& plan, std::string_view key) {
  Array kept;
  for (const Value& resource : items_of(plan, key))
    kept.push_back(redacted_resource(resource));
  return Value(std::move(kept));
}

Value redacted_deferred(const Value& plan) {
  Array kept;
  for (const Value& deferred : items_of(plan, "deferred_changes")) {
    Value entry = deferred;
    if (const Value* resource = deferred.find("resource_change")) {
      entry.set("resource_change", redacted_resource(*resource));
    }
    kept.push_back(std::move(entry));
  }
  return Value(std::move(kept));
}

Value redacted_outputs(const Value& plan) {
  Object kept;
  const Value* outputs = plan.find("output_changes");
  if (outputs && outputs->if_object()) {
    for (const auto& [name, change] : *outputs->if_object())
      kept.emplace_back(name, redacted_change(change));
  }
  return Value(std::move(kept));
}

void show_texts(Value& value, const std::function<std::string(const std::string&)>& show) {
  if (const std::string* text = value.if_string()) {
    value = Value(show(*text));
  } else if (Array* items = value.if_array()) {
    for (Value& item : *items)
      show_texts(item, show);
  } else if (Object* members = value.if_object()) {
    for (auto& [key, member] : *members) {
      key = show(key);
      show_texts(member, show);
    }
  }
}

void collect_type(const Value& resource, std::map<std::string, UsedTypes>& found) {
  const Value* provider = resource.find("provider_name");
  const Value* type = resource.find("type");
  if (!provider || !provider->if_string() || !type || !type->if_string()) return;
  std::string kind = "resource_schemas";
  if (is_text(resource, "mode", "data")) kind = "data_source_schemas";
  if (is_text(resource, "mode", "ephemeral")) kind = "ephemeral_resource_schemas";
  found[*provider->if_string()][kind].insert(*type->if_string());
}

}  // namespace

PlanCounts count_changes(const Value& plan) {
  PlanCounts counts;
  for (const Value& resource : items_of(plan, "resource_changes")) {
    const Value* change = resource.find("change");
    if (!change || !is_text(resource, "mode", "managed")) continue;
    counts.additions += has_action(*change, "create") ? 1 : 0;
    counts.changes += has_action(*change, "update") ? 1 : 0;
    counts.destructions += has_action(*change, "delete") ? 1 : 0;
    const Value* importing = change->find("importing");
    counts.imports += importing && !importing->is_null() ? 1 : 0;
    const Value* generated = change->find("generated_config");
    if (generated && generated->is_string()) counts.generated_configuration = true;
  }
  return counts;
}

std::map<std::string, UsedTypes> used_types(const Value& plan) {
  std::map<std::string, UsedTypes> found;
  for (const std::string_view list : {"resource_changes", "resource_drift"}) {
    for (const Value& resource : items_of(plan, list))
      collect_type(resource, found);
  }
  for (const Value& deferred : items_of(plan, "deferred_changes")) {
    if (const Value* resource = deferred.find("resource_change")) collect_type(*resource, found);
  }
  return found;
}

Value redacted_plan(const Value& plan, Value schemas, const std::function<std::string(const std::string&)>& show) {
  Value document = Value::object();
  const Value* version = plan.find("format_version");
  document.set("plan_format_version", version ? *version : Value("1.2"));
  document.set("resource_changes", redacted_resources(plan, "resource_changes"));
  document.set("resource_drift", redacted_resources(plan, "resource_drift"));
  document.set("output_changes", redacted_outputs(plan));
  const Value* relevant = plan.find("relevant_attributes");
  document.set("relevant_attributes", relevant && relevant->is_array() ? *relevant : Value::array());
  if (plan.find("deferred_changes")) document.set("deferred_changes", redacted_deferred(plan));
  show_texts(document, show);
  document.set("provider_format_version", "1.0");
  // Not shown through: schemas are large, public, and hold no value of the run.
  document.set("provider_schemas", schemas.is_object() ? std::move(schemas) : Value::object());
  return document;
}

}  // namespace tollgate::runner
