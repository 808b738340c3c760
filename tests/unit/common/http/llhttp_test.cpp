// The requests of llhttp's own tests, sent over a socket: what that parser takes this server takes, what it refuses is
// answered with 4xx or 5xx. Where they differ the table below says why.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "common/http/server.h"
#include "tests/support/agreement.h"
#include "tests/support/referees.h"
#include "tests/unit/common/http/raw_client.h"

namespace tollgate::http {
namespace {

using test::RawClient;

struct Case {
  std::string name;
  std::string request;
  std::vector<std::size_t> host_goes_here;  // offsets behind the request line, where a Host is needed
  unsigned messages = 0;                    // complete ones
  bool refused = false;
  bool upgrade = false;  // llhttp stops there for its user to decide
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// As llhttp's README says its test files are to be read.
std::string unescape(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  replace_all(text, "\\\n", "");
  replace_all(text, "\n", "\r\n");
  replace_all(text, "\\r", "\r");
  replace_all(text, "\\n", "\n");
  replace_all(text, "\\t", "\t");
  replace_all(text, "\\f", "\f");
  for (std::size_t at = 0; (at = text.find("\\x", at)) != std::string::npos; ++at) {
    text.replace(at, 4, 1, static_cast<char>(std::stoi(text.substr(at + 2, 2), nullptr, 16)));
  }
  return text;
}

std::string block(const std::string& section, const std::string& language) {
  const std::size_t begin = section.find("```" + language + "\n");
  if (begin == std::string::npos) return "";
  const std::size_t start = begin + language.size() + 4;
  return section.substr(start, section.find("\n```", start) + 1 - start);
}

void read_log(const std::string& log, Case& result) {
  std::string_view rest = log;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string line(rest.substr(0, end));
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    const std::size_t offset = line.rfind("off=", 0) == 0 ? std::stoul(line.substr(4)) : 0;
    if (line.find(" message complete") != std::string::npos) ++result.messages;
    if (line.find(" version complete") != std::string::npos) {
      const std::size_t line_end = result.request.find('\n', offset);
      if (line_end != std::string::npos) result.host_goes_here.push_back(line_end + 1);
    }
    if (line.find("Pause on") != std::string::npos) {
      result.upgrade = true;
    } else if (line.find(" error code=") != std::string::npos) {
      result.refused = true;
    }
  }
}

std::vector<Case> read_cases(const std::string& file, const std::string& text) {
  std::vector<Case> cases;
  std::string title;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t heading = text.find("\n## ", at);
    const std::size_t deeper = text.find("\n### ", at);
    const std::size_t begin = std::min(heading, deeper);
    if (begin == std::string::npos) break;
    const std::size_t next = std::min(text.find("\n## ", begin + 1), text.find("\n### ", begin + 1));
    const std::string section = text.substr(begin, next - begin);
    at = next;
    const std::size_t name_begin = section.find(' ') + 1;
    // Lenient modes and pauses are switches that this server does not have.
    const bool plain = section.find("{\"type\": \"request\"") != std::string::npos ||
                       section.find("{\"type\":\"request\"") != std::string::npos;
    if (!plain || section.find("\"pause\"") != std::string::npos || block(section, "http").empty()) continue;
    Case result;
    result.name = file + ": " + section.substr(name_begin, section.find('\n', name_begin) - name_begin);
    result.request = unescape(block(section, "http"));
    read_log(block(section, "log"), result);
    // From the back, so that the offsets stay right. A request that has a Host keeps it alone.
    for (auto offset = result.host_goes_here.rbegin(); offset != result.host_goes_here.rend(); ++offset) {
      const std::size_t end = result.request.find("\r\n\r\n", *offset - 2);
      std::string head = result.request.substr(*offset, end - *offset);
      std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
      if (head.rfind("host:", 0) != 0 && head.find("\nhost:") == std::string::npos) {
        result.request.insert(*offset, "Host: x\r\n");
      }
    }
    cases.push_back(std::move(result));
  }
  return cases;
}

struct Outcome {
  unsigned answered = 0;  // by the handler
  int refusal = 0;        // the status of the refusal, if there was one
  std::string sentence;
};

Outcome send(std::uint16_t port, const Case& c) {
  RawClient client(port);
  client.send(c.request);
  client.finish_sending();
  Outcome outcome;
  while (const auto response = client.receive(c.request.rfind("HEAD ", 0) == 0)) {
    if (response->has("X-Handled")) {
      ++outcome.answered;
    } else {
      outcome.refusal = response->status;
      outcome.sentence = response->body;
    }
  }
  return outcome;
}

// Deviations that are decisions, by name of the case.
const std::map<std::string, std::string>& decided() {
  constexpr const char* kClosed = "what follows the last request of a connection is dropped, not answered";
  constexpr const char* kProtocol = "this is a server for HTTP/1.0 and HTTP/1.1 alone";
  static const std::map<std::string, std::string> kDecided = {
      {"connection.md: No restart when keep-alive is off (1.0)", kClosed},
      {"connection.md: CRLF between requests, explicit `close`", kClosed},
      {"connection.md: CRLF between requests, explicit `close` followed by tab", kClosed},
      {"method.md: SOURCE request with ICE", kProtocol},
      {"method.md: OPTIONS request with RTSP", kProtocol},
      {"method.md: ANNOUNCE request with RTSP", kProtocol},
      {"sample.md: No HTTP version", kProtocol},
  };
  return kDecided;
}

TEST(HttpServerAgainstLlhttp, TakesAndRefusesTheSame) {
  TG_SKIP_WITHOUT_REFEREE("llhttp/request/sample.md");
  const auto server = start_server({}, [](const Request&) {
    Response response;
    response.headers.emplace_back("X-Handled", "yes");
    return response;
  });
  ASSERT_TRUE(server);
  int cases = 0;
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviations;
  for (const char* file : {"connection.md", "finish.md", "lenient-header-value-relaxed.md", "lenient-headers.md",
                           "lenient-version.md", "method.md", "pipelining.md", "sample.md", "uri.md"}) {
    const auto text = tollgate::test::read_referee(std::string("llhttp/request/") + file);
    ASSERT_TRUE(text) << file;
    for (const Case& c : read_cases(file, *text)) {
      ++cases;
      const Outcome outcome = send((*server)->port(), c);
      // A text that ends in the middle of a request is no more than that, for llhttp.
      const bool torn = outcome.sentence.find("partial message") != std::string::npos;
      const bool refused = outcome.refusal != 0 && !torn;
      // Behind an upgrade this server, which upgrades nothing, sees what follows as the next request.
      const bool same = c.upgrade ? outcome.answered >= c.messages
                                  : refused == c.refused && (c.refused || outcome.answered == c.messages);
      if (same) {
        ++agreeing;
        continue;
      }
      const auto known = decided().find(c.name);
      EXPECT_NE(known, decided().end()) << c.name << ": llhttp " << (c.refused ? "refuses" : "takes") << " ("
                                        << c.messages << " messages), answered " << outcome.answered << ", refusal "
                                        << outcome.refusal << " " << outcome.sentence;
      if (known != decided().end()) deviations.emplace_back(c.name, known->second);
    }
  }
  EXPECT_GT(cases, 50);
  tollgate::test::record_agreement("llhttp", cases, agreeing, deviations);
}

}  // namespace
}  // namespace tollgate::http
