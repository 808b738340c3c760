#include "runner/escapes.h"

namespace tollgate::runner {
namespace {

std::string escaped(std::string_view text, bool html, bool templates) {
  std::string out;
  out.reserve(6 * text.size());  // the most, \u0000 for each: growing would leave a copy of secrets behind
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || (html && (c == '<' || c == '>' || c == '&'))) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
          if (templates && (c == '$' || c == '%') && at + 1 < text.size() && text[at + 1] == '{') out += c;
        }
    }
  }
  return out;
}

}  // namespace

std::string json_escaped(std::string_view text, bool html) {
  return escaped(text, html, false);
}

std::string hcl_escaped(std::string_view text) {
  return escaped(text, false, true);
}

}  // namespace tollgate::runner
