#include "common/http/message.h"

#include <gtest/gtest.h>

namespace tollgate::http {
namespace {

TEST(HttpRequest, PartsOfTheTargetStayUndecoded) {
  struct Case {
    const char* target;
    const char* path;
    const char* query;
  };
  for (const auto& [target, path, query] : std::vector<Case>{
           {"/a%2Fb%20c?x=%26&y", "/a%2Fb%20c", "x=%26&y"},
           {"/", "/", ""},
           {"/?", "/", ""},
           {"/a?b?c", "/a", "b?c"},
           {"*", "*", ""},
           {"http://host:80/p?q", "/p", "q"},
           {"HTTPS://host?q=1", "/", "q=1"},
           {"http://host", "/", ""},
       }) {
    Request request;
    request.target = target;
    EXPECT_EQ(request.path(), path) << target;
    EXPECT_EQ(request.query(), query) << target;
  }
}

TEST(HttpRequest, HeaderNamesIgnoreCaseAndTheFirstWins) {
  Request request;
  request.headers = {{"X-One", "1"}, {"x-one", "2"}};
  ASSERT_NE(request.header("X-ONE"), nullptr);
  EXPECT_EQ(*request.header("X-ONE"), "1");
  EXPECT_EQ(request.header("X-Two"), nullptr);
}

TEST(HttpHead, AddsWhatTheProtocolNeeds) {
  Response response;
  response.headers = {{"Content-Type", "text/xml"}};
  HeadOptions options;
  options.body_size = 7;
  options.now = *parse_iso8601("2026-01-02T03:04:05Z");
  EXPECT_EQ(
      format_head(response, options),
      "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 7\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\n\r\n");
  options.keep_alive = false;
  EXPECT_NE(format_head(response, options).find("Connection: close\r\n"), std::string::npos);
}

TEST(HttpHead, KeepsAHandlersDateAndForHeadItsLength) {
  Response response;
  response.headers = {{"date", "then"}, {"content-length", "123"}};
  HeadOptions options;
  EXPECT_EQ(format_head(response, options), "HTTP/1.1 200 OK\r\ndate: then\r\nContent-Length: 0\r\n\r\n");
  options.head_request = true;
  EXPECT_EQ(format_head(response, options), "HTTP/1.1 200 OK\r\ndate: then\r\ncontent-length: 123\r\n\r\n");
}

TEST(HttpHead, UserInputCannotSplitTheResponse) {
  Response response;
  response.headers = {{"Location", "/x\r\nSet-Cookie: a=b"},
                      {"Bad Name", "1"},
                      {"", "2"},
                      {"X", std::string("a\0b", 3)},
                      {"Transfer-Encoding", "chunked"}};
  const std::string head = format_head(response, {});
  EXPECT_EQ(head, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n");
}

TEST(HttpHead, NoLengthWhereThereIsNoBody) {
  for (const int status : {204, 304}) {
    Response response;
    response.status = status;
    EXPECT_EQ(format_head(response, {}).find("Content-Length"), std::string::npos) << status;
  }
}

TEST(HttpFraming, RefusesWhatAProxyMightReadDifferently) {
  struct Case {
    const char* name;
    Headers headers;
    bool http_1_0;
    int status;
  };
  for (const auto& c : std::vector<Case>{
           {"plain", {{"Host", "x"}}, false, 0},
           {"no host", {}, false, 400},
           {"no host in 1.0", {}, true, 0},
           {"two hosts", {{"Host", "x"}, {"host", "x"}}, false, 400},
           {"two lengths", {{"Host", "x"}, {"Content-Length", "1"}, {"content-length", "1"}}, false, 400},
           {"length and coding",
            {{"Host", "x"}, {"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}},
            false,
            400},
           {"chunked", {{"Host", "x"}, {"Transfer-Encoding", "Chunked"}}, false, 0},
           {"gzip, chunked", {{"Host", "x"}, {"Transfer-Encoding", "gzip, chunked"}}, false, 501},
           {"chunked twice",
            {{"Host", "x"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
            false,
            501},
           {"chunked in 1.0", {{"Host", "x"}, {"Transfer-Encoding", "chunked"}}, true, 400},
           {"expect", {{"Host", "x"}, {"Expect", "100-Continue"}}, false, 0},
           {"expect other", {{"Host", "x"}, {"Expect", "tea"}}, false, 417},
       }) {
    EXPECT_EQ(check_framing(c.headers, c.http_1_0).status, c.status) << c.name;
  }
}

}  // namespace
}  // namespace tollgate::http
