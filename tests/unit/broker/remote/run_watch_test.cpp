#include "broker/remote/run_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/manual_clock.h"
#include "tests/unit/broker/remote/fake_network.h"
#include "tests/unit/broker/remote/run_json.h"

namespace tollgate::remote {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::size_t offset_in(const std::string& url) {
  return std::stoul(url.substr(url.find("offset=") + 7));
}

// A run that goes through the given states, one more at each look at it, with logs that are there at once.
class RunWatchTest : public testing::Test {
 protected:
  RunWatchTest() {
    network.answer = [this](const net::Request& request) -> FakeNetwork::Outcome { return serve(request); };
    sinks.log = [this](std::string_view line) -> Result<void> {
      lines.emplace_back(line);
      return {};
    };
    sinks.changed = [this](const RunView& run) { statuses.push_back(run.status); };
    sinks.notice = [this](const std::string& sentence) { notices.push_back(sentence); };
  }

  FakeNetwork::Outcome serve(const net::Request& request) {
    if (before) {
      if (auto instead = before(request)) return *instead;
    }
    if (request.url.find("/runs/") != std::string::npos) {
      const RunFacts& facts = states[std::min(looks, states.size() - 1)];
      ++looks;
      return FakeNetwork::response(200, run_json(facts));
    }
    const std::string& log = request.url.find("/log/plan") != std::string::npos ? plan_log : apply_log;
    const std::size_t offset = offset_in(request.url);
    return FakeNetwork::response(200, offset < log.size() ? log.substr(offset, piece) : "");
  }

  Result<RunView> watch() { return watch_run(api, "run-1", clock, options, sinks); }

  FakeNetwork network;
  test::ManualClock clock;
  ApiClient api{network, "h.test", "https://h.test/api/v2/", {Secret("t"), "x"}};
  WatchOptions options;
  WatchSinks sinks;
  std::vector<RunFacts> states;
  std::size_t looks = 0;
  std::string plan_log = "\x02plan one\nplan two\n\x03";
  std::string apply_log =
      "\x02"
      "Apply\n\n\napply one\n\x03";
  std::size_t piece = 1000;
  std::function<std::optional<FakeNetwork::Outcome>(const net::Request&)> before;
  std::vector<std::string> lines, statuses, notices;
};

TEST_F(RunWatchTest, FollowsBothLogsToTheEnd) {
  states = {{.status = "pending"},
            {.status = "planning", .plan = "running"},
            {.status = "planned", .plan = "finished", .confirmable = true},
            {.status = "applying", .plan = "finished", .apply = "running"},
            {.status = "applied", .plan = "finished", .apply = "finished"}};
  piece = 7;
  const auto run = watch();
  ASSERT_TRUE(run) << run.error().text();
  EXPECT_EQ(run->status, "applied");
  EXPECT_EQ(exit_status_of(*run), 0);
  EXPECT_THAT(lines, ElementsAre("plan one", "plan two", "apply one"));
  EXPECT_THAT(statuses, ElementsAre("pending", "planning", "planned", "applying", "applied"));
  EXPECT_THAT(notices, IsEmpty());
}

TEST_F(RunWatchTest, AGateThatWasThereBeforeItsPlanWasConfirmedIsToldOfAgain) {
  const std::string waits = R"({"level": "plans-and-applies", "phase": "apply", "state": "waiting", "gate-id": "gate-1",
      "tries-left": 5, "you": {"can": true, "serial": "arn:aws:iam::111122223333:mfa/ana", "reason": null}})";
  states = {{.status = "planned", .plan = "finished", .confirmable = true, .mfa = waits},
            {.status = "planned", .plan = "finished", .confirmable = true, .mfa = waits},
            {.status = "apply_queued", .plan = "finished", .apply = "mfa_waiting", .mfa = waits},
            {.status = "apply_queued", .plan = "finished", .apply = "mfa_waiting", .mfa = waits},
            {.status = "applied", .plan = "finished", .apply = "finished"}};
  std::vector<std::string> told;
  sinks.gate_changed = [&](const RunView& run) -> Result<bool> {
    told.push_back(run.status);
    return false;
  };
  ASSERT_TRUE(watch());
  EXPECT_THAT(told, ElementsAre("planned", "apply_queued"));
}

TEST_F(RunWatchTest, ARunThatIsOverShowsItsWholeLog) {
  states = {{.status = "errored", .plan = "errored", .apply = "unreachable"}};
  const auto run = watch();
  ASSERT_TRUE(run);
  EXPECT_EQ(exit_status_of(*run), 1);
  EXPECT_THAT(lines, ElementsAre("plan one", "plan two"));
}

TEST_F(RunWatchTest, ARunThatNeverStartedEndsAtOnce) {
  states = {{.status = "discarded", .plan = "unreachable", .apply = "unreachable"}};
  const auto run = watch();
  ASSERT_TRUE(run);
  EXPECT_EQ(exit_status_of(*run), 3);
  EXPECT_THAT(network.requests, SizeIs(1));
}

TEST_F(RunWatchTest, ALogWithoutItsEndMarkEndsWithItsPhase) {
  states = {{.status = "canceled", .plan = "canceled", .apply = "unreachable"}};
  plan_log = "\x02plan one\nhalf a line";
  const auto run = watch();
  ASSERT_TRUE(run);
  EXPECT_EQ(exit_status_of(*run), 2);
  EXPECT_THAT(lines, ElementsAre("plan one", "half a line"));
}

TEST_F(RunWatchTest, APlanThatWaitsIsTheEndOnlyWhereWanted) {
  states = {{.status = "planned", .plan = "finished", .confirmable = true}};
  options.until_planned = true;
  const auto run = watch();
  ASSERT_TRUE(run);
  EXPECT_EQ(exit_status_of(*run), 0);
  EXPECT_THAT(lines, SizeIs(2));
}

TEST_F(RunWatchTest, ASavedPlanIsTheEnd) {
  states = {{.status = "planned_and_saved", .plan = "finished", .confirmable = true}};
  ASSERT_TRUE(watch());
}

TEST_F(RunWatchTest, AServerThatIsAwayIsAskedAgainAndNothingIsLostOrRepeated) {
  states = {{.status = "planning", .plan = "running"},
            {.status = "planned_and_finished", .plan = "finished", .apply = "unreachable"}};
  piece = 4;
  int asked = 0;
  before = [&](const net::Request&) -> std::optional<FakeNetwork::Outcome> {
    if (++asked % 3 == 0) return FakeNetwork::failure(net::Delivery::not_sent, Error(Code::unavailable, "refused"));
    if (asked % 7 == 0) return FakeNetwork::response(503, "");
    return std::nullopt;
  };
  const auto run = watch();
  ASSERT_TRUE(run);
  EXPECT_THAT(lines, ElementsAre("plan one", "plan two"));
  EXPECT_FALSE(notices.empty());
}

TEST_F(RunWatchTest, AServerThatStaysAwayIsGivenUp) {
  states = {{.status = "planning", .plan = "running"}};
  before = [&](const net::Request& request) -> std::optional<FakeNetwork::Outcome> {
    if (request.url.find("/log/") == std::string::npos) return std::nullopt;
    return FakeNetwork::failure(net::Delivery::not_sent, Error(Code::unavailable, "refused"));
  };
  const auto run = watch();
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::unavailable);
  EXPECT_THAT(notices, SizeIs(1));
}

TEST_F(RunWatchTest, ARefusalEndsTheWatching) {
  states = {{}};
  before = [](const net::Request&) { return std::optional<FakeNetwork::Outcome>(FakeNetwork::response(404, "{}")); };
  EXPECT_EQ(watch().error().code, Code::not_found);
}

TEST_F(RunWatchTest, AClosedPipeEndsTheWatching) {
  states = {{.status = "planning", .plan = "running"}};
  sinks.log = [](std::string_view) -> Result<void> { return fail(Code::io, "closed"); };
  EXPECT_EQ(watch().error().code, Code::io);
}

}  // namespace
}  // namespace tollgate::remote
