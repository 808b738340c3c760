#include "broker/remote/log_text.h"

#include <algorithm>

#include "broker/remote/document_fields.h"
#include "common/json/value.h"
#include "common/os/terminal.h"

namespace tollgate::remote {
namespace {

constexpr char kEscape = '\x1b';

// The size of the escape sequence at the front, and whether it is one of colour (CSI ... m).
std::pair<std::size_t, bool> escape_at_front(std::string_view rest) {
  if (rest.size() < 2) return {1, false};
  if (rest[1] == '[') {
    std::size_t end = 2;
    while (end < rest.size() && ((rest[end] >= '0' && rest[end] <= '9') || rest[end] == ';'))
      ++end;
    if (end < rest.size() && rest[end] == 'm') return {end + 1, true};
    while (end < rest.size() && !(rest[end] >= 0x40 && rest[end] <= 0x7e))
      ++end;
    return {std::min(end + 1, rest.size()), false};
  }
  if (rest[1] == ']' || rest[1] == 'P' || rest[1] == '_' || rest[1] == '^' || rest[1] == 'X') {
    // A string for the terminal, up to BEL or ESC \.
    const std::size_t bell = rest.find('\a');
    const std::size_t end = rest.find("\x1b\\", 2);
    if (bell != std::string_view::npos && (end == std::string_view::npos || bell < end)) return {bell + 1, false};
    return {end == std::string_view::npos ? rest.size() : end + 2, false};
  }
  // ESC, perhaps intermediates, and one final byte: character sets, resets.
  std::size_t end = 1;
  while (end < rest.size() && rest[end] >= 0x20 && rest[end] <= 0x2f)
    ++end;
  return {std::min(end + 1, rest.size()), false};
}

std::string lines_of(std::string_view content, std::string_view indent = "") {
  std::string result;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::string line = safe_text(content.substr(0, end), false);
    result += line.empty() ? "\n" : fmt::format("{}{}\n", indent, line);
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return result;
}

std::string place_of(const json::Value& diagnostic) {
  const json::Value& range = member(diagnostic, "range");
  const std::string file = text(range, "filename");
  if (file.empty()) return "";
  const std::int64_t* line = member(member(range, "start"), "line").if_integer();
  const json::Value& snippet = member(diagnostic, "snippet");
  const std::string context = text(snippet, "context");
  std::string result = fmt::format("\n  on {} line {}{}:\n", safe_text(file, false), line == nullptr ? 0 : *line,
                                   context.empty() ? "" : ", in " + safe_text(context, false));
  const std::string code = text(snippet, "code");
  if (code.empty()) return result;
  const std::int64_t* first = member(snippet, "start_line").if_integer();
  std::int64_t number = first == nullptr ? (line == nullptr ? 0 : *line) : *first;
  std::string_view rest = code;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    result += fmt::format("{:>4}: {}\n", number++, safe_text(rest.substr(0, end), false));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return result;
}

std::string diagnostic_text(const json::Value& diagnostic, bool colour) {
  const bool error = text(diagnostic, "severity") == "error";
  const std::string_view word = error ? "Error:" : "Warning:";
  std::string result = "\n";
  result += colour ? fmt::format("\x1b[1m\x1b[{}m{}\x1b[0m ", error ? 31 : 33, word) : fmt::format("{} ", word);
  result += safe_text(text(diagnostic, "summary"), false) + "\n";
  result += place_of(diagnostic);
  const std::string detail = text(diagnostic, "detail");
  if (!detail.empty()) result += "\n" + lines_of(detail);
  return result + "\n";
}

// The outputs of an apply with their values; those of a plan have none yet.
std::string outputs_text(const json::Value& line, const std::string& message) {
  const json::Object* outputs = member(line, "outputs").if_object();
  if (outputs == nullptr || outputs->empty()) return lines_of(message);
  std::string result = "\nOutputs:\n\n";
  for (const auto& [name, output] : *outputs) {
    const bool* sensitive = member(output, "sensitive").if_bool();
    if (output.find("value") == nullptr && output.find("action") != nullptr) return lines_of(message);
    const std::string value =
        sensitive != nullptr && *sensitive ? "<sensitive>" : json::to_text(member(output, "value"));
    result += fmt::format("{} = {}\n", safe_text(name, false), safe_text(value, false));
  }
  return result;
}

}  // namespace

std::string safe_text(std::string_view content, bool colour) {
  std::string result;
  std::string plain;  // what os::printable has still to look at
  const auto flush = [&] {
    result += os::printable(plain);
    plain.clear();
  };
  while (!content.empty()) {
    if (content.front() == kEscape) {
      const auto [size, is_colour] = escape_at_front(content);
      flush();
      if (colour && is_colour) result += content.substr(0, size);
      content.remove_prefix(size);
    } else if (content.front() == '\t') {
      flush();
      result += '\t';
      content.remove_prefix(1);
    } else {
      plain += content.front();
      content.remove_prefix(1);
    }
  }
  flush();
  return result;
}

std::string log_text(std::string_view line, bool colour) {
  const auto document = line.starts_with('{') ? json::parse(line) : Result<json::Value>(json::Value());
  const json::Value* message = document ? document->find("@message") : nullptr;
  if (message == nullptr || !message->is_string()) {
    std::string result = safe_text(line, colour);
    // A colour that the line leaves on must not reach what stands below.
    if (colour && line.find(kEscape) != std::string_view::npos) result += "\x1b[0m";
    return result + "\n";
  }
  const std::string type = text(*document, "type");
  const json::Value& diagnostic = member(*document, "diagnostic");
  if (type == "diagnostic" && diagnostic.is_object()) return diagnostic_text(diagnostic, colour);
  if (type == "outputs") return outputs_text(*document, *message->if_string());
  if (type == "change_summary") return "\n" + lines_of(*message->if_string());
  return lines_of(*message->if_string());
}

}  // namespace tollgate::remote
