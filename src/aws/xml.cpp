#include "aws/xml.h"

#include <pugixml.hpp>

#include "common/base/secret.h"

namespace tollgate::aws {
namespace {

// Wipes the text that pugixml parsed in place, and with it all strings of its tree.
struct Buffer {
  explicit Buffer(std::string_view from) : text(from) {}
  ~Buffer() { tollgate::wipe(text); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  std::string text;
};

std::string_view local_name(std::string_view name) {
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// False where the tree is deeper than allowed.
bool convert(const pugi::xml_node& node, XmlElement& into, std::size_t depth) {
  if (depth > kMaxXmlDepth) return false;
  into.name = local_name(node.name());
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_element) {
      into.children.emplace_back();
      if (!convert(child, into.children.back(), depth + 1)) return false;
    } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
      into.text += child.value();
    }
  }
  if (!into.children.empty()) tollgate::wipe(into.text);
  return true;
}

}  // namespace

const XmlElement* XmlElement::find(std::string_view child) const {
  for (const auto& candidate : children) {
    if (candidate.name == child) return &candidate;
  }
  return nullptr;
}

const XmlElement* XmlElement::at(std::initializer_list<std::string_view> path) const {
  const XmlElement* element = this;
  for (const auto step : path) {
    element = element->find(step);
    if (element == nullptr) return nullptr;
  }
  return element;
}

std::string_view XmlElement::text_of(std::string_view child) const {
  const XmlElement* element = find(child);
  return element == nullptr ? std::string_view() : std::string_view(element->text);
}

void XmlElement::wipe() noexcept {
  tollgate::wipe(text);
  for (auto& child : children)
    child.wipe();
}

Result<XmlElement> parse_xml(std::string_view text) {
  if (text.size() > kMaxXmlBytes) return fail(Code::invalid, "the XML answer is larger than 1 MiB");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Buffer buffer(text);
  pugi::xml_document document;
  // Entities of a document's own do not exist in pugixml; parse_doctype makes a DOCTYPE visible, so it can be refused.
  constexpr unsigned kFlags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_doctype |
                              pugi::parse_ws_pcdata_single | pugi::parse_wconv_attribute;
  const auto outcome =
      document.load_buffer_inplace(buffer.text.data(), buffer.text.size(), kFlags, pugi::encoding_utf8);
  if (!outcome) {
    return fail(Code::invalid,
                fmt::format("the answer is not well-formed XML: {} at byte {}", outcome.description(), outcome.offset));
  }
  const pugi::xml_node* root = nullptr;
  pugi::xml_node found;
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() == pugi::node_doctype) return fail(Code::invalid, "the XML answer has a DOCTYPE");
    if (node.type() != pugi::node_element) continue;
    if (root != nullptr) return fail(Code::invalid, "the XML answer has two root elements");
    found = node;
    root = &found;
  }
  if (root == nullptr) return fail(Code::invalid, "the XML answer has no root element");
  XmlElement tree;
  if (!convert(*root, tree, 1)) {
    tree.wipe();
    return fail(Code::invalid, fmt::format("the XML answer is nested more than {} deep", kMaxXmlDepth));
  }
  return tree;
}

std::string xml_escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\t':
      case '\n':
        escaped.push_back(c);
        break;
      case '\r':
        escaped += "&#13;";
        break;
      default:
        // XML 1.0 has no way to write the other control characters.
        if (static_cast<unsigned char>(c) < 0x20)
          escaped += "\xef\xbf\xbd";
        else
          escaped.push_back(c);
    }
  }
  return escaped;
}

}  // namespace tollgate::aws
