// Writes XML text, escaped, for answers. Reads none. Pure functions over a growing string; not synchronised.
#pragma once

#include <string>
#include <string_view>

namespace tollgate::sandbox {

// & < > and " as entities; control characters that XML 1.0 forbids as U+FFFD.
std::string xml_escape(std::string_view text);

// element("Arn", "arn:...") is <Arn>arn:...</Arn>; the text is escaped.
std::string element(std::string_view name, std::string_view text);
// enclose("User", inner) is <User>inner</User>; the inner XML is taken as it is.
std::string enclose(std::string_view name, std::string_view inner);

}  // namespace tollgate::sandbox
