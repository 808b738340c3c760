// What a JSON document of somebody else holds, where an absent field is as good as an empty one. For documents that are
// shown or searched, not for those that decide something: these are read with json::Reader, which complains. Pure
// functions.
#pragma once

#include <string>
#include <string_view>

#include "common/json/value.h"

namespace tollgate::remote {

// null where it is absent.
const json::Value& member(const json::Value& object, std::string_view key);
// Empty where it is absent or no string.
std::string text(const json::Value& object, std::string_view key);

}  // namespace tollgate::remote
