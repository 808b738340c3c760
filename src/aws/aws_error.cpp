#include "aws/aws_error.h"

#include <charconv>

#include "aws/xml.h"
#include "common/json/value.h"

namespace tollgate::aws {
namespace {

constexpr std::size_t kMaxText = 500;

// AWS writes: Value '12345' at 'tokenCode' failed to satisfy constraint. The value is the code.
std::string without_codes(std::string text) {
  constexpr std::string_view kField = "' at 'tokenCode'";
  constexpr std::string_view kValue = "Value '";
  std::size_t from = 0;
  for (auto field = text.find(kField, from); field != std::string::npos; field = text.find(kField, from)) {
    const auto value = text.rfind(kValue, field);
    if (value == std::string::npos || value < from) {
      from = field + kField.size();
      continue;
    }
    text.replace(value, field + 1 - value, "Value");
    from = value;
  }
  return text;
}

void read_xml(const XmlElement& root, ErrorAnswer& into) {
  const XmlElement* error = root.name == "Error" ? &root : root.find("Error");
  if (error == nullptr) error = root.at({"Errors", "Error"});
  if (error == nullptr) return;
  into.code = displayable(error->text_of("Code"));
  into.message = error->text_of("Message");
  for (const XmlElement* place : {&root, error}) {
    for (const std::string_view name : {"RequestId", "RequestID"}) {
      if (into.request_id.empty()) into.request_id = displayable(place->text_of(name));
    }
  }
}

// AWS JSON ({"__type": "x#Code", "message": ...}) and the credential endpoints ({"code": ..., "message": ...}).
void read_json(const json::Value& root, ErrorAnswer& into) {
  const auto text = [&](std::initializer_list<std::string_view> names) -> std::string {
    for (const auto name : names) {
      const json::Value* member = root.find(name);
      if (member != nullptr && member->is_string()) return *member->if_string();
    }
    return "";
  };
  std::string code = text({"__type", "code", "Code", "error"});
  if (const auto hash = code.rfind('#'); hash != std::string::npos) code.erase(0, hash + 1);
  into.code = displayable(code.substr(0, code.find(':')));
  into.message = text({"message", "Message", "error_description"});
  into.request_id = displayable(text({"requestId", "RequestId"}));
}

bool looks_like_html(const net::Response& response, std::string_view body) {
  const std::string* type = net::find_header(response.headers, "content-type");
  if (type != nullptr && type->starts_with("text/html")) return true;
  return body.starts_with("<!DOCTYPE html") || body.starts_with("<!doctype html") || body.starts_with("<html") ||
         body.starts_with("<HTML");
}

}  // namespace

std::string displayable(std::string_view text) {
  text = text.substr(0, kMaxText);
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      shown.push_back(' ');  // U+0080 to U+009F: terminals take these for escape sequences too
      ++i;
    } else {
      shown.push_back(byte < 0x20 || byte == 0x7f ? ' ' : text[i]);
    }
  }
  while (shown.ends_with(' '))
    shown.pop_back();
  return shown.substr(std::min(shown.find_first_not_of(' '), shown.size()));
}

ErrorAnswer parse_error_answer(const net::Response& response) {
  ErrorAnswer answer;
  answer.status = response.status;
  std::string_view body = response.body;
  body.remove_prefix(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
  answer.html = looks_like_html(response, body);
  if (body.starts_with("<") && !answer.html) {
    if (const auto root = parse_xml(body)) read_xml(*root, answer);
  } else if (body.starts_with("{")) {
    if (const auto root = json::parse(body)) read_json(*root, answer);
  }
  answer.message = displayable(without_codes(std::move(answer.message)));
  if (answer.code.empty()) {
    if (const auto* type = net::find_header(response.headers, "x-amzn-errortype")) {
      answer.code = displayable(type->substr(0, type->find(':')));
    }
  }
  for (const std::string_view name : {"x-amzn-requestid", "x-amz-request-id"}) {
    const auto* id = net::find_header(response.headers, name);
    if (answer.request_id.empty() && id != nullptr) answer.request_id = displayable(*id);
  }
  if (const auto* date = net::find_header(response.headers, "date")) answer.date = parse_http_date(*date);
  if (const auto* after = net::find_header(response.headers, "retry-after")) {
    unsigned seconds = 0;
    const auto parsed = std::from_chars(after->data(), after->data() + after->size(), seconds);
    if (parsed.ec == std::errc() && parsed.ptr == after->data() + after->size() && seconds <= 86400) {
      answer.retry_after = std::chrono::seconds(seconds);
    }
  }
  return answer;
}

}  // namespace tollgate::aws
