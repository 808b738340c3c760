#include "broker/remote/document_fields.h"

namespace tollgate::remote {

const json::Value& member(const json::Value& object, std::string_view key) {
  static const json::Value absent;
  const json::Value* found = object.find(key);
  return found == nullptr ? absent : *found;
}

std::string text(const json::Value& object, std::string_view key) {
  const std::string* found = member(object, key).if_string();
  return found == nullptr ? std::string() : *found;
}

}  // namespace tollgate::remote
