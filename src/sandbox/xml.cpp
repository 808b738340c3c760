#include "sandbox/xml.h"

#include "aws/xml.h"

namespace tollgate::sandbox {

std::string element(std::string_view name, std::string_view text) {
  return enclose(name, aws::xml_escape(text));
}

std::string enclose(std::string_view name, std::string_view inner) {
  return fmt::format("<{0}>{1}</{0}>", name, inner);
}

}  // namespace tollgate::sandbox
