// The XML that AWS answers with, as a tree of elements (pugixml underneath, which no other file includes). No
// attributes, comments or mixed content; namespaces are cut off. Documents with a DOCTYPE are refused, entities other
// than the five of XML are not expanded. Plain values; not synchronised.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace tollgate::aws {

struct XmlElement {
  std::string name;  // local name, without prefix
  std::string text;  // of an element without children, as written; blanks are kept
  std::vector<XmlElement> children;

  // The first child of that name; nullptr if there is none.
  const XmlElement* find(std::string_view child) const;
  // Follows names from child to child: at({"Error", "Code"}).
  const XmlElement* at(std::initializer_list<std::string_view> path) const;
  // Text of that child, empty if there is none.
  std::string_view text_of(std::string_view child) const;
  void wipe() noexcept;  // overwrites all texts of the tree
};

inline constexpr std::size_t kMaxXmlBytes = 1U << 20;
inline constexpr std::size_t kMaxXmlDepth = 64;

// The root element. Errors: Code::invalid; the message names the byte offset and never quotes the document.
Result<XmlElement> parse_xml(std::string_view text);

// Text for an element or an attribute, with &, <, >, " and control characters escaped; for those who write XML.
std::string xml_escape(std::string_view text);

}  // namespace tollgate::aws
