// The texts of HTTP that the server writes and judges itself: the head of a response, the framing of a request.
// Private to common/http. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "common/http/server.h"

namespace tollgate::http {

std::string_view reason_phrase(int status);

// Status line and headers with the blank line. Content-Length, Date and Connection are added where the response does
// not name them; a handler's own Content-Length counts only for HEAD, where no body contradicts it.
// A header name or value that would break the framing (RFC 9110 5.5) is left out: handlers put user input there.
struct HeadOptions {
  std::uint64_t body_size = 0;
  bool streams = false;  // no length: chunked, or for HTTP/1.0 until the end of the connection
  bool head_request = false;
  bool keep_alive = true;
  bool http_1_0 = false;
  TimePoint now{};
};
std::string format_head(const Response& response, const HeadOptions& options);

// Whether a response of this status has no body and no Content-Length (RFC 9110 6.4.1, 8.6).
bool bodiless(int status);

bool iequals(std::string_view a, std::string_view b);  // ASCII

// An answer of the server itself, not of the handler.
Response plain_response(int status, std::string_view sentence);

// What is wrong with how a request frames itself, beyond syntax: these are the rules that keep a proxy in front and
// this server in agreement about where a request ends (RFC 9112 3.2, 6.1, 6.3). Status 0: nothing.
struct FramingFault {
  int status = 0;
  std::string_view sentence;
};
FramingFault check_framing(const Headers& headers, bool http_1_0);

}  // namespace tollgate::http
