// What a JSON document of somebody else holds, where an absent field, or one of another type, is as good as an empty
// one: answers of servers that differ, files of terraform's. What has to be there is read with json::Reader, which
// complains. Pure functions.
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
