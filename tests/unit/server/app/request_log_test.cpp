#include "server/app/request_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tollgate::app {
namespace {

using testing::HasSubstr;
using testing::Not;

// All that a line holds, as one text.
class Lines final : public Log {
 public:
  void write(LogLevel level, std::string_view event, std::string_view message, const LogFields& fields) override {
    std::string line = fmt::format("{} {} {}", to_text(level), event, message);
    for (const auto& [name, value] : fields) {
      line += fmt::format(" {}=", name);
      std::visit([&](const auto& plain) { line += fmt::format("{}", plain); }, value);
    }
    lines.push_back(line);
  }
  std::vector<std::string> lines;
};

struct RequestLogTest : testing::Test {
  void answer(LoggedRequests which, int status) {
    RequestLog log(lines, metrics, which);
    http::Request request;
    request.method = "canary-method";
    request.target = "/api/v2/blobs/canary-path?signature=canary-query";
    request.headers = {{"Authorization", "Bearer canary-header"}};
    request.body = "canary-body";
    request.peer = "192.0.2.7";
    api::Exchange exchange;
    exchange.request_id = "req-1";
    exchange.route = "/api/v2/blobs/:grant";
    exchange.user_id = "user-1";
    exchange.token_id = "at-1";
    http::Response response;
    response.status = status;
    response.body = "canary";
    log.answered(request, exchange, response, std::chrono::microseconds(12300));
  }
  Lines lines;
  Metrics metrics;
};

TEST_F(RequestLogTest, NamesTheRouteAndNothingThatWasSent) {
  answer(LoggedRequests::all, 200);
  ASSERT_EQ(lines.lines.size(), 1U);
  EXPECT_EQ(lines.lines[0],
            "info request answered request=req-1 method=other route=/api/v2/blobs/:grant status=200 ms=12 bytes=6 "
            "user=user-1 token=at-1 peer=192.0.2.7");
  EXPECT_THAT(metrics.text(), Not(HasSubstr("canary")));
  EXPECT_THAT(
      metrics.text(),
      HasSubstr("tollgate_http_requests_total{method=\"other\",route=\"/api/v2/blobs/:grant\",status=\"200\"} 1"));
}

TEST_F(RequestLogTest, TellsFailuresAlone) {
  answer(LoggedRequests::errors, 302);
  EXPECT_TRUE(lines.lines.empty());
  answer(LoggedRequests::errors, 404);
  answer(LoggedRequests::errors, 503);
  ASSERT_EQ(lines.lines.size(), 2U);
  EXPECT_THAT(lines.lines[0], testing::StartsWith("info "));
  EXPECT_THAT(lines.lines[1], testing::StartsWith("error "));
}

TEST_F(RequestLogTest, CountsAlsoWhatItDoesNotTell) {
  answer(LoggedRequests::none, 500);
  EXPECT_TRUE(lines.lines.empty());
  EXPECT_THAT(metrics.text(), HasSubstr("status=\"500\"} 1"));
}

TEST_F(RequestLogTest, TellsWhatTheServerRefusedByItself) {
  RequestLog log(lines, metrics, LoggedRequests::all);
  log.refused({}, "req-2", 431);
  EXPECT_EQ(lines.lines.at(0), "info request answered request=req-2 method=other route=none status=431");
}

}  // namespace
}  // namespace tollgate::app
