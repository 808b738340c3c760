#include "broker/remote/authentication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/broker/remote/fake_network.h"
#include "tests/unit/broker/remote/run_json.h"

namespace tollgate::remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kWaiting = R"({"phase": "apply", "state": "waiting", "gate-id": "gate-1",
  "you": {"can": true, "serial": "arn:aws:iam::111122223333:mfa/ana"}})";
constexpr const char* kPassed = R"({"phase": "apply", "state": "passed", "gate-id": "gate-1",
  "by": {"username": "bob", "at": "2026-01-02T03:04:05Z", "session-expires-at": null}, "you": {"can": true}})";

// Gives the codes that it was told to, and lets time pass.
class Phone final : public mfa::CodeSource {
 public:
  explicit Phone(const Clock& clock, Kind kind = Kind::person) : clock_(clock), kind_(kind) {}
  Kind kind() const override { return kind_; }
  Result<Secret> ask(const mfa::CodePrompt& prompt) override {
    prompts.push_back(prompt);
    if (codes.empty()) return fail(Error(Code::cancelled, "cancelled").because("cancelled"));
    Secret code(codes.front());
    codes.pop_front();
    return code;
  }
  Result<void> wait(Duration duration, std::string_view) override {
    waits.push_back(duration);
    clock_.sleep_for(duration);
    return {};
  }
  std::deque<std::string> codes;
  std::vector<mfa::CodePrompt> prompts;
  std::vector<Duration> waits;

 private:
  const Clock& clock_;
  Kind kind_;
};

net::Response refusal(int status, const std::string& meta = "{}", const std::string& code = "invalid_code") {
  return FakeNetwork::response(
      status, fmt::format(R"({{"errors": [{{"status": "{}", "title": "t", "detail": "AWS says no", "code": "{}",
                              "meta": {}}}]}})",
                          status, code, meta));
}

class AuthenticationTest : public testing::Test {
 protected:
  AuthenticationTest() {
    network.answer = [this](const net::Request& request) -> FakeNetwork::Outcome {
      if (request.method == "GET") return FakeNetwork::response(200, document(now));
      sent.push_back(request);
      if (answers.empty()) return FakeNetwork::response(500, "asked too often");
      auto answer = std::move(answers.front());
      answers.pop_front();
      return answer;
    };
    run = *parse_run(*json::parse(document(kWaiting)));
  }
  static std::string document(const std::string& mfa) { return run_json({.status = "apply_queued", .mfa = mfa}); }
  static net::Response accepted() { return FakeNetwork::response(200, document(kPassed)); }

  Result<Authenticated> attempt() {
    mfa::UsedCodes used(directory, Secret("a key of thirty-two bytes, or so"), clock);
    mfa::GateOptions options;
    options.fresh_request = true;
    mfa::DeviceGate gate(directory, phone, used, clock, options);
    return authenticate(api, run, gate, phone);
  }
  std::vector<std::string> sent_codes() const {
    std::vector<std::string> codes;
    for (const net::Request& request : sent)
      codes.push_back(json::Reader(*json::parse(request.body)).text("code").value_or(""));
    return codes;
  }

  test::TemporaryDirectory folder;
  os::PrivateDirectory directory = std::move(*os::PrivateDirectory::open(folder.path()));
  test::ManualClock clock;
  FakeNetwork network;
  ApiClient api{network, "h.test", "https://h.test/api/v2/", {Secret("t"), "x"}};
  Phone phone{clock};
  std::string now = kWaiting;
  RunView run;
  std::deque<FakeNetwork::Outcome> answers;
  std::vector<net::Request> sent;
};

TEST_F(AuthenticationTest, ACodeIsSentWithTheGateItIsFor) {
  phone.codes = {"123456"};
  answers = {accepted()};
  const auto done = attempt();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_FALSE(done->by_another);
  EXPECT_EQ(done->run.gate->state, "passed");
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].url, "https://h.test/api/v2/runs/run-1/actions/authenticate");
  EXPECT_EQ(sent[0].body, R"({"phase":"apply","gate-id":"gate-1","code":"123456"})");
  EXPECT_EQ(phone.prompts[0].serial, "arn:aws:iam::111122223333:mfa/ana");
  EXPECT_EQ(phone.prompts[0].asked_by, "the apply of run-1");
}

TEST_F(AuthenticationTest, AWrongCodeIsFollowedByTheNextPrompt) {
  phone.codes = {"111111", "222222"};
  answers = {refusal(422, R"({"tries-left": 4, "next-code-in": 12})"), accepted()};
  ASSERT_TRUE(attempt());
  EXPECT_THAT(sent_codes(), ElementsAre("111111", "222222"));
  EXPECT_EQ(phone.prompts[1].refusal, "AWS says no (4 tries left)");
}

TEST_F(AuthenticationTest, NoCodeIsSentTwice) {
  phone.codes = {"111111", "111111", "222222"};
  answers = {refusal(422, R"({"tries-left": 4})"), accepted()};
  ASSERT_TRUE(attempt());
  EXPECT_THAT(sent_codes(), ElementsAre("111111", "222222"));
  EXPECT_THAT(phone.waits, SizeIs(1));
}

TEST_F(AuthenticationTest, ACodeThatWasUsedForAnotherCommandIsWaitedOut) {
  mfa::UsedCodes used(directory, Secret("a key of thirty-two bytes, or so"), clock);
  ASSERT_TRUE(used.claim(run.gate->your_serial, Secret("111111")));
  ASSERT_TRUE(used.mark_accepted(run.gate->your_serial, Secret("111111")));
  phone.codes = {"222222"};
  answers = {accepted()};
  ASSERT_TRUE(attempt());
  EXPECT_THAT(phone.waits, SizeIs(1));
}

TEST_F(AuthenticationTest, ThreeWrongCodesAreEnough) {
  phone.codes = {"111111", "222222", "333333", "444444"};
  answers = {refusal(422, R"({"tries-left": 4})"), refusal(422, R"({"tries-left": 3})"),
             refusal(422, R"({"tries-left": 2})")};
  const auto done = attempt();
  ASSERT_FALSE(done);
  EXPECT_EQ(exit_status(done.error().code), 77);
  EXPECT_THAT(sent, SizeIs(3));
}

TEST_F(AuthenticationTest, ARefusalThatNoCodeCanCureIsTheEnd) {
  phone.codes = {"111111", "222222"};
  answers = {refusal(422, "{}", "account_not_listed")};
  const auto done = attempt();
  ASSERT_FALSE(done);
  EXPECT_EQ(exit_status(done.error().code), 77);
  EXPECT_EQ(done.error().message, "AWS says no");
  EXPECT_THAT(sent, SizeIs(1));
}

TEST_F(AuthenticationTest, ALockedGateSaysWhoCanUnlockIt) {
  for (const auto& answer : {refusal(423), refusal(422, R"({"tries-left": 0})")}) {
    phone.codes = {"111111"};
    answers = {answer};
    clock.advance(std::chrono::minutes(5));
    const auto done = attempt();
    ASSERT_FALSE(done);
    EXPECT_EQ(exit_status(done.error().code), 77);
    EXPECT_THAT(done.error().next, HasSubstr("owner"));
  }
}

TEST_F(AuthenticationTest, AShortWaitIsSatOutAndALongOneIsNot) {
  phone.codes = {"111111", "222222"};
  answers = {refusal(429, R"({"retry-after": 17})"), accepted()};
  ASSERT_TRUE(attempt());
  ASSERT_FALSE(phone.waits.empty());
  EXPECT_EQ(phone.waits[0], std::chrono::seconds(17));
  clock.advance(std::chrono::minutes(5));
  phone.codes = {"333333"};
  answers = {refusal(429, R"({"retry-after": 600})")};
  const auto done = attempt();
  ASSERT_FALSE(done);
  EXPECT_EQ(exit_status(done.error().code), 75);
  EXPECT_EQ(done.error().next, "try again in 10m 00s");
}

TEST_F(AuthenticationTest, AStaleGateIsNoRefusal) {
  phone.codes = {"111111"};
  answers = {refusal(409)};
  const auto done = attempt();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::conflict);
  EXPECT_EQ(exit_status(done.error().code), 75);
}

TEST_F(AuthenticationTest, ACodeThatWasProvablyNotSentMayBeGivenAgain) {
  answers = {refusal(503), FakeNetwork::failure(net::Delivery::not_sent, Error(Code::unavailable, "refused")),
             accepted()};
  for (int i = 0; i < 2; ++i) {
    phone.codes = {"111111"};
    const auto done = attempt();
    ASSERT_FALSE(done);
    EXPECT_EQ(exit_status(done.error().code), 69);
  }
  phone.codes = {"111111"};
  ASSERT_TRUE(attempt());
  EXPECT_THAT(phone.waits, IsEmpty());
}

TEST_F(AuthenticationTest, ACodeWithAnUnknownFateIsSpent) {
  for (const auto& answer : {FakeNetwork::Outcome(refusal(502)), FakeNetwork::Outcome(refusal(500)),
                             FakeNetwork::failure(net::Delivery::unknown, Error(Code::unknown, "lost"))}) {
    clock.advance(std::chrono::minutes(5));
    phone.codes = {"111111"};
    answers = {answer};
    const auto done = attempt();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Code::unknown);
    EXPECT_EQ(exit_status(done.error().code), 69);
    EXPECT_THAT(done.error().message, HasSubstr("counts as used"));
    const std::size_t before = sent.size();
    phone.codes = {"111111"};
    ASSERT_FALSE(attempt());
    EXPECT_EQ(sent.size(), before);
  }
}

TEST_F(AuthenticationTest, AGateThatAnotherPassedNeedsNoCode) {
  now = kPassed;
  const auto done = attempt();
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->by_another);
  EXPECT_THAT(phone.prompts, IsEmpty());
}

TEST_F(AuthenticationTest, AGateThatIsGoneAsksNobody) {
  now = "null";
  const auto done = attempt();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::conflict);
  EXPECT_THAT(phone.prompts, IsEmpty());
}

TEST_F(AuthenticationTest, ACancelledPromptSendsNothing) {
  const auto done = attempt();
  ASSERT_FALSE(done);
  EXPECT_EQ(exit_status(done.error().code), 130);
  EXPECT_THAT(sent, IsEmpty());
}

TEST_F(AuthenticationTest, NoErrorHoldsTheCode) {
  for (const int status : {401, 403, 404, 409, 422, 423, 429, 500, 502, 503}) {
    clock.advance(std::chrono::minutes(5));
    phone.codes = {"914736"};
    answers = {refusal(status)};
    const auto done = attempt();
    ASSERT_FALSE(done) << status;
    EXPECT_EQ((done.error().text() + done.error().next).find("914736"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace tollgate::remote
