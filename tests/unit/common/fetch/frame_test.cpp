#include "common/fetch/client/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace tollgate::fetch {
namespace {

net::Request example_request() {
  net::Request request;
  request.method = "POST";
  request.url = "https://sts.eu-west-1.amazonaws.com/";
  request.headers = {
      {"Content-Type", "application/x-www-form-urlencoded"}, {"X-Amz-Security-Token", "t"}, {"Empty", ""}};
  request.body = std::string("Action=X\0\xff", 10);
  request.connect_timeout = std::chrono::milliseconds(1234);
  request.total_timeout = std::chrono::milliseconds(56789);
  request.max_response_bytes = std::size_t{5} << 32;
  request.use_proxy = false;
  return request;
}

std::vector<Outcome> example_outcomes() {
  net::Response response;
  response.status = 403;
  response.headers = {{"Date", "x"}, {"Date", "y"}};
  response.body = std::string(100000, 'b');
  net::Failure unsent;
  unsent.delivery = net::Delivery::not_sent;
  unsent.error = Error(Code::unavailable, "refused").do_next("look").because("word");
  net::Failure unknown;
  unknown.delivery = net::Delivery::unknown;
  unknown.error = Error(Code::unknown, "lost");
  return {response, tl::unexpected(unsent), tl::unexpected(unknown)};
}

std::string payload_of(const std::string& frame) {
  std::array<char, kFrameHeadBytes> head{};
  std::copy_n(frame.begin(), kFrameHeadBytes, head.begin());
  EXPECT_EQ(payload_size(head), frame.size() - kFrameHeadBytes);
  return frame.substr(kFrameHeadBytes);
}

TEST(Frame, RequestsSurviveTheJourney) {
  const net::Request sent = example_request();
  const auto got = decode_request(payload_of(frame_of(sent)));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->method, sent.method);
  EXPECT_EQ(got->url, sent.url);
  EXPECT_EQ(got->headers, sent.headers);
  EXPECT_EQ(got->body, sent.body);
  EXPECT_EQ(got->connect_timeout, sent.connect_timeout);
  EXPECT_EQ(got->total_timeout, sent.total_timeout);
  EXPECT_EQ(got->max_response_bytes, sent.max_response_bytes);
  EXPECT_EQ(got->use_proxy, sent.use_proxy);
}

TEST(Frame, OutcomesSurviveTheJourney) {
  for (const Outcome& sent : example_outcomes()) {
    const auto got = decode_outcome(payload_of(frame_of(sent)));
    ASSERT_TRUE(got);
    ASSERT_EQ(got->has_value(), sent.has_value());
    if (sent) {
      EXPECT_EQ((*got)->status, sent->status);
      EXPECT_EQ((*got)->headers, sent->headers);
      EXPECT_EQ((*got)->body, sent->body);
    } else {
      EXPECT_EQ(got->error().delivery, sent.error().delivery);
      EXPECT_EQ(got->error().error.code, sent.error().error.code);
      EXPECT_EQ(got->error().error.message, sent.error().error.message);
      EXPECT_EQ(got->error().error.next, sent.error().error.next);
      EXPECT_EQ(got->error().error.reason, sent.error().error.reason);
    }
  }
}

TEST(Frame, TornAndPaddedPayloadsAreRefused) {
  const std::string request = payload_of(frame_of(example_request()));
  for (std::size_t size = 0; size < request.size(); ++size)
    EXPECT_FALSE(decode_request(request.substr(0, size))) << size;
  EXPECT_FALSE(decode_request(request + "x"));
  for (const Outcome& outcome : example_outcomes()) {
    const std::string payload = payload_of(frame_of(outcome));
    for (std::size_t size = 0; size < std::min<std::size_t>(payload.size(), 200); ++size) {
      EXPECT_FALSE(decode_outcome(payload.substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_outcome(payload.substr(0, payload.size() - 1)));
    EXPECT_FALSE(decode_outcome(payload + "x"));
  }
}

TEST(Frame, HostilePayloadsAreRefused) {
  const std::string many_headers = std::string("\x01\x00\x00\x00\xc8", 5) + "\xff\xff\xff\xff";
  for (const std::string& payload :
       {std::string(), std::string("\x00", 1), std::string("\x03", 1), std::string(64, '\xff'), many_headers,
        std::string("\x02\x02\x00", 3) + std::string(8, '\0'),           // a third kind of delivery
        std::string("\x02\x00\xff", 3) + std::string(8, '\0'),           // no such error code
        std::string("\x01\x00\x00\x00\x00", 5) + std::string(8, '\0')})  // status 0
  {
    EXPECT_FALSE(decode_outcome(payload));
    EXPECT_FALSE(decode_request(payload));
  }
  EXPECT_FALSE(payload_size({'\xff', '\xff', '\xff', '\xff'}));
  EXPECT_FALSE(payload_size({'\x04', '\x00', '\x00', '\x01'}));
  EXPECT_EQ(payload_size({'\x04', '\x00', '\x00', '\x00'}), kMaxFrameBytes);
  net::Request huge = example_request();
  huge.body.assign(kMaxFrameBytes, 'x');
  EXPECT_THROW(frame_of(huge), std::length_error);
}

}  // namespace
}  // namespace tollgate::fetch
