#include "common/http/message.h"

#include <algorithm>
#include <array>

namespace tollgate::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || kOthers.find(c) != kOthers.npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !iequals(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = target.find_first_of("/?");
    return end == target.npos ? std::string_view() : target.substr(end);
  }
  return target;
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Request::path() const {
  const std::string_view rest = without_authority(target);
  const std::string_view before_query = rest.substr(0, rest.find('?'));
  return before_query.empty() ? std::string_view("/") : before_query;
}

std::string_view Request::query() const {
  const std::string_view rest = target;
  const std::size_t mark = rest.find('?');
  return mark == rest.npos ? std::string_view() : rest.substr(mark + 1);
}

const std::string* Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (iequals(key, name)) return &value;
  }
  return nullptr;
}

std::string_view reason_phrase(int status) {
  using Phrase = std::pair<int, std::string_view>;
  static constexpr std::array<Phrase, 38> kPhrases{{{100, "Continue"},
                                                    {101, "Switching Protocols"},
                                                    {200, "OK"},
                                                    {201, "Created"},
                                                    {202, "Accepted"},
                                                    {204, "No Content"},
                                                    {206, "Partial Content"},
                                                    {301, "Moved Permanently"},
                                                    {302, "Found"},
                                                    {303, "See Other"},
                                                    {304, "Not Modified"},
                                                    {307, "Temporary Redirect"},
                                                    {308, "Permanent Redirect"},
                                                    {400, "Bad Request"},
                                                    {401, "Unauthorized"},
                                                    {403, "Forbidden"},
                                                    {404, "Not Found"},
                                                    {405, "Method Not Allowed"},
                                                    {406, "Not Acceptable"},
                                                    {408, "Request Timeout"},
                                                    {409, "Conflict"},
                                                    {410, "Gone"},
                                                    {411, "Length Required"},
                                                    {412, "Precondition Failed"},
                                                    {413, "Content Too Large"},
                                                    {415, "Unsupported Media Type"},
                                                    {416, "Range Not Satisfiable"},
                                                    {417, "Expectation Failed"},
                                                    {422, "Unprocessable Content"},
                                                    {423, "Locked"},
                                                    {429, "Too Many Requests"},
                                                    {431, "Request Header Fields Too Large"},
                                                    {500, "Internal Server Error"},
                                                    {501, "Not Implemented"},
                                                    {502, "Bad Gateway"},
                                                    {503, "Service Unavailable"},
                                                    {504, "Gateway Timeout"},
                                                    {505, "HTTP Version Not Supported"}}};
  for (const auto& [code, phrase] : kPhrases) {
    if (code == status) return phrase;
  }
  return "Unknown";
}

bool bodiless(int status) {
  return status < 200 || status == 204 || status == 304;
}

std::string format_head(const Response& response, const HeadOptions& options) {
  // The peer's version was 1.0 or 1.1; 1.1 is answered to both (RFC 9110 2.5), with keep-alive said aloud to the
  // former.
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  bool date = false;
  bool length = false;
  bool close_said = false;
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_field_value(value) || iequals(name, "Transfer-Encoding")) continue;
    if (iequals(name, "Content-Length")) {
      if (!options.head_request || options.streams) continue;
      length = true;
    }
    if (iequals(name, "Connection")) {
      if (!options.keep_alive) continue;
      close_said = iequals(value, "close");
    }
    date = date || iequals(name, "Date");
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (options.streams) {
    if (!options.http_1_0) head.append("Transfer-Encoding: chunked\r\n");
  } else if (!length && !bodiless(response.status)) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", options.body_size);
  }
  if (!date) head.append("Date: ").append(format_http_date(options.now)).append("\r\n");
  if (!options.keep_alive) {
    head.append("Connection: close\r\n");
  } else if (options.http_1_0 && !close_said) {
    head.append("Connection: keep-alive\r\n");
  }
  head.append("\r\n");
  return head;
}

Response plain_response(int status, std::string_view sentence) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.body = fmt::format("{}\n", sentence);
  return response;
}

FramingFault check_framing(const Headers& headers, bool http_1_0) {
  unsigned hosts = 0;
  unsigned codings = 0;
  bool length = false;
  bool chunked = false;
  for (const auto& [name, value] : headers) {
    if (iequals(name, "Host")) ++hosts;
    if (iequals(name, "Content-Length")) {
      if (length) return {400, "malformed request: more than one Content-Length"};
      length = true;
    }
    if (iequals(name, "Transfer-Encoding")) {
      ++codings;
      chunked = iequals(value, "chunked");
    }
    if (iequals(name, "Expect") && !iequals(value, "100-continue")) return {417, "only 100-continue can be expected"};
  }
  if (codings != 0 && length) return {400, "malformed request: both Transfer-Encoding and Content-Length"};
  if (codings != 0 && http_1_0) return {400, "malformed request: Transfer-Encoding in HTTP/1.0"};
  if (codings > 1 || (codings == 1 && !chunked)) return {501, "the only transfer coding known here is chunked"};
  if (hosts > 1) return {400, "malformed request: more than one Host"};
  if (hosts == 0 && !http_1_0) return {400, "malformed request: Host is missing"};
  return {};
}

}  // namespace tollgate::http
