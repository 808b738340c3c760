#include "sandbox/endpoint.h"

#include <gtest/gtest.h>

#include <thread>

#include "aws/sigv4.h"
#include "aws/xml.h"
#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

using test::kAnaSerial;

class EndpointTest : public ::testing::Test {
 protected:
  EndpointTest() { make({}); }

  void make(std::vector<Fault> faults) {
    EndpointHooks hooks;
    hooks.log = [this](const LogEntry& entry) { log_.push_back(entry); };
    hooks.save = [this](World& world) { saved_ += world.sessions.take_changed().size(); };
    endpoint_.emplace(sandbox_.world, std::move(faults), objects_, sandbox_.clock, sandbox_.random, std::move(hooks));
  }
  aws::Credentials keys() const {
    for (const auto& [id, key] : sandbox_.world.access_keys.all()) {
      if (key.user == "ana") return {id, key.secret, Secret(), std::nullopt};
    }
    return {};
  }
  static http::Request as_received(const net::Request& sent, const std::string& target) {
    http::Request request;
    request.method = sent.method;
    request.target = target;
    request.headers = sent.headers;
    request.body = sent.body;
    request.peer = "127.0.0.1";
    return request;
  }
  http::Response query(const std::string& body, const std::string& service = "sts") {
    net::Request sent;
    sent.method = "POST";
    sent.url = "http://127.0.0.1/";
    sent.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}, {"User-Agent", "test/1"}};
    sent.body = body;
    aws::sign(sent, keys(), {"eu-central-1", service}, sandbox_.clock.now());
    return endpoint_->handle(as_received(sent, "/"));
  }
  http::Response s3(const std::string& method, const std::string& target, const std::string& region = "eu-central-1") {
    net::Request sent;
    sent.method = method;
    sent.url = "http://127.0.0.1" + target;
    aws::sign(sent, keys(), {region, "s3"}, sandbox_.clock.now());
    return endpoint_->handle(as_received(sent, target));
  }
  static std::string header(const http::Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  static Fault fault(FaultKind kind, std::optional<std::int64_t> count = 1, const std::string& action = "*") {
    Fault fault;
    fault.kind = kind;
    fault.count = count;
    fault.action = action;
    return fault;
  }

  test::SandboxWorld sandbox_;
  MemoryObjects objects_;
  std::vector<LogEntry> log_;
  std::size_t saved_ = 0;
  std::optional<Endpoint> endpoint_;
};

constexpr const char* kIdentity = "Action=GetCallerIdentity&Version=2011-06-15";

TEST_F(EndpointTest, AnswersAsStsDoes) {
  const http::Response response = query(kIdentity);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "Content-Type"), "text/xml");
  EXPECT_EQ(header(response, "Date"), "Fri, 02 Jan 2026 03:04:05 GMT");
  const auto xml = aws::parse_xml(response.body);
  ASSERT_TRUE(xml) << response.body;
  EXPECT_EQ(xml->name, "GetCallerIdentityResponse");
  EXPECT_NE(response.body.find("xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""), std::string::npos);
  EXPECT_EQ(xml->at({"GetCallerIdentityResult", "Arn"})->text, "arn:aws:iam::111111111111:user/ana");
  EXPECT_EQ(xml->at({"ResponseMetadata", "RequestId"})->text, header(response, "x-amzn-RequestId"));
  EXPECT_EQ(header(response, "x-amzn-RequestId").size(), 36U);
}

TEST_F(EndpointTest, ErrorsHaveAwsShape) {
  const http::Response response = query("Action=Juggle&Version=2011-06-15");
  EXPECT_EQ(response.status, 400);
  const auto xml = aws::parse_xml(response.body);
  ASSERT_TRUE(xml);
  EXPECT_EQ(xml->name, "ErrorResponse");
  EXPECT_EQ(xml->at({"Error", "Type"})->text, "Sender");
  EXPECT_EQ(xml->at({"Error", "Code"})->text, "InvalidAction");
  EXPECT_EQ(xml->text_of("RequestId"), header(response, "x-amzn-RequestId"));
}

TEST_F(EndpointTest, ActionsAndVersionsAreChecked) {
  for (const auto& [body, code] : std::vector<std::pair<const char*, const char*>>{
           {"", "MissingAction"},
           {"Version=2011-06-15", "MissingAction"},
           {"Action=GetCallerIdentity", "InvalidAction"},
           {"Action=GetCallerIdentity&Version=2010-05-08", "InvalidAction"},
           {"Action=%zz", "MalformedQueryString"}}) {
    EXPECT_NE(query(body).body.find(fmt::format("<Code>{}</Code>", code)), std::string::npos) << body;
  }
}

TEST_F(EndpointTest, OtherServicesAreNotImitated) {
  net::Request sent;
  sent.method = "POST";
  sent.url = "http://127.0.0.1/";
  aws::sign(sent, keys(), {"eu-central-1", "ec2"}, sandbox_.clock.now());
  const http::Response response = endpoint_->handle(as_received(sent, "/"));
  EXPECT_EQ(response.status, 501);
  EXPECT_NE(response.body.find("imitates sts, iam and s3"), std::string::npos);
}

TEST_F(EndpointTest, TheLogSaysWhoWasAllowedWhat) {
  query(kIdentity);
  const std::string code = sandbox_.code(kAnaSerial);
  query(fmt::format("Action=GetSessionToken&Version=2011-06-15&SerialNumber={}&TokenCode={}", kAnaSerial, code));
  query(fmt::format("Action=GetSessionToken&Version=2011-06-15&SerialNumber={}&TokenCode={}", kAnaSerial, code));
  s3("GET", "/");
  ASSERT_EQ(log_.size(), 4U);
  EXPECT_EQ(log_[0].action, "sts:GetCallerIdentity");
  EXPECT_EQ(log_[0].principal, "arn:aws:iam::111111111111:user/ana");
  EXPECT_EQ(log_[0].decision, "allowed");
  EXPECT_EQ(log_[0].mfa, "absent");
  EXPECT_EQ(log_[0].user_agent, "test/1");
  EXPECT_EQ(log_[0].access_key, last_four(keys().access_key_id));
  EXPECT_EQ(log_[1].decision, "allowed");
  EXPECT_EQ(log_[2].decision, "denied");
  EXPECT_EQ(log_[2].code, "AccessDenied");
  EXPECT_EQ(log_[3].action, "s3:ListBuckets");
  EXPECT_EQ(log_[3].decision, "denied");
  EXPECT_NE(log_[3].reason.find("DenyMostWithoutMfa"), std::string::npos) << log_[3].reason;
  for (const LogEntry& entry : log_) {
    EXPECT_EQ(to_json_line(entry).find(code), std::string::npos);
    EXPECT_EQ(to_json_line(entry).find(keys().access_key_id), std::string::npos);
  }
  EXPECT_EQ(saved_, 1U);
}

TEST_F(EndpointTest, CallsOfNobodyAreLoggedToo) {
  http::Request request;
  request.method = "POST";
  request.target = "/";
  request.body = kIdentity;
  EXPECT_EQ(endpoint_->handle(request).status, 403);
  ASSERT_EQ(log_.size(), 1U);
  EXPECT_EQ(log_[0].principal, "");
  EXPECT_EQ(log_[0].code, "MissingAuthenticationToken");
}

TEST_F(EndpointTest, FaultsInPlaceOfTheCall) {
  struct Case {
    FaultKind kind;
    int status;
    const char* query_code;
    int s3_status;
    const char* s3_code;
  };
  for (const auto& c : std::vector<Case>{
           {FaultKind::error_500, 500, "InternalFailure", 500, "InternalError"},
           {FaultKind::error_503, 503, "ServiceUnavailable", 503, "ServiceUnavailable"},
           {FaultKind::throttling, 400, "Throttling", 503, "SlowDown"},
       }) {
    make({fault(c.kind, 1, "sts:*"), fault(c.kind, 1, "s3:*")});
    const http::Response response = query("Action=GetSessionToken&Version=2011-06-15");
    EXPECT_EQ(response.status, c.status) << c.query_code;
    EXPECT_NE(response.body.find(fmt::format("<Code>{}</Code>", c.query_code)), std::string::npos) << response.body;
    EXPECT_EQ(saved_, 0U) << "not executed";
    const http::Response of_s3 = s3("GET", "/tollgate-state");
    EXPECT_EQ(of_s3.status, c.s3_status);
    EXPECT_NE(of_s3.body.find(fmt::format("<Code>{}</Code>", c.s3_code)), std::string::npos) << of_s3.body;
    EXPECT_EQ(log_.back().fault, fault_kind_name(c.kind));
    EXPECT_EQ(log_.back().decision, "error");
    EXPECT_EQ(query(kIdentity).status, 200) << "the fault is used up";
  }
}

TEST_F(EndpointTest, ThrottlingIsWordedAsAwsDoes) {
  make({fault(FaultKind::throttling)});
  EXPECT_NE(query(kIdentity).body.find("<Message>Rate exceeded</Message>"), std::string::npos);
}

TEST_F(EndpointTest, FaultsOnTheWire) {
  make({fault(FaultKind::reset_before, 1, "sts:GetSessionToken")});
  EXPECT_EQ(query("Action=GetSessionToken&Version=2011-06-15").wire, http::Wire::reset);
  EXPECT_EQ(saved_, 0U) << "reset before: not executed";
  make({fault(FaultKind::reset_after, 1, "sts:GetSessionToken")});
  EXPECT_EQ(query("Action=GetSessionToken&Version=2011-06-15").wire, http::Wire::reset);
  EXPECT_EQ(saved_, 1U) << "reset after: executed";
  make({fault(FaultKind::truncated_body)});
  EXPECT_EQ(query(kIdentity).wire, http::Wire::truncate_body);
  make({fault(FaultKind::foreign_body)});
  const http::Response foreign = query(kIdentity);
  EXPECT_EQ(header(foreign, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(foreign.status, 200);
}

TEST_F(EndpointTest, DelaysUseTheClock) {
  Fault slow = fault(FaultKind::delay, 1);
  slow.delay_ms = 90000;
  make({slow});
  const TimePoint before = sandbox_.clock.now();
  // Signed before the wait; the service answers with its own time.
  EXPECT_EQ(query(kIdentity).status, 200);
  EXPECT_EQ(sandbox_.clock.now() - before, std::chrono::seconds(90));
}

TEST_F(EndpointTest, AClockFaultShiftsEverything) {
  Fault clock = fault(FaultKind::clock, std::nullopt);
  clock.offset_seconds = -600;
  make({clock});
  const http::Response response = query(kIdentity);
  EXPECT_EQ(response.status, 200) << "ten minutes are within the window";
  EXPECT_EQ(header(response, "Date"), "Fri, 02 Jan 2026 02:54:05 GMT");
  const std::string code = sandbox_.code(kAnaSerial);
  EXPECT_EQ(
      query(fmt::format("Action=GetSessionToken&Version=2011-06-15&SerialNumber={}&TokenCode={}", kAnaSerial, code))
          .status,
      403)
      << "the phone's clock is right, AWS's is not";
  const std::string matching =
      totp(sandbox_.world.devices.find(kAnaSerial)->seed, sandbox_.clock.now() - std::chrono::seconds(600));
  EXPECT_EQ(
      query(fmt::format("Action=GetSessionToken&Version=2011-06-15&SerialNumber={}&TokenCode={}", kAnaSerial, matching))
          .status,
      200);
  clock.offset_seconds = -1200;
  make({clock});
  EXPECT_NE(query(kIdentity).body.find("Signature not yet current: 20260102T030405Z is still later than "
                                       "20260102T025905Z (20260102T024405Z + 15 min.)"),
            std::string::npos);
}

TEST_F(EndpointTest, S3WantsTheBucketsRegion) {
  make({});
  const http::Response response = s3("GET", "/tollgate-state?list-type=2", "us-west-2");
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("<Code>AuthorizationHeaderMalformed</Code>"), std::string::npos);
  EXPECT_NE(response.body.find("<Region>eu-central-1</Region>"), std::string::npos);
  EXPECT_EQ(header(response, "x-amz-bucket-region"), "eu-central-1");
}

TEST_F(EndpointTest, ManyCallersAtOnceUseACodeOnce) {
  const std::string code = sandbox_.code(kAnaSerial);
  net::Request sent;
  sent.method = "POST";
  sent.url = "http://127.0.0.1/";
  sent.body = fmt::format("Action=GetSessionToken&Version=2011-06-15&SerialNumber={}&TokenCode={}", kAnaSerial, code);
  aws::sign(sent, keys(), {"eu-central-1", "sts"}, sandbox_.clock.now());
  const http::Request request = as_received(sent, "/");
  SystemRandom random;
  Endpoint endpoint(sandbox_.world, {}, objects_, sandbox_.clock, random, {});
  std::atomic<int> accepted = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      if (endpoint.handle(request).status == 200) ++accepted;
    });
  }
  for (auto& caller : callers)
    caller.join();
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace tollgate::sandbox
