// Writes the XML of answers. Reads none (aws/xml.h does). Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace tollgate::sandbox {

// element("Arn", "a&b") is <Arn>a&amp;b</Arn>.
std::string element(std::string_view name, std::string_view text);
// enclose("User", inner) is <User>inner</User>; the inner XML is taken as it is.
std::string enclose(std::string_view name, std::string_view inner);

}  // namespace tollgate::sandbox
